//! Fetches a token from a URL that a customer has configured.
//!
//! The contract sets the rules: signed requests, 5 s for each attempt, three attempts, no redirects, and a small answer
//! that contains only a token.

use std::{
    error::Error,
    fmt,
    io::{self, ErrorKind},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use model::{Environment, Secret, chain};
use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect::Policy};
use url::{Host, Url};

use crate::{
    guard::{Forbidden, LookupFailed, NetworkGuard},
    signature::{ELSEWHERE, SigningKey, sign_with_each},
    token,
};

/// The time limit of one attempt, from connecting to the last byte.
const ATTEMPT: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);
/// The pauses before the second and the third attempt. Up to a quarter is added at random, so that many bots do not retry
/// at once.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// The maximum size of an answer, in bytes. It is longer than any token.
const MAX_BYTES: usize = 16 * 1024;

/// An HTTP client for URLs of customers. A process has one, because it reuses connections.
#[derive(Debug, Clone)]
pub struct CallbackClient {
    guard: NetworkGuard,
    /// Connects to the public internet and allowed networks, with TLS only.
    outside: Client,
    /// Connects to allowed networks only, where plain HTTP is accepted.
    inside: Client,
    /// The same two clients for WebSocket, which needs HTTP/1.1.
    pub(crate) sockets: [Client; 2],
    /// The base URL of this server's own token links.
    own_links: Option<Url>,
    env: Environment,
}

/// Why a call failed. It never contains the URL, because path and query can contain secrets.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallbackError {
    /// The text is not a URL that can be called.
    #[error("It must be an http or https URL without user and password.")]
    BadUrl,
    /// The text is not a URL that a WebSocket can connect to.
    #[error("It must be a ws or wss URL without user and password.")]
    BadSocketUrl,
    /// The address is neither public nor allowed.
    #[error("{Forbidden}")]
    Forbidden,
    /// The server cannot be reached. The cause is for the log, because it may contain the address of the host.
    #[error("the server cannot be reached: {why}")]
    Unreachable {
        /// What failed.
        why: Unreached,
        /// The cause, without the URL.
        #[source]
        cause: Arc<reqwest::Error>,
    },
    /// The complete answer did not arrive in time.
    #[error("no answer within 5 s")]
    TooSlow,
    /// The WebSocket connection was not established in time.
    #[error("no connection within 15 s")]
    NotConnected,
    /// The server does not speak WebSocket.
    #[error("the answer is not a WebSocket connection")]
    NotASocket,
    /// The server redirects.
    #[error("the answer is a redirect, which is never followed")]
    Redirect,
    /// The answer has an unexpected HTTP status.
    #[error("the answer is HTTP {0}")]
    Status(u16),
    /// The answer is not a token.
    #[error("the answer is not a token: {0}")]
    NotAToken(&'static str),
}

/// Why a server cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// Its name does not resolve.
    Name,
    /// Nothing accepts connections at its address and port.
    Refused,
    /// The TLS handshake failed.
    Tls,
    /// Connecting failed for another reason.
    Connection,
    /// The connection broke before the complete answer had arrived.
    Broken,
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "its name does not resolve",
            Self::Refused => "it refuses connections",
            Self::Tls => "the TLS handshake failed; check its certificate",
            Self::Connection => "no connection",
            Self::Broken => "the connection broke",
        })
    }
}

impl CallbackError {
    /// Whether another attempt may succeed.
    const fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TooSlow => true,
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::BadUrl
            | Self::BadSocketUrl
            | Self::NotConnected
            | Self::NotASocket
            | Self::Forbidden
            | Self::Redirect
            | Self::NotAToken(_) => false,
        }
    }
}

impl CallbackClient {
    /// Creates a client that connects only to addresses that `guard` allows.
    pub fn new(guard: NetworkGuard, env: Environment) -> Result<Self, reqwest::Error> {
        Ok(Self {
            outside: client(guard.clone(), true).build()?,
            inside: client(guard.inside(), false).build()?,
            sockets: [
                client(guard.clone(), true).http1_only().build()?,
                client(guard.inside(), false).http1_only().build()?,
            ],
            guard,
            own_links: None,
            env,
        })
    }

    /// Sets where this server's own token links are. They accept requests that were signed for them, and refuse those that
    /// were signed for any other address.
    #[must_use]
    pub fn with_own_links(self, public_base: &Url) -> Self {
        let mut links = public_base.clone();
        links.set_path(&format!("{}/t/", public_base.path().trim_end_matches('/')));
        Self { own_links: Some(links), ..self }
    }

    pub(crate) fn env(&self) -> &Environment {
        &self.env
    }

    /// A new id for a request to this address.
    fn id_for(&self, url: &Url) -> String {
        let own = self
            .own_links
            .as_ref()
            .is_some_and(|links| url.origin() == links.origin() && url.path().starts_with(links.path()));
        format!("{}{}", if own { "msg_" } else { ELSEWHERE }, self.env.entropy.token())
    }

    /// Checks whether `text` can be a callback URL. Host names are checked when they are called.
    pub fn accepts(&self, text: &str) -> Result<(), CallbackError> {
        self.client_for(text).map(drop)
    }

    /// Fetches a token, with retries, signed with each of `keys`. All attempts have the same id, but each its own timestamp.
    pub async fn fetch(&self, url: &str, keys: &[SigningKey]) -> Result<Secret, CallbackError> {
        let (client, url) = self.client_for(url)?;
        let id = self.id_for(&url);
        let mut pauses = RETRY_PAUSES.into_iter();
        loop {
            let error = match self.attempt(client, &url, keys, &id).await.and_then(|text| alone(&text)) {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            match pauses.next() {
                Some(pause) if error.is_worth_a_retry() => {
                    tracing::info!(error = %chain(&error), "a token callback failed; it is retried");
                    self.env.clock.sleep(pause.mul_f64(1.0 + self.env.entropy.fraction() / 4.0)).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// Sends one request, signed with each of `keys`, and returns the text of the answer, whatever it is.
    pub async fn ask(&self, url: &str, keys: &[SigningKey]) -> Result<Secret, CallbackError> {
        let (client, url) = self.client_for(url)?;
        let id = self.id_for(&url);
        self.attempt(client, &url, keys, &id).await
    }

    /// Sends an unsigned `HEAD` request and returns the status. Any answer shows that the server can be reached.
    pub async fn reach(&self, url: &Secret) -> Result<u16, CallbackError> {
        let (client, url) = self.client_for(url.expose())?;
        let sent = self.env.clock.timeout(ATTEMPT, client.head(url).send()).await;
        let answer = sent.ok_or(CallbackError::TooSlow)?.map_err(unsent)?;
        Ok(answer.status().as_u16())
    }

    async fn attempt(
        &self,
        client: &Client,
        url: &Url,
        keys: &[SigningKey],
        id: &str,
    ) -> Result<Secret, CallbackError> {
        let now = self.env.now();
        let request = client
            .get(url.clone())
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", sign_with_each(keys, id, now, b""));
        let answer = async {
            let response = request.send().await.map_err(unsent)?;
            match response.status() {
                StatusCode::OK => read_text(response).await,
                status if status.is_redirection() => Err(CallbackError::Redirect),
                status => Err(CallbackError::Status(status.as_u16())),
            }
        };
        self.env.clock.timeout(ATTEMPT, answer).await.unwrap_or(Err(CallbackError::TooSlow))
    }

    /// The client that may call this URL. A literal IP address does not pass through the resolver, so it is checked here.
    pub(crate) fn client_for(&self, text: &str) -> Result<(&Client, Url), CallbackError> {
        self.judged(text, [&self.outside, &self.inside])
    }

    /// The same for these two clients.
    pub(crate) fn judged<'c>(
        &self,
        text: &str,
        [outside, inside]: [&'c Client; 2],
    ) -> Result<(&'c Client, Url), CallbackError> {
        let url = Url::parse(text).map_err(|_| CallbackError::BadUrl)?;
        // They would become an `Authorization` header, which the contract forbids.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(CallbackError::BadUrl);
        }
        let (client, guard) = match url.scheme() {
            "https" => (outside, self.guard.clone()),
            "http" => (inside, self.guard.inside()),
            _ => return Err(CallbackError::BadUrl),
        };
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(CallbackError::BadUrl),
        };
        if literal.is_some_and(|address| !guard.allows(address)) {
            return Err(CallbackError::Forbidden);
        }
        Ok((client, url))
    }
}

#[expect(clippy::disallowed_methods, reason = "the constructor of callback HTTP")]
fn client(guard: NetworkGuard, tls_only: bool) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("Latchkey/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .https_only(tls_only)
        .dns_resolver(guard)
}

pub(crate) fn unsent(error: reqwest::Error) -> CallbackError {
    if error.is_timeout() {
        return CallbackError::TooSlow;
    }
    let mut why = if error.is_connect() { Unreached::Connection } else { Unreached::Broken };
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<Forbidden>() {
            return CallbackError::Forbidden;
        }
        if inner.is::<LookupFailed>() {
            why = Unreached::Name;
        }
        match inner.downcast_ref().map(kind_of) {
            Some(ErrorKind::ConnectionRefused) => why = Unreached::Refused,
            // A reset may come so early that the client counts it as a failed connect.
            Some(
                ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::NotConnected,
            ) => why = Unreached::Broken,
            // rustls reports a failed handshake as invalid data; a server without TLS may just close the connection.
            Some(ErrorKind::InvalidData | ErrorKind::UnexpectedEof) if error.is_connect() => {
                why = Unreached::Tls;
            }
            _ => {}
        }
        cause = inner.source();
    }
    CallbackError::Unreachable { why, cause: Arc::new(error.without_url()) }
}

/// The kind of an I/O error, or of the one that it wraps: `source()` would skip that.
fn kind_of(error: &io::Error) -> ErrorKind {
    let wrapped = error.get_ref().and_then(|inner| inner.downcast_ref());
    wrapped.map_or(error.kind(), kind_of)
}

async fn read_text(mut response: Response) -> Result<Secret, CallbackError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unsent)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(CallbackError::NotAToken("it is longer than 16 KiB"));
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map(Secret::new).map_err(|_| CallbackError::NotAToken("it is not text"))
}

fn alone(text: &Secret) -> Result<Secret, CallbackError> {
    token(text.expose()).map(Secret::new).map_err(CallbackError::NotAToken)
}
