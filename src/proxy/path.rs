//! The only place that builds the path of a request through the API server's proxy.
//!
//! The API server answers such a request with the rights of the bot. A path that leaves the proxy could reach every object that the bot
//! may read. So names and paths are checked here again, although the API server has checked them in our two kinds.

use reqwest::Url;
use thiserror::Error;

/// The address of an HTTP server in the cluster, as the API server reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A Service answers only while one of its pods is ready.
    Service { namespace: String, name: String, port: u16 },
    /// A pod that terminates is reached only this way, because its Service no longer lists it.
    Pod { namespace: String, name: String, port: u16 },
}

/// Why a request has no path. It is not sent.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum InvalidPath {
    #[error("`{0}` is no name in Kubernetes: use lower-case letters, digits and `-`")]
    Name(String),
    #[error("`{0}` is no id of 32 hex digits")]
    Id(String),
    #[error(
        "`{0}` is no path that may be asked for: begin with `/`, and use letters, digits and -._~!$&()*+,=:@ without empty parts and \
         parts of dots; `%` and two hex digits may stand after a `?`"
    )]
    Path(String),
}

/// A path on the API server that leads to one endpoint and no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyPath(String);

impl Endpoint {
    /// The path of a request to this endpoint. `path` may have a query.
    pub fn path(&self, path: &str) -> Result<ProxyPath, InvalidPath> {
        let (namespace, kind, name, port) = match self {
            Self::Service { namespace, name, port } => (namespace, "services", name, port),
            Self::Pod { namespace, name, port } => (namespace, "pods", name, port),
        };
        if let Some(wrong) = [namespace, name].into_iter().find(|name| !is_kubernetes_name(name)) {
            return Err(InvalidPath::Name(wrong.clone()));
        }
        let built = ProxyPath(format!("/api/v1/namespaces/{namespace}/{kind}/{name}:{port}/proxy{path}"));
        let is_kept = Url::parse(&format!("https://api{}", built.0)).is_ok_and(|url| built.is_path_of(&url));
        if is_plain_path(path) && is_kept { Ok(built) } else { Err(InvalidPath::Path(path.to_owned())) }
    }
}

impl ProxyPath {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a URL ends with exactly this path and query. The parser of URLs removes dot segments, also encoded ones.
    #[must_use]
    pub fn is_path_of(&self, url: &Url) -> bool {
        let (path, query) = split_query(&self.0);
        url.path().ends_with(path) && url.query() == query && url.fragment().is_none()
    }
}

/// Whether a text can be the name of an object in Kubernetes.
#[must_use]
pub fn is_kubernetes_name(name: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().is_some_and(|byte| is_alphanumeric(*byte))
            && bytes.last().is_some_and(|byte| is_alphanumeric(*byte))
            && bytes.iter().all(|byte| is_alphanumeric(*byte) || *byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Returns an id of 32 hex digits that may be a part of a path.
pub fn checked_id(id: &str) -> Result<&str, InvalidPath> {
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { Ok(id) } else { Err(InvalidPath::Id(id.to_owned())) }
}

/// Encodes a value of a query.
#[must_use]
pub fn encode_query_value(value: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    value.bytes().map(encode).collect()
}

/// The CRD has the same rule as a pattern (`HttpProbe::path`).
fn is_plain_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&()*+,=:@".contains(&byte);
    let (path, query) = split_query(path);
    let Some(parts) = path.strip_prefix('/') else { return false };
    let parts = parts.strip_suffix('/').unwrap_or(parts);
    let is_part = |part: &str| part.bytes().all(is_plain) && part.bytes().any(|byte| byte != b'.');
    let query = query.unwrap_or_default();
    (path == "/" || parts.split('/').all(is_part))
        && query.bytes().all(|byte| is_plain(byte) || b"/?%".contains(&byte))
        && query.split('%').skip(1).all(|rest| rest.bytes().take_while(u8::is_ascii_hexdigit).count() >= 2)
}

fn split_query(path: &str) -> (&str, Option<&str>) {
    path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(namespace: &str, name: &str) -> Endpoint {
        Endpoint::Service { namespace: namespace.to_owned(), name: name.to_owned(), port: 8081 }
    }

    #[test]
    fn a_path_cannot_leave_the_proxy() {
        let rest = service("shop", "orders-rest");
        for path in ["/", "/overview", "/a/b/", "/.well-known/ready", "/v1/a..b", "/a?x=/../y&z=%2e%2e"] {
            let built = rest.path(path).unwrap();
            assert_eq!(built.as_str(), format!("/api/v1/namespaces/shop/services/orders-rest:8081/proxy{path}"));
        }
        for path in [
            "",
            "overview",
            "//",
            "/a//b",
            "/.",
            "/..",
            "/../../../secrets/db",
            "/a/../b",
            "/...",
            "/%2e%2e/x",
            "/%2E%2e/x",
            "/.%2e/x",
            "/a/..%2fb",
            "/a/%252e%252e/b",
            "/..;/x",
            "/a\\..\\b",
            "/a#b",
            "/a b",
            "/a\nb",
            "/ä",
            "/a?x=#b",
            "/a?x=%zz",
            "/a?x= y",
            "?x",
            "@evil/x",
        ] {
            assert!(rest.path(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_name_cannot_leave_the_proxy() {
        for name in [
            "", ".", "..", "a/b", "..%2f", "%2e%2e", "a?b", "a#b", "a\\b", "A", "-a", "a-", "a:80", "a b", "a..b",
            "a\n",
        ] {
            assert!(service("shop", name).path("/").is_err(), "{name}");
            assert!(service(name, "rest").path("/").is_err(), "{name}");
            let pod = Endpoint::Pod { namespace: "shop".to_owned(), name: name.to_owned(), port: 8081 };
            assert!(pod.path("/").is_err(), "{name}");
        }
        assert!(service("shop", "orders.v1-rest").path("/").is_ok());
    }

    #[test]
    fn a_url_that_a_parser_changed_is_no_longer_the_path() {
        let built = service("shop", "rest").path("/overview?x=1").unwrap();
        let is_kept = |url: &str| built.is_path_of(&Url::parse(url).unwrap());
        assert!(is_kept(&format!("https://api:6443/k8s/clusters/c{}", built.as_str())));
        assert!(!is_kept("https://api/api/v1/namespaces/shop/services/rest:8081/proxy/../overview?x=1"));
        assert!(!is_kept(&format!("https://api{}#x", built.as_str())));
    }
}
