//! GET and POST through the API server's proxy, with the bot's credentials and without retries.
//!
//! The `kube` client is not used here, because it retries 429, 503 and 504 for minutes. Callers need every answer at once.

mod path;

use std::{sync::Arc, time::Duration};

use kube::config::AuthInfo;
use reqwest::{Certificate, Client, Identity, Method, StatusCode, Url};
use secrecy::ExposeSecret;
use serde_json::Value;
use thiserror::Error;

pub use path::{Endpoint, InvalidPath, ProxyPath, checked_id, encode_query_value, is_kubernetes_name};

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Why a request has no answer.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum ProxyError {
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The request could not be sent, or the connection broke.
    #[error("{0}")]
    Failed(String),
    #[error("the answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
}

/// The bot's own credentials contain a certificate or key that cannot be used.
#[derive(Debug, Error)]
#[error("the credentials for {cluster} cannot be used: {reason}; check the kubeconfig or the service account mount")]
pub struct CredentialsError {
    /// URL of the API server.
    cluster: String,
    reason: String,
}

/// An HTTP answer with any status code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Comes from the server behind the proxy, or from the API server itself.
    pub status: StatusCode,
    pub bytes: Vec<u8>,
}

/// An HTTP client for the API server with the credentials of the bot.
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
    /// The kubelet rotates this file, so each request reads it again.
    File(Arc<str>),
}

impl Proxy {
    /// Uses the same cluster and credentials as the Kubernetes client.
    pub fn new(config: &kube::Config) -> Result<Self, CredentialsError> {
        let base = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let unusable = |reason: String| CredentialsError { cluster: base.clone(), reason };
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(Duration::from_secs(3));
        if let Some(roots) = &config.root_cert {
            let roots = roots.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>();
            builder = builder.tls_certs_only(roots.map_err(|error| unusable(error.to_string()))?);
        }
        if let Some(pem) = read_identity(&config.auth_info).map_err(&unusable)? {
            builder = builder.identity(Identity::from_pem(&pem).map_err(|error| unusable(error.to_string()))?);
        }
        let client = builder.build().map_err(|error| unusable(error.to_string()))?;
        Ok(Self { client, token: token_source(&config.auth_info), base })
    }

    /// Sends one request to a path on the API server. An error status is an answer too.
    pub async fn send(
        &self,
        method: Method,
        path: &ProxyPath,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<Answer, ProxyError> {
        let answer = tokio::time::timeout(timeout, self.exchange(method, path, body)).await;
        answer.unwrap_or(Err(ProxyError::TimedOut(timeout)))
    }

    /// Sends a GET and returns the status code without reading the body.
    pub async fn get_status(&self, path: &ProxyPath, timeout: Duration) -> Result<StatusCode, ProxyError> {
        let request = self.request(Method::GET, path).await?.send();
        match tokio::time::timeout(timeout, request).await {
            Ok(Ok(response)) => Ok(response.status()),
            Ok(Err(error)) => Err(describe_failure(&error)),
            Err(_) => Err(ProxyError::TimedOut(timeout)),
        }
    }

    async fn request(&self, method: Method, path: &ProxyPath) -> Result<reqwest::RequestBuilder, ProxyError> {
        let url = format!("{}{}", self.base, path.as_str());
        let url = Url::parse(&url).ok().filter(|url| path.is_path_of(url));
        let url =
            url.ok_or_else(|| ProxyError::Failed("its URL would lead elsewhere, so it was not sent".to_owned()))?;
        let request = self.client.request(method, url);
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

    async fn exchange(&self, method: Method, path: &ProxyPath, body: Option<&Value>) -> Result<Answer, ProxyError> {
        let mut request = self.request(method, path).await?;
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(|error| describe_failure(&error))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| describe_failure(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER {
                return Err(ProxyError::TooLarge);
            }
        }
        Ok(Answer { status, bytes })
    }
}

fn describe_failure(error: &reqwest::Error) -> ProxyError {
    let mut reason = if error.is_connect() { "cannot connect".to_owned() } else { "the connection broke".to_owned() };
    if let Some(source) = std::error::Error::source(error) {
        reason = format!("{reason}: {source}");
    }
    ProxyError::Failed(reason)
}

fn token_source(auth: &AuthInfo) -> Token {
    match (&auth.token_file, &auth.token) {
        (Some(file), _) => Token::File(file.as_str().into()),
        (None, Some(token)) => Token::Fixed(token.expose_secret().into()),
        (None, None) => Token::None,
    }
}

/// The client certificate and key of a kubeconfig, as one PEM.
fn read_identity(auth: &AuthInfo) -> Result<Option<Vec<u8>>, String> {
    let certificate = read_pem(auth.client_certificate_data.as_deref(), auth.client_certificate.as_deref())?;
    let key = read_pem(auth.client_key_data.as_ref().map(ExposeSecret::expose_secret), auth.client_key.as_deref())?;
    Ok(match (certificate, key) {
        (Some(mut certificate), Some(key)) => {
            certificate.push(b'\n');
            certificate.extend(key);
            Some(certificate)
        }
        _ => None,
    })
}

fn read_pem(data: Option<&str>, file: Option<&str>) -> Result<Option<Vec<u8>>, String> {
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
        let text = |error: ProxyError| error.to_string();
        assert_eq!(text(ProxyError::TimedOut(Duration::from_secs(3))), "no answer within 3 s");
        assert_eq!(text(ProxyError::Failed("cannot connect".into())), "cannot connect");
    }
}
