//! Sends one signed request to a URL on this machine.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use aws_lc_rs::hmac;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, redirect};
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;

/// Age of a stale request's timestamp: twice what receivers commonly accept.
const STALE: SignedDuration = SignedDuration::from_mins(10);
/// Most bytes of an answer that are read.
const MAX_ANSWER: usize = 4096;

/// How a request is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Signed {
    /// With the secret token and the current time, as Zoom does.
    #[default]
    Genuine,
    /// With another secret.
    Forged,
    /// With the secret token and a time ten minutes ago, like a replayed request.
    Stale,
}

/// The receiver's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Reply {
    /// `null` if there was no answer.
    pub(crate) status: Option<u16>,
    /// The beginning of the answer's body.
    pub(crate) answer: Option<String>,
    /// Why there was no answer.
    pub(crate) error: Option<&'static str>,
}

impl Reply {
    /// Whether the answer is 200 or 204 in time (D).
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self.status, Some(200 | 204))
    }

    fn lost(error: &'static str) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}

/// The HTTP client for webhooks.
#[derive(Clone, Debug)]
pub(crate) struct Wire(Client);

impl Wire {
    /// A client that connects directly, without a proxy, and does not follow redirects.
    #[expect(clippy::disallowed_methods, reason = "the simulator's only way out")]
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .resolve("localhost", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            // A restarted receiver on the same port never gets a connection of its predecessor.
            .pool_max_idle_per_host(0)
            // Plain HTTP needs no root certificates, and reading the system's is slow.
            .tls_certs_only([])
            .build()?;
        Ok(Self(client))
    }

    /// Sends `body` once. An answer that is incomplete after `patience` counts as no answer.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        body: &str,
        signed: Signed,
        now: Timestamp,
        patience: Duration,
    ) -> Reply {
        let at = if signed == Signed::Stale { now - STALE } else { now };
        let timestamp = at.as_second().to_string();
        let forged = format!("not {}", endpoint.secret_token);
        let secret = if signed == Signed::Forged { &forged } else { &endpoint.secret_token };
        let signature = hex_hmac(secret, &format!("v0:{timestamp}:{body}"));
        let request = self
            .0
            .post(endpoint.url.url().clone())
            .timeout(patience)
            .header("content-type", "application/json; charset=utf-8")
            .header("x-zm-request-timestamp", timestamp)
            .header("x-zm-signature", format!("v0={signature}"))
            .body(body.to_owned());
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_timeout() => return Reply::lost("no answer in time"),
            Err(error) if error.is_connect() => return Reply::lost("could not connect"),
            Err(_) => return Reply::lost("the connection broke"),
        };
        let status = response.status().as_u16();
        let mut answer = Vec::new();
        while answer.len() < MAX_ANSWER {
            match response.chunk().await {
                Ok(Some(chunk)) => answer.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if error.is_timeout() => return Reply::lost("the answer was incomplete in time"),
                Err(_) => return Reply::lost("the connection broke during the answer"),
            }
        }
        answer.truncate(MAX_ANSWER);
        let answer = Some(String::from_utf8_lossy(&answer).into_owned());
        Reply { status: Some(status), answer, error: None }
    }
}

/// HMAC-SHA256 in lower-case hexadecimal digits (D).
pub(crate) fn hex_hmac(secret: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, text.as_bytes());
    tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
