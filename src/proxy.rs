//! GET and POST through the API server's proxy, with the credentials of the bot and without any retry.
//!
//! Kubernetes clients retry 429, 503 and 504 for minutes. Here each answer must be seen at once, whoever gave it.

use std::{sync::Arc, time::Duration};

use kube::config::AuthInfo;
use reqwest::{Certificate, Client, Identity, Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use thiserror::Error;

const ANSWER_LIMIT: usize = 8 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum ProxyError {
    /// The time is over.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The request could not be sent, or the exchange broke off; the reason.
    #[error("{0}")]
    Failed(String),
    /// The answer is larger than any that is read.
    #[error("an answer of more than {ANSWER_LIMIT} bytes")]
    TooLarge,
}

/// A certificate or key of the bot's own credentials cannot be used.
#[derive(Debug, Error)]
#[error("the credentials for {cluster} cannot be used: {reason}; check the kubeconfig or the service account mount")]
pub struct CredentialsError {
    /// URL of the API server.
    cluster: String,
    reason: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code, of the server behind the proxy or of the API server itself.
    pub status: StatusCode,
    /// The body.
    pub bytes: Vec<u8>,
}

/// Where an HTTP server of the cluster is, seen from the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Behind a Service, as long as a pod of it is ready.
    Service {
        /// Namespace.
        namespace: String,
        /// Name of the Service.
        name: String,
        /// Its port.
        port: u16,
    },
    /// A pod's own port: a Service no longer lists a pod that terminates.
    Pod {
        /// Namespace.
        namespace: String,
        /// Name of the pod.
        name: String,
        /// The port.
        port: u16,
    },
}

impl Endpoint {
    /// Path of the proxy to this endpoint, below the API server.
    #[must_use]
    pub fn proxy_path(&self) -> String {
        match self {
            Self::Service { namespace, name, port } => {
                format!("/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy")
            }
            Self::Pod { namespace, name, port } => format!("/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy"),
        }
    }
}

/// HTTP to the API server, as the bot.
#[derive(Clone)]
pub struct Proxy {
    client: Client,
    base: String,
    token: Token,
}

#[derive(Clone)]
enum Token {
    None,
    Fixed(Arc<str>),
    /// Rotated by the kubelet, so it is read for each request.
    File(Arc<str>),
}

impl Proxy {
    /// Uses the same cluster and credentials as the Kubernetes client does.
    pub fn new(config: &kube::Config) -> Result<Self, CredentialsError> {
        let base = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let bad = |reason: String| CredentialsError { cluster: base.clone(), reason };
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(Duration::from_secs(3));
        if let Some(roots) = &config.root_cert {
            let roots = roots.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>();
            builder = builder.tls_certs_only(roots.map_err(|error| bad(error.to_string()))?);
        }
        if let Some(pem) = identity(&config.auth_info).map_err(&bad)? {
            builder = builder.identity(Identity::from_pem(&pem).map_err(|error| bad(error.to_string()))?);
        }
        let client = builder.build().map_err(|error| bad(error.to_string()))?;
        Ok(Self { client, token: token(&config.auth_info), base })
    }

    /// Sends one request to a path below the API server. The answer is whatever came back, with any status code.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<Answer, ProxyError> {
        let answer = tokio::time::timeout(timeout, self.exchange(method, path, body)).await;
        answer.unwrap_or(Err(ProxyError::TimedOut(timeout)))
    }

    /// The status code of a GET, for probes.
    pub async fn status_of(&self, path: &str, timeout: Duration) -> Result<StatusCode, ProxyError> {
        let request = self.request(Method::GET, path).await?.send();
        match tokio::time::timeout(timeout, request).await {
            Ok(Ok(response)) => Ok(response.status()),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(ProxyError::TimedOut(timeout)),
        }
    }

    async fn request(&self, method: Method, path: &str) -> Result<reqwest::RequestBuilder, ProxyError> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        Ok(match &self.token {
            Token::None => request,
            Token::Fixed(token) => request.bearer_auth(token),
            Token::File(file) => {
                let token = tokio::fs::read_to_string(file.as_ref()).await;
                request.bearer_auth(
                    token.map_err(|error| ProxyError::Failed(format!("cannot read {file}: {error}")))?.trim(),
                )
            }
        })
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, ProxyError> {
        let mut request = self.request(method, path).await?;
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_LIMIT {
                return Err(ProxyError::TooLarge);
            }
        }
        Ok(Answer { status, bytes })
    }
}

fn failed(error: &reqwest::Error) -> ProxyError {
    let mut reason = if error.is_connect() { "cannot connect".to_owned() } else { "the exchange broke off".to_owned() };
    if let Some(source) = std::error::Error::source(error) {
        reason = format!("{reason}: {source}");
    }
    ProxyError::Failed(reason)
}

fn token(auth: &AuthInfo) -> Token {
    match (&auth.token_file, &auth.token) {
        (Some(file), _) => Token::File(file.as_str().into()),
        (None, Some(token)) => Token::Fixed(token.expose_secret().into()),
        (None, None) => Token::None,
    }
}

/// Certificate and key of a kubeconfig as one PEM.
fn identity(auth: &AuthInfo) -> Result<Option<Vec<u8>>, String> {
    let certificate = part(auth.client_certificate_data.as_deref(), auth.client_certificate.as_deref())?;
    let key = part(auth.client_key_data.as_ref().map(ExposeSecret::expose_secret), auth.client_key.as_deref())?;
    Ok(match (certificate, key) {
        (Some(mut certificate), Some(key)) => {
            certificate.push(b'\n');
            certificate.extend(key);
            Some(certificate)
        }
        _ => None,
    })
}

fn part(data: Option<&str>, file: Option<&str>) -> Result<Option<Vec<u8>>, String> {
    match (data, file) {
        (Some(data), _) => {
            let bytes: k8s_openapi::ByteString = serde_json::from_value(Value::String(data.to_owned()))
                .map_err(|error| format!("not base64: {error}"))?;
            Ok(Some(bytes.0))
        }
        (None, Some(file)) => std::fs::read(file).map(Some).map_err(|error| format!("{file}: {error}")),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_answer_blames_nobody_behind_the_proxy() {
        let shown = |error: ProxyError| error.to_string();
        assert_eq!(shown(ProxyError::TimedOut(Duration::from_secs(3))), "no answer within 3 s");
        assert_eq!(shown(ProxyError::Failed("cannot connect".into())), "cannot connect");
    }
}
