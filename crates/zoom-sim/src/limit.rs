//! "Too many requests": the token endpoint's own limit, and how Zoom words it.

use std::collections::{HashMap, VecDeque};

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::ClientId;

/// Real milliseconds in which a limit per second counts.
const WINDOW_MS: i64 = 1000;

/// Counts what each app had within the last second.
///
/// The window slides (ours), which is the strictest reading of "per second": who stays under it
/// stays under a limit by calendar second, too. What is refused does not count.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    admitted: HashMap<ClientId, VecDeque<i64>>,
}

impl Limiter {
    /// Whether one more request of `app` at `now_ms` (real time) stays within `limit`.
    pub(crate) fn admits(&mut self, app: ClientId, limit: u32, now_ms: i64) -> bool {
        let admitted = self.admitted.entry(app).or_default();
        while admitted.front().is_some_and(|at| now_ms - at >= WINDOW_MS) {
            admitted.pop_front();
        }
        let admits = u32::try_from(admitted.len()).is_ok_and(|count| count < limit);
        if admits {
            admitted.push_back(now_ms);
        }
        admits
    }
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

/// A 429 with Zoom's headers (D PL; that the token endpoint has the category `Light` is ours).
pub(crate) fn too_many(limit: Option<u32>, retry_after: Option<RetryAfter>, now: Timestamp) -> Response {
    let mut headers = HeaderMap::new();
    let daily = retry_after == Some(RetryAfter::Date);
    let reset = (now + SignedDuration::from_secs(if daily { 60 } else { 1 })).to_string();
    let when = match retry_after {
        Some(RetryAfter::Seconds) => Some("1".to_owned()),
        Some(RetryAfter::Date) => Some(reset.clone()),
        None => None,
    };
    for (name, value) in [
        ("x-ratelimit-category", Some("Light".to_owned())),
        ("x-ratelimit-type", Some(if daily { "Daily-limit" } else { "QPS" }.to_owned())),
        ("x-ratelimit-limit", limit.map(|limit| limit.to_string())),
        ("x-ratelimit-remaining", Some("0".to_owned())),
        ("x-ratelimit-reset", Some(reset)),
        (header::RETRY_AFTER.as_str(), when),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    let body = serde_json::json!({"code": 429, "message": "Too many requests: wait, then try again."});
    (StatusCode::TOO_MANY_REQUESTS, headers, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_second_holds_at_most_the_limit_of_one_app() {
        let mut limiter = Limiter::default();
        let mut ask = |app: &str, now| limiter.admits(ClientId(app.to_owned()), 2, now);
        assert!(ask("one", 0) && ask("one", 900));
        assert!(!ask("one", 999));
        assert!(ask("other", 999), "each app has a limit of its own");
        assert!(ask("one", 1000), "the first is a second ago, and the refused one does not count");
        assert!(!ask("one", 1899));
        assert!(ask("one", 1900));
    }
}
