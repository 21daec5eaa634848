//! GET and POST through the API server's proxy, with the credentials of the bot and without any retry.
//!
//! Kubernetes clients retry 429, 503 and 504 for minutes; here an answer that is not Flink's own has to surface at once as Unknown.

use std::{sync::Arc, time::Duration};

use kube::config::AuthInfo;
use reqwest::{Certificate, Client, Identity, Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use thiserror::Error;

const ANSWER_LIMIT: usize = 8 * 1024 * 1024;

/// Why there is no answer to a question to Flink.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum FlinkError {
    /// Nothing is known: refused, timed out, 503, or something other than Flink answered.
    #[error("Flink did not answer: {0}")]
    Unknown(String),
    /// Flink itself said no, in its `errors` list.
    #[error("Flink answered {status}: {message}")]
    Refused {
        /// HTTP status code.
        status: u16,
        /// First line of its first error.
        message: String,
    },
}

/// Why the bot's own credentials cannot be used for the proxy.
#[derive(Debug, Error)]
pub enum TransportError {
    /// A certificate or key cannot be used.
    #[error(
        "the credentials for {cluster} cannot be used: {reason}; check the kubeconfig or the service account mount"
    )]
    Credentials {
        /// URL of the API server.
        cluster: String,
        /// What is wrong with them.
        reason: String,
    },
}

/// HTTP to the API server, as the bot.
#[derive(Clone)]
pub struct Transport {
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

impl Transport {
    /// Uses the same cluster and credentials as the Kubernetes client does.
    pub fn new(config: &kube::Config) -> Result<Self, TransportError> {
        let base = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let bad = |reason: String| TransportError::Credentials { cluster: base.clone(), reason };
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

    /// Sends one request to a path below the API server and returns the JSON of a 2xx answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Value, FlinkError> {
        let answer = tokio::time::timeout(patience, self.exchange(method, path, body)).await;
        answer.unwrap_or_else(|_| Err(FlinkError::Unknown(format!("no answer within {} s", patience.as_secs()))))
    }

    /// The status code of a GET, for probes.
    pub async fn status_of(&self, path: &str, patience: Duration) -> Result<StatusCode, FlinkError> {
        let request = self.request(Method::GET, path).await?.send();
        match tokio::time::timeout(patience, request).await {
            Ok(Ok(response)) => Ok(response.status()),
            Ok(Err(error)) => Err(unknown(&error)),
            Err(_) => Err(FlinkError::Unknown(format!("no answer within {} s", patience.as_secs()))),
        }
    }

    async fn request(&self, method: Method, path: &str) -> Result<reqwest::RequestBuilder, FlinkError> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        Ok(match &self.token {
            Token::None => request,
            Token::Fixed(token) => request.bearer_auth(token),
            Token::File(file) => {
                let token = tokio::fs::read_to_string(file.as_ref()).await;
                request.bearer_auth(
                    token.map_err(|error| FlinkError::Unknown(format!("cannot read {file}: {error}")))?.trim(),
                )
            }
        })
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, FlinkError> {
        let mut request = self.request(method, path).await?;
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(|error| unknown(&error))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unknown(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_LIMIT {
                return Err(FlinkError::Unknown(format!("an answer of more than {ANSWER_LIMIT} bytes")));
            }
        }
        interpret(status, &bytes)
    }
}

/// What an answer means: Flink's own JSON, Flink's own refusal, or nothing known.
fn interpret(status: StatusCode, bytes: &[u8]) -> Result<Value, FlinkError> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|_| FlinkError::Unknown(format!("status {status} with a body that is not JSON")))?;
    if value.get("kind").and_then(Value::as_str) == Some("Status") {
        let message = value.get("message").and_then(Value::as_str).unwrap_or("no message");
        return Err(FlinkError::Unknown(format!("the API server said: {message}")));
    }
    if status.is_success() {
        return Ok(value);
    }
    let first = value.get("errors").and_then(|errors| errors.get(0)).and_then(Value::as_str);
    match first {
        Some(message) if status != StatusCode::SERVICE_UNAVAILABLE => Err(FlinkError::Refused {
            status: status.as_u16(),
            message: message.lines().next().unwrap_or_default().to_owned(),
        }),
        _ => Err(FlinkError::Unknown(format!("status {status}"))),
    }
}

fn unknown(error: &reqwest::Error) -> FlinkError {
    let mut reason = if error.is_connect() { "cannot connect".to_owned() } else { "the exchange broke off".to_owned() };
    if let Some(source) = std::error::Error::source(error) {
        reason = format!("{reason}: {source}");
    }
    FlinkError::Unknown(reason)
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
    fn only_flinks_own_errors_are_an_answer() {
        let refused = interpret(StatusCode::NOT_FOUND, br#"{"errors":["NotFound: no such job\n\tat X"]}"#);
        assert_eq!(refused, Err(FlinkError::Refused { status: 404, message: "NotFound: no such job".into() }));
        for (status, body) in [
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"errors":["ongoing leader election"]}"#),
            (StatusCode::NOT_FOUND, r#"{"kind":"Status","message":"services \"x\" not found"}"#),
            (StatusCode::OK, r#"{"kind":"Status","message":"odd"}"#),
            (StatusCode::OK, "<html>"),
            (StatusCode::BAD_GATEWAY, "{}"),
        ] {
            assert!(matches!(interpret(status, body.as_bytes()), Err(FlinkError::Unknown(_))), "{body}");
        }
        assert_eq!(interpret(StatusCode::OK, br#"{"status":"RUNNING"}"#), Ok(serde_json::json!({"status": "RUNNING"})));
    }
}
