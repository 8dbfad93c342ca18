//! "Too many requests": counting them, and how Zoom words it.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Real milliseconds in which a limit per second counts.
const WINDOW_MS: i64 = 1000;

/// Counts what each `K` had within the last second.
///
/// The window slides (ours), which is the strictest reading of "per second": who stays under it
/// stays under a limit by calendar second, too. What is refused does not count.
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
    /// Admits one more request of `who` at `now_ms` (real time) and says how many are left; `None`
    /// when it would break the limit.
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

/// Counts what each `K` had since midnight UTC of Zoom's time (D).
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

/// Seconds of a day.
const DAY: i64 = 86_400;

impl<K: Eq + Hash> PerDay<K> {
    /// As [`PerSecond::admit`].
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

/// When a daily limit begins anew.
pub(crate) fn midnight_after(now: Timestamp) -> Timestamp {
    let midnight = (now.as_second().div_euclid(DAY) + 1) * DAY;
    Timestamp::from_second(midnight).unwrap_or(Timestamp::MAX)
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

/// What the limit headers say (D PL).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Headroom {
    /// `Light` or `Medium`.
    pub(crate) category: &'static str,
    pub(crate) daily: bool,
    pub(crate) limit: Option<u32>,
    pub(crate) remaining: u32,
    /// When all of it is there again.
    pub(crate) reset: Timestamp,
}

impl Headroom {
    /// That of a limit per second.
    pub(crate) fn per_second(
        category: &'static str,
        limit: Option<u32>,
        remaining: u32,
        now: Timestamp,
    ) -> Self {
        let reset = now + SignedDuration::from_secs(1);
        Self { category, daily: false, limit, remaining, reset }
    }

    /// That of a limit per day.
    pub(crate) fn per_day(
        category: &'static str,
        limit: Option<u32>,
        remaining: u32,
        now: Timestamp,
    ) -> Self {
        Self { category, daily: true, limit, remaining, reset: midnight_after(now) }
    }

    /// Puts it on a response.
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

/// A 429 with Zoom's headers and words (D PL, O).
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
    fn any_second_holds_at_most_the_limit_of_one_app() {
        let mut limiter = PerSecond::default();
        let mut ask = |app, now| limiter.admit(app, 2, now);
        assert_eq!([ask("one", 0), ask("one", 900)], [Some(1), Some(0)]);
        assert_eq!(ask("one", 999), None);
        assert_eq!(ask("other", 999), Some(1), "each app has a limit of its own");
        assert_eq!(
            ask("one", 1000),
            Some(0),
            "the first is a second ago, and the refused one does not count"
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
        assert_eq!(limiter.admit("one", 0, evening), None, "nothing is nothing");
    }
}
