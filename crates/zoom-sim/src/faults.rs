//! Faults on demand: answers that are late, wrong, broken or missing.

use std::future::Future;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::date_header;
use crate::held_requests;
use crate::listeners::HangUp;
use crate::state::Sim;
use crate::too_many_requests::{Headroom, RetryAfter, too_many};

/// The requests that a fault affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// `POST /oauth/token` with any grant except refresh.
    Token,
    /// `POST /oauth/token` with `grant_type=refresh_token`.
    Refresh,
    /// `POST /oauth/revoke`.
    Revoke,
    /// `GET /v2/users/me` and `/v2/users/{id}`.
    UsersMe,
    /// `GET /v2/users`.
    Users,
    /// Every call about meetings, except join tokens.
    Meetings,
    /// Minting of a join token.
    JoinToken,
    /// Minting of a ZAK (or another user token).
    Zak,
    /// Step 1 of a join.
    WcInfo,
    /// Step 2 of a join.
    WcPing,
    /// Step 3 of a join, before the WebSocket opens.
    WcSocket,
}

/// The kind of a fault.
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
    /// The work is done after `delay_ms`.
    Delay,
    /// The work is done, and half of the answer arrives before the connection breaks.
    Truncated,
    /// The work is done, and half of the answer's JSON arrives as a complete message.
    HalfJson,
    /// The work is done, and the answer's JSON is changed: `set` replaces or adds fields, `remove` removes them, `before`
    /// and
    /// `after` are bytes around the JSON, `status` replaces the status.
    OddBody,
    /// The work is done, and half of the answer arrives, but nothing more: the connection stays open.
    Freeze,
    /// The work is done, and the answer's `Date` is `skew_seconds` off. Zoom's time itself is moved by `/_sim/clock`.
    WrongDate,
    /// The request waits until `DELETE /_sim/faults/held`; then the work is done.
    HoldBefore,
    /// The work is done, and the answer waits until `DELETE /_sim/faults/held`.
    HoldAfter,
}

/// An armed fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    #[serde(rename = "where")]
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    /// The number of requests it still affects.
    #[serde(default = "once")]
    pub(crate) times: u32,
    /// For `delay`: milliseconds of real time.
    #[serde(default)]
    pub(crate) delay_ms: u64,
    /// For `http_429`: the form of `Retry-After`; if absent, there is no such header.
    #[serde(default)]
    pub(crate) retry_after: Option<RetryAfter>,
    /// For `wrong_date`: the error of the `Date` header in seconds.
    #[serde(default)]
    pub(crate) skew_seconds: i64,
    /// For `odd_body`, like the next four fields: fields of the answer's JSON to replace or add.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) set: Map<String, Value>,
    /// Fields to remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) remove: Vec<String>,
    /// Bytes before the JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) before: String,
    /// Bytes after the JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) after: String,
    /// The status that replaces the answer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
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

    /// Consumes one use of the oldest fault armed for `place`.
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

/// Runs `work` and returns its answer, changed by a fault if one is armed for `place`.
pub(crate) async fn around(sim: &Sim, place: Place, work: impl Future<Output = Response>) -> Response {
    let fault = {
        let mut world = sim.world();
        let fault = world.faults.take(place);
        world.history.stats.faults += u64::from(fault.is_some());
        fault
    };
    let Some(fault) = fault else { return work.await };
    tracing::info!(?place, kind = ?fault.kind, "applying a fault");
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
        Kind::HoldBefore => {
            held_requests::wait(sim, place, fault.kind).await;
            work.await
        }
        Kind::HoldAfter => {
            let answer = work.await;
            held_requests::wait(sim, place, fault.kind).await;
            answer
        }
        Kind::Truncated => truncated(work.await, Half::BrokenOff).await,
        Kind::HalfJson => truncated(work.await, Half::AsIfWhole).await,
        Kind::Freeze => truncated(work.await, Half::AndThenNothing).await,
        Kind::OddBody => odd(work.await, &fault).await,
        Kind::WrongDate => {
            let mut answer = work.await;
            let now = sim.now().as_second().saturating_add(fault.skew_seconds);
            date_header::write(answer.headers_mut(), Timestamp::from_second(now).unwrap_or(Timestamp::MAX));
            answer
        }
        Kind::Http429 => too_many(&headroom(fault.retry_after, sim.now()), fault.retry_after),
        Kind::Http500 => {
            let body = serde_json::json!({"code": 500, "message": "Internal error."});
            (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
        }
        Kind::Html => {
            Html("<!doctype html><title>Zoom simulator</title><p>We'll be back soon.").into_response()
        }
    }
}

/// Limit headers of a fictitious limit with no requests left.
fn headroom(retry_after: Option<RetryAfter>, now: Timestamp) -> Headroom {
    if retry_after == Some(RetryAfter::Date) {
        Headroom::per_day("Light", None, 0, now)
    } else {
        Headroom::per_second("Light", None, 0, now)
    }
}

/// How half of an answer is sent.
enum Half {
    /// The whole length is announced, and the connection closes early.
    BrokenOff,
    /// As a complete message.
    AsIfWhole,
    /// The whole length is announced, and the connection stays open until the caller closes it.
    AndThenNothing,
}

/// The answer with a changed body. If the body is not a JSON object, there are no fields to change.
async fn odd(response: Response, odd: &Fault) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else { return HangUp.into_response() };
    let text = match serde_json::from_slice::<Map<String, Value>>(&bytes) {
        Ok(mut fields) => {
            fields.extend(odd.set.clone());
            fields.retain(|name, _| !odd.remove.contains(name));
            Value::Object(fields).to_string()
        }
        Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Some(status) = odd.status.and_then(|status| StatusCode::from_u16(status).ok()) {
        parts.status = status;
    }
    Response::from_parts(parts, Body::from(format!("{}{text}{}", odd.before, odd.after)))
}

/// The first half of an answer.
async fn truncated(response: Response, half: Half) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else { return HangUp.into_response() };
    let first = bytes.slice(..bytes.len() / 2);
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Half::AsIfWhole = half {
        return Response::from_parts(parts, Body::from(first));
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let first = stream::once(async { Ok::<_, std::io::Error>(first) });
    if let Half::AndThenNothing = half {
        return Response::from_parts(parts, Body::from_stream(first.chain(stream::pending())));
    }
    let broken = stream::once(async {
        // Yielding lets the server send what it already has.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("truncated on purpose"))
    });
    let body = first.chain(broken);
    Response::from_parts(parts, Body::from_stream(body))
}
