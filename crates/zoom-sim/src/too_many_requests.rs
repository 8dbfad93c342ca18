//! "Too many requests": counting requests, and Zoom's 429 answers.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Window of a limit per second, in milliseconds of real time.
const WINDOW_MS: i64 = 1000;

/// Counts the requests of each `K` within the last second.
///
/// The window slides (ours), which is the strictest reading of "per second": a caller that stays under this limit stays
/// under a limit by calendar second too. Refused requests do not count.
#[derive(Debug)]
pub(crate) struct PerSecond<K> {
    admitted: HashMap<K, VecDeque<i64>>,
}

impl<K> Default for PerSecond<K> {
    fn default() -> Self {
        Self { admitted: HashMap::new() }
    }
}

impl<K: Eq + Hash> PerSecond<K> {
    /// Admits one more request of `who` at `now_ms` (real time) and returns the number left; `None` if it would exceed the
    /// limit.
    pub(crate) fn admit(&mut self, who: K, limit: u32, now_ms: i64) -> Option<u32> {
        let admitted = self.admitted.entry(who).or_default();
        while admitted.front().is_some_and(|at| now_ms - at >= WINDOW_MS) {
            admitted.pop_front();
        }
        let left = limit.checked_sub(u32::try_from(admitted.len()).ok()?)?.checked_sub(1)?;
        admitted.push_back(now_ms);
        Some(left)
    }
}

/// Counts the requests of each `K` since midnight UTC of Zoom's time (D).
#[derive(Debug)]
pub(crate) struct PerDay<K> {
    day: i64,
    admitted: HashMap<K, u32>,
}

impl<K> Default for PerDay<K> {
    fn default() -> Self {
        Self { day: 0, admitted: HashMap::new() }
    }
}

/// Seconds per day.
const DAY: i64 = 86_400;

impl<K: Eq + Hash> PerDay<K> {
    /// Like [`PerSecond::admit`].
    pub(crate) fn admit(&mut self, who: K, limit: u32, now: Timestamp) -> Option<u32> {
        let day = now.as_second().div_euclid(DAY);
        if day != self.day {
            *self = Self { day, admitted: HashMap::new() };
        }
        let admitted = self.admitted.entry(who).or_default();
        let left = limit.checked_sub(*admitted)?.checked_sub(1)?;
        *admitted += 1;
        Some(left)
    }
}

/// When a daily limit resets.
pub(crate) fn midnight_after(now: Timestamp) -> Timestamp {
    let midnight = (now.as_second().div_euclid(DAY) + 1) * DAY;
    Timestamp::from_second(midnight).unwrap_or(Timestamp::MAX)
}

/// The form of `Retry-After` in a 429 (D PL; O: a date for daily limits, otherwise seconds or no header).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RetryAfter {
    /// `Retry-After: 1`, for a per-second limit.
    Seconds,
    /// `Retry-After: 2026-11-22T11:00:00Z`, for a daily limit.
    Date,
}

/// Values of the limit headers (D PL).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Headroom {
    /// `Light` or `Medium`.
    pub(crate) category: &'static str,
    pub(crate) daily: bool,
    pub(crate) limit: Option<u32>,
    pub(crate) remaining: u32,
    /// When the limit resets.
    pub(crate) reset: Timestamp,
}

impl Headroom {
    /// The headroom of a per-second limit.
    pub(crate) fn per_second(
        category: &'static str,
        limit: Option<u32>,
        remaining: u32,
        now: Timestamp,
    ) -> Self {
        let reset = now + SignedDuration::from_secs(1);
        Self { category, daily: false, limit, remaining, reset }
    }

    /// The headroom of a daily limit.
    pub(crate) fn per_day(
        category: &'static str,
        limit: Option<u32>,
        remaining: u32,
        now: Timestamp,
    ) -> Self {
        Self { category, daily: true, limit, remaining, reset: midnight_after(now) }
    }

    /// Writes the limit headers of a response.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let limit = self.limit.map(|limit| limit.to_string());
        for (name, value) in [
            ("x-ratelimit-category", Some(self.category.to_owned())),
            ("x-ratelimit-type", Some(if self.daily { "Daily-limit" } else { "QPS" }.to_owned())),
            ("x-ratelimit-limit", limit),
            ("x-ratelimit-remaining", Some(self.remaining.to_string())),
            ("x-ratelimit-reset", Some(self.reset.to_string())),
        ] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

/// A 429 with Zoom's headers and texts (D PL, O).
pub(crate) fn too_many(headroom: &Headroom, retry_after: Option<RetryAfter>) -> Response {
    let message = if headroom.daily {
        "You have reached the maximum daily rate limit for this API. Refer to the response header for \
         details on when you can make another request."
    } else {
        "You have reached the maximum per-second rate limit for this API. Try again later."
    };
    let body = Json(serde_json::json!({"code": 429, "message": message}));
    let mut response = (StatusCode::TOO_MANY_REQUESTS, body).into_response();
    headroom.write(response.headers_mut());
    let when = match retry_after {
        Some(RetryAfter::Seconds) => Some("1".to_owned()),
        Some(RetryAfter::Date) => Some(headroom.reset.to_string()),
        None => None,
    };
    if let Some(value) = when.and_then(|when| HeaderValue::try_from(when).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_exceeds_an_apps_limit() {
        let mut limiter = PerSecond::default();
        let mut ask = |app, now| limiter.admit(app, 2, now);
        assert_eq!([ask("one", 0), ask("one", 900)], [Some(1), Some(0)]);
        assert_eq!(ask("one", 999), None);
        assert_eq!(ask("other", 999), Some(1), "each app has a limit of its own");
        assert_eq!(
            ask("one", 1000),
            Some(0),
            "the first is older than a second, and the refused one does not count"
        );
        assert_eq!(ask("one", 1899), None);
        assert_eq!(ask("one", 1900), Some(0));
    }

    #[test]
    fn a_day_begins_at_midnight() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut limiter = PerDay::default();
        let evening = at("2026-03-01T23:59:59Z");
        assert_eq!(limiter.admit("one", 1, evening), Some(0));
        assert_eq!(limiter.admit("one", 1, evening), None);
        assert_eq!(midnight_after(evening), at("2026-03-02T00:00:00Z"));
        assert_eq!(limiter.admit("one", 1, at("2026-03-02T00:00:00Z")), Some(0));
        assert_eq!(limiter.admit("one", 0, evening), None, "a limit of 0 admits nothing");
    }
}
