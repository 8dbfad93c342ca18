//! A key service over HTTP: the transit engine of OpenBao and Vault, or another service with the same API.
//!
//! It uses two calls, `encrypt` and `decrypt` (<https://openbao.org/api-docs/secret/transit>). `rewrap` would refuse our
//! keys, because it does not support associated data, which binds a wrapped key to its id.

use std::{error::Error, fs, path::PathBuf, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::Secret;
use reqwest::{Certificate, Client, StatusCode, redirect::Policy};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of an answer, in bytes. Usual answers have a few hundred.
const MAX_BODY: usize = 64 << 10;
/// The maximum number of characters of its error message that are passed on.
const MAX_COMPLAINT: usize = 200;

/// The key service, the key to use there, and how to authenticate.
#[derive(Debug, Clone)]
pub struct TransitConfig {
    /// `https://bao.example.com:8200`
    pub address: Url,
    /// Where the transit engine is mounted; usually `transit`.
    pub mount: String,
    /// The key's name there.
    pub key: String,
    /// The namespace, if the service has several.
    pub namespace: Option<String>,
    /// Authenticates this server.
    pub token: Token,
    /// A PEM file of root certificates to trust in addition to the system's.
    pub ca_file: Option<PathBuf>,
}

/// The token that authenticates this server to the key service.
#[derive(Debug, Clone)]
pub enum Token {
    /// The token itself.
    Given(Secret),
    /// The file that contains the token. It is read for every call, because another program renews the token.
    File(PathBuf),
}

/// A call to the key service failed. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TransitError {
    /// The file of root certificates cannot be used.
    #[error("keys.transit.ca_file {path} is not usable ({cause}): name a PEM file of certificates")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The HTTPS client cannot be created.
    #[error("the HTTPS client cannot be created: {0}")]
    Client(#[source] reqwest::Error),
    /// The token's file cannot be read.
    #[error(
        "keys.transit.token_file {path} cannot be read ({cause}): give it to the user that runs latchkey"
    )]
    Token {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        cause: std::io::Error,
    },
    /// The content of the token's file is not a token.
    #[error("keys.transit.token_file {path} contains no token ({cause})")]
    NotAToken {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        #[source]
        cause: model::NotOneWord,
    },
    /// No answer, or a server error.
    #[error(
        "the key service at {address} is unavailable ({}): start or unseal it, or correct keys.transit.address",
        innermost(&**cause)
    )]
    Unavailable {
        /// The service's address.
        address: String,
        /// The cause.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The service refuses the token: 401 or 403.
    #[error(
        "the key service at {address} refuses the token: renew it, and allow it `update` on {path} (keys.transit)"
    )]
    Refused {
        /// The service's address.
        address: String,
        /// The path of the call.
        path: String,
    },
    /// The mount or the key does not exist: 404.
    #[error(
        "the key service at {address} has no {path}: create the key there, or correct keys.transit.mount and .key"
    )]
    Missing {
        /// The service's address.
        address: String,
        /// The path of the call.
        path: String,
    },
    /// The service rejects the request, usually because the ciphertext was made with another key.
    #[error(
        "the key service at {address} answers {status} at {path} ({said}): correct keys.transit.key, or restore the \
         key file that was wrapped there"
    )]
    Rejected {
        /// The service's address.
        address: String,
        /// The path of the call.
        path: String,
        /// The HTTP status.
        status: u16,
        /// The service's error message, shortened.
        said: String,
    },
    /// The server is not a key service, or it is a standby that redirects.
    #[error(
        "the server at {address} answers {status}, so it is not a transit engine: correct keys.transit.address"
    )]
    Unexpected {
        /// The server's address.
        address: String,
        /// The HTTP status.
        status: u16,
    },
}

/// Calls the key service. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Transit {
    http: Client,
    config: TransitConfig,
}

#[derive(Deserialize)]
struct Wrapped {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Unwrapped {
    plaintext: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

impl Transit {
    /// Creates a client. It connects within 2 s, ends each call within 10 s, follows no redirect, and reads at most 64 KiB
    /// of an answer.
    #[expect(clippy::disallowed_methods, reason = "this is the one constructor of HTTP to a key service")]
    pub fn new(config: TransitConfig) -> Result<Self, TransitError> {
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            // A redirect could send the token to an unknown address.
            .redirect(Policy::none())
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(extra_roots(&config)?)
            .build()
            .map_err(TransitError::Client)?;
        Ok(Self { http, config })
    }

    /// Wraps the key `id`. Returns the service's ciphertext.
    pub(crate) async fn encrypt(&self, id: &str, key: &[u8]) -> Result<String, TransitError> {
        let plaintext = Zeroizing::new(BASE64_STANDARD.encode(key));
        let body = json!({ "plaintext": &*plaintext, "associated_data": bound_to(id) });
        self.call::<Wrapped>("encrypt", &body).await.map(|wrapped| wrapped.ciphertext)
    }

    /// Unwraps the key `id`.
    pub(crate) async fn decrypt(&self, id: &str, wrapped: &str) -> Result<Zeroizing<Vec<u8>>, TransitError> {
        let body = json!({ "ciphertext": wrapped, "associated_data": bound_to(id) });
        let Unwrapped { plaintext } = self.call("decrypt", &body).await?;
        let key = BASE64_STANDARD.decode(&*plaintext);
        key.map(Zeroizing::new).map_err(|_| TransitError::Unexpected { address: self.address(), status: 200 })
    }

    async fn call<T: serde::de::DeserializeOwned>(
        &self,
        operation: &str,
        body: &Value,
    ) -> Result<T, TransitError> {
        let path = format!("{}/{operation}/{}", self.config.mount.trim_matches('/'), self.config.key);
        let mut url = self.config.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path.split('/'));
        }
        let mut request = self.http.post(url).header("X-Vault-Token", self.token()?.expose()).json(body);
        if let Some(namespace) = &self.config.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        let unavailable = |error: reqwest::Error| TransitError::Unavailable {
            address: self.address(),
            cause: error.without_url().into(),
        };
        let mut response = request.send().await.map_err(unavailable)?;
        let status = response.status();
        let unexpected = || TransitError::Unexpected { address: self.address(), status: status.as_u16() };
        let mut answer = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
            if answer.len() + chunk.len() > MAX_BODY {
                return Err(unexpected());
            }
            answer.extend_from_slice(&chunk);
        }
        let address = self.address();
        match status {
            StatusCode::OK => serde_json::from_slice::<Answer<T>>(&answer)
                .map(|answer| answer.data)
                .map_err(|_| unexpected()),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Err(TransitError::Refused { address, path }),
            StatusCode::NOT_FOUND => Err(TransitError::Missing { address, path }),
            // The answer for a ciphertext that can't be decrypted is 400 and, in some versions, 500.
            StatusCode::BAD_REQUEST
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::INTERNAL_SERVER_ERROR => {
                let status = status.as_u16();
                Err(TransitError::Rejected { address, path, status, said: complaint(&answer) })
            }
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                let cause = format!("it answers {}", status.as_u16()).into();
                Err(TransitError::Unavailable { address, cause })
            }
            _ => Err(unexpected()),
        }
    }

    /// The address for error messages, without path and user info, which may contain a password.
    fn address(&self) -> String {
        self.config.address.origin().ascii_serialization()
    }

    fn token(&self) -> Result<Secret, TransitError> {
        match &self.config.token {
            Token::Given(token) => Ok(token.clone()),
            Token::File(path) => match fs::read_to_string(path) {
                Ok(text) => match model::pasted(&text) {
                    Ok(token) => Ok(Secret::new(token)),
                    Err(cause) => Err(TransitError::NotAToken { path: path.clone(), cause }),
                },
                Err(cause) => Err(TransitError::Token { path: path.clone(), cause }),
            },
        }
    }
}

/// The associated data of a key. A wrapped key that is stored under another id can't be unwrapped.
fn bound_to(id: &str) -> String {
    BASE64_STANDARD.encode(format!("latchkey key {id}"))
}

/// The messages of `{"errors": ["…"]}`, shortened to a line.
fn complaint(answer: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Complaint {
        errors: Vec<String>,
    }
    let Ok(Complaint { errors }) = serde_json::from_slice(answer) else { return "no reason given".into() };
    let line = errors.join("; ").split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_COMPLAINT).collect()
}

/// The innermost cause, which says what failed.
fn innermost<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    error.source().map_or(error, innermost)
}

fn extra_roots(config: &TransitConfig) -> Result<Vec<Certificate>, TransitError> {
    let Some(path) = &config.ca_file else { return Ok(Vec::new()) };
    let refused = |cause| TransitError::Certificates { path: path.clone(), cause };
    let pem = fs::read(path).map_err(|error| refused(error.into()))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(roots) if !roots.is_empty() => Ok(roots),
        Ok(_) => Err(refused("it contains no certificate".into())),
        Err(error) => Err(refused(error.into())),
    }
}
