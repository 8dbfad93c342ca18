//! Faults on demand: answers that are late, wrong, broken, or never come.

use std::future::Future;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::server::HangUp;
use crate::sim::Sim;

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// `POST /oauth/token`, every grant but refresh.
    Token,
    /// `POST /oauth/token` with `grant_type=refresh_token`.
    Refresh,
    /// `POST /oauth/revoke`.
    Revoke,
    /// `GET /v2/users/me` and `/v2/users/{id}`.
    UsersMe,
    /// Minting of a ZAK (or another user token).
    Zak,
    /// Step 1 of a join.
    WcInfo,
    /// Step 2 of a join.
    WcPing,
    /// Step 3 of a join, before the WebSocket opens.
    WcSocket,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The work is done, then the connection closes without an answer.
    LoseAnswer,
    /// The connection closes before any work.
    DropBefore,
    /// 429 with limit headers, no work.
    #[serde(rename = "http_429")]
    Http429,
    /// 500 with a JSON body, no work.
    #[serde(rename = "http_500")]
    Http500,
    /// 200 with an HTML page where JSON belongs, no work.
    Html,
    /// The work is done, `delay_ms` late.
    Delay,
    /// The work is done, and half of the answer arrives.
    Truncated,
}

/// How a 429 says when to come back (D PL; O: a date on daily limits, seconds or nothing else).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RetryAfter {
    /// `Retry-After: 1`, a per-second limit.
    Seconds,
    /// `Retry-After: 2026-11-22T11:00:00Z`, a daily limit.
    Date,
}

/// An armed fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    #[serde(rename = "where")]
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    /// How many requests it still spoils.
    #[serde(default = "once")]
    pub(crate) times: u32,
    /// Milliseconds of real time, for `delay`.
    #[serde(default)]
    pub(crate) delay_ms: u64,
    /// For `http_429`; absent sends no such header.
    #[serde(default)]
    pub(crate) retry_after: Option<RetryAfter>,
}

fn once() -> u32 {
    1
}

/// The armed faults, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<Fault>,
}

impl Faults {
    pub(crate) fn arm(&mut self, fault: Fault) {
        self.armed.push(fault);
    }

    pub(crate) fn armed(&self) -> &[Fault] {
        &self.armed
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// Uses up one time of the oldest fault armed for `place`.
    fn take(&mut self, place: Place) -> Option<Fault> {
        let index = self.armed.iter().position(|fault| fault.place == place)?;
        let fault = &mut self.armed[index];
        fault.times = fault.times.saturating_sub(1);
        let taken = fault.clone();
        if taken.times == 0 {
            self.armed.remove(index);
        }
        Some(taken)
    }
}

/// Does `work` and answers with it, unless a fault is armed for `place`.
pub(crate) async fn around(sim: &Sim, place: Place, work: impl Future<Output = Response>) -> Response {
    let fault = {
        let mut world = sim.world();
        let fault = world.faults.take(place);
        world.ledger.stats.faults += u64::from(fault.is_some());
        fault
    };
    let Some(fault) = fault else { return work.await };
    tracing::info!(?place, kind = ?fault.kind, "a fault strikes");
    match fault.kind {
        Kind::DropBefore => HangUp.into_response(),
        Kind::LoseAnswer => {
            work.await;
            HangUp.into_response()
        }
        Kind::Delay => {
            Clock::wait(Duration::from_millis(fault.delay_ms)).await;
            work.await
        }
        Kind::Truncated => truncated(work.await).await,
        Kind::Http429 => too_many(fault.retry_after, sim.now()),
        Kind::Http500 => {
            let body = serde_json::json!({"code": 500, "message": "Internal error."});
            (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
        }
        Kind::Html => {
            Html("<!doctype html><title>Zoom simulator</title><p>We'll be back soon.").into_response()
        }
    }
}

/// Announces the whole length, sends half, and breaks off.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else { return HangUp.into_response() };
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let half = bytes.slice(..bytes.len() / 2);
    let first = stream::once(async { Ok(half) });
    let broken = stream::once(async {
        // While the body is pending the server sends what it has.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("truncated on purpose"))
    });
    let body = first.chain(broken);
    Response::from_parts(parts, Body::from_stream(body))
}

fn too_many(retry_after: Option<RetryAfter>, now: Timestamp) -> Response {
    let mut headers = HeaderMap::new();
    let daily = retry_after == Some(RetryAfter::Date);
    let kind = if daily { "Daily-limit" } else { "QPS" };
    headers.insert("x-ratelimit-category", HeaderValue::from_static("Light"));
    headers.insert("x-ratelimit-type", HeaderValue::from_static(kind));
    headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
    let when = match retry_after {
        Some(RetryAfter::Seconds) => Some("1".to_owned()),
        Some(RetryAfter::Date) => Some((now + SignedDuration::from_secs(60)).to_string()),
        None => None,
    };
    if let Some(when) = when.and_then(|when| HeaderValue::try_from(when).ok()) {
        headers.insert(header::RETRY_AFTER, when);
    }
    let body = serde_json::json!({"code": 429, "message": "Too many requests: wait, then try again."});
    (StatusCode::TOO_MANY_REQUESTS, headers, Json(body)).into_response()
}
