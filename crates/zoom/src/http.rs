//! The one HTTP client for Zoom.

use std::{path::PathBuf, sync::Arc, time::Duration};

use model::{Environment, KillPoint, Timestamp};
use reqwest::Response;
use reqwest::{Certificate, Client, RequestBuilder, StatusCode, header::HeaderMap, redirect::Policy};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    ClientSetupError, Sent, ZoomClock, ZoomError, fields,
    limits::{LimitHit, RateLimits},
    server_time,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Our timeout of a call: far more than Zoom needs, and well below the length of a refresh's lease.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest body. Zoom's answers to these calls have a few kilobytes.
const MAX_BODY: usize = 1 << 20;

/// The addresses of Zoom.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Consent and tokens; `https://zoom.us`.
    pub oauth_base: Url,
    /// The REST API, for grants that do not name another one; `https://api.zoom.us`.
    pub api_base: Url,
    /// A PEM file of root certificates to trust in addition to the system's: the simulator's, or a company proxy's.
    pub ca_file: Option<PathBuf>,
}

/// Calls Zoom. Clones share their connections.
#[derive(Debug, Clone)]
pub struct ZoomClient {
    http: Client,
    pub(crate) endpoints: Arc<Endpoints>,
    env: Environment,
    clock: ZoomClock,
    timeout: Duration,
}

impl ZoomClient {
    /// A client for `endpoints`: connects within 2 s, ends each call within 15 s, follows no redirect and reads at
    /// most 1 MiB of an answer. `env` has the time that Zoom's dates are compared with.
    #[expect(clippy::disallowed_methods, reason = "this is the one constructor of HTTP to Zoom")]
    pub fn new(endpoints: Endpoints, env: Environment) -> Result<Self, ClientSetupError> {
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect could send a token or a secret to an unchecked address.
            .redirect(Policy::none())
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(extra_roots(&endpoints)?)
            .build()
            .map_err(ClientSetupError::Tls)?;
        let clock = ZoomClock::new(env.clone());
        Ok(Self { http, endpoints: Arc::new(endpoints), env, clock, timeout: CALL_TIMEOUT })
    }

    /// The same client with another timeout per call, from connecting to the last byte of the answer.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Zoom's clock.
    pub fn clock(&self) -> &ZoomClock {
        &self.clock
    }

    /// Asks Zoom only for its `Date`, unless there was an answer with it within `span`.
    pub async fn ask_for_the_time(&self, span: Duration) {
        if !self.clock.was_observed_within(span) {
            // Any answer is ignored; the next check asks again.
            let _answer = self.begin("time", self.http.head(self.endpoints.oauth_base.clone())).await;
        }
    }

    pub(crate) fn get(&self, url: Url) -> RequestBuilder {
        self.http.get(url)
    }

    pub(crate) fn post(&self, url: Url) -> RequestBuilder {
        self.http.post(url)
    }

    /// Makes the call named `call` (for the log). An `Ok` has a 2xx or 4xx answer. Other answers are classified here,
    /// because they mean the same for every call.
    pub(crate) async fn send(
        &self,
        call: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, ZoomError> {
        self.send_and_observe(call, request, |_| ()).await
    }

    /// Does the same, and reports what the answer says about Zoom's limits, whatever the answer is.
    pub(crate) async fn send_and_observe(
        &self,
        call: &'static str,
        request: RequestBuilder,
        tell: impl FnOnce(&RateLimits),
    ) -> Result<Answer, ZoomError> {
        let mut response = self.begin(call, request).await?;
        let status = response.status();
        tell(&RateLimits::read(status, response.headers(), self.written_at(&response)));
        self.judge_head(&response)?;
        let (body, end) = read_body(call, &mut response).await;
        end.map(|()| Answer { status, body })
    }

    /// Makes a call whose answer may contain a token that exists nowhere else. Returns the received part of the answer,
    /// however it ended, and the result that [`send`](Self::send) would have returned.
    pub(crate) async fn send_for_tokens(
        &self,
        call: &'static str,
        request: RequestBuilder,
    ) -> Result<(Answer, Result<(), ZoomError>), ZoomError> {
        let mut response = self.begin(call, request).await?;
        let status = response.status();
        let head = self.judge_head(&response);
        let (body, end) = read_body(call, &mut response).await;
        Ok((Answer { status, body }, head.and(end)))
    }

    #[tracing::instrument(name = "zoom", skip_all, fields(call))]
    async fn begin(&self, call: &'static str, request: RequestBuilder) -> Result<Response, ZoomError> {
        let sent_at = self.env.now();
        let response = request.timeout(self.timeout).send().await.map_err(|error| no_answer(call, error))?;
        self.clock.observe_date(response.headers(), sent_at);
        if call == "refresh" {
            KillPoint::BeforeRead.reach();
        }
        tracing::debug!(
            call,
            status = response.status().as_u16(),
            tracking_id = tracking_id(response.headers()),
            "Zoom answered"
        );
        Ok(response)
    }

    /// Whether the body has an answer that its reader has to classify.
    fn judge_head(&self, response: &Response) -> Result<(), ZoomError> {
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS => {
                Err(LimitHit::read(response.headers(), self.written_at(response)).into())
            }
            status if status.is_server_error() => Err(ZoomError::Unavailable { sent: Sent::Maybe }),
            status if status.is_success() || status.is_client_error() => Ok(()),
            status => Err(ZoomError::Unexpected { status: status.as_u16(), code: None }),
        }
    }

    /// When Zoom wrote an answer, by Zoom's clock. Dates in the answer are relative to it.
    fn written_at(&self, response: &Response) -> Timestamp {
        server_time::date(response.headers()).unwrap_or_else(|| self.clock.now())
    }
}

fn no_answer(call: &'static str, error: reqwest::Error) -> ZoomError {
    // Nothing was sent if the connection failed, or if the request could not be built.
    let sent = if error.is_connect() || error.is_builder() { Sent::No } else { Sent::Maybe };
    // The address is left out, because it may contain a user's e-mail.
    tracing::warn!(call, ?sent, error = ?error.without_url(), "no answer from Zoom");
    ZoomError::Unavailable { sent }
}

/// The received part of the body, and whether it is complete.
async fn read_body(call: &'static str, response: &mut Response) -> (Vec<u8>, Result<(), ZoomError>) {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_BODY => body.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                let status = response.status().as_u16();
                return (body, Err(ZoomError::Malformed { status, what: "more than 1 MiB" }));
            }
            Ok(None) => return (body, Ok(())),
            Err(error) => return (body, Err(no_answer(call, error))),
        }
    }
}

/// A complete answer of Zoom: a success or a refusal.
pub(crate) struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_success()
    }

    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON. The parser's own message is dropped: it can quote the body.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ZoomError> {
        fields::read(&self.body).map_err(|_| self.malformed("a body that is not the documented JSON"))
    }

    pub(crate) fn malformed(&self, what: &'static str) -> ZoomError {
        ZoomError::Malformed { status: self.status(), what }
    }
}

/// `base` with `segments` as its path, each escaped, so that a user's id can't change the path.
///
/// An address that can't have a path, such as `mailto:`, is not changed, and the HTTP client refuses it.
pub(crate) fn address(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

fn extra_roots(endpoints: &Endpoints) -> Result<Vec<Certificate>, ClientSetupError> {
    let Some(path) = &endpoints.ca_file else { return Ok(Vec::new()) };
    let pem =
        std::fs::read(path).map_err(|source| ClientSetupError::CaFile { path: path.clone(), source })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(roots) if !roots.is_empty() => Ok(roots),
        _ => Err(ClientSetupError::CaContent { path: path.clone() }),
    }
}

/// Zoom's own id of the call, which its support asks for.
fn tracking_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-zm-trackingid").and_then(|id| id.to_str().ok())
}
