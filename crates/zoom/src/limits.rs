//! Reads Zoom's limits from its answers. The limits count the calls of an account over all apps.
//!
//! The headers are documented but not reliable: missing or unreadable ones are ignored.

use std::{fmt, num::NonZeroU32, time::Duration};

use model::Timestamp;
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

use crate::{ZoomError, retry_after};

/// Zoom's "rate limit label" of a call. Calls of one label are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// Reads of one object: a user, a token, a meeting.
    Light,
    /// Lists, and most writes.
    Medium,
    /// Reports and searches.
    Heavy,
}

impl Label {
    /// Every label that is used here. Zoom has one more, for calls that are counted by the minute.
    pub const ALL: [Self; 3] = [Self::Light, Self::Medium, Self::Heavy];

    /// The word in metrics and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Medium => "medium",
            Self::Heavy => "heavy",
        }
    }

    /// Calls a second that every plan allows: those of a free account (documented).
    pub const fn least_per_second(self) -> NonZeroU32 {
        match self {
            Self::Light => NonZeroU32::new(4).expect("not zero"),
            Self::Medium => NonZeroU32::new(2).expect("not zero"),
            Self::Heavy => NonZeroU32::MIN,
        }
    }
}

/// The plan of a Zoom account, inferred from its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// A free account.
    Free,
    /// A Pro plan.
    Pro,
    /// Business and up.
    Business,
}

impl Plan {
    /// Every plan.
    pub const ALL: [Self; 3] = [Self::Free, Self::Pro, Self::Business];

    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Business => "business",
        }
    }
}

impl Label {
    /// The plan with this number of calls a second (documented). A number that isn't in Zoom's table counts as the next
    /// higher plan.
    pub const fn plan(self, per_second: u32) -> Plan {
        let pro = match self {
            Self::Light => 30,
            Self::Medium => 20,
            Self::Heavy => 10,
        };
        if per_second <= self.least_per_second().get() {
            Plan::Free
        } else if per_second <= pro {
            Plan::Pro
        } else {
            Plan::Business
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The limits of a label, from an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Calls that the account may make in a second.
    pub per_second: Option<NonZeroU32>,
    /// Set if the call was refused because of a limit: status 429.
    pub refused: Option<LimitHit>,
}

/// A limit that was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitHit {
    /// How long to wait, counted from now, if Zoom says so.
    pub retry_after: Option<Duration>,
    /// Whether it is the daily limit, so that a retry within minutes is pointless.
    pub daily: bool,
}

/// The right to make one call of the REST API within the account's limits.
///
/// The client keeps it until the answer has arrived, passes the answer's limits to it, and drops it.
pub trait CallTurn: Send + Sync {
    /// The label of the call.
    fn label(&self) -> Label;

    /// Receives the limits in the answer.
    fn observe(&self, limits: &RateLimits);
}

impl RateLimits {
    /// Reads the headers of an answer that arrived at `now`.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Self {
        let kind = text(headers, "x-ratelimit-type").unwrap_or_default();
        let per_second = kind.eq_ignore_ascii_case("qps").then(|| text(headers, "x-ratelimit-limit"));
        Self {
            per_second: per_second.flatten().and_then(|limit| limit.parse().ok()),
            refused: (status == StatusCode::TOO_MANY_REQUESTS).then(|| LimitHit::read(headers, now)),
        }
    }
}

impl LimitHit {
    /// Reads the headers of a 429 that arrived at `now`.
    pub(crate) fn read(headers: &HeaderMap, now: Timestamp) -> Self {
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Self {
            retry_after: retry_after.and_then(|value| retry_after::parse(value, now)),
            daily: text(headers, "x-ratelimit-type")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("daily-limit")),
        }
    }
}

impl From<LimitHit> for ZoomError {
    fn from(LimitHit { retry_after, daily }: LimitHit) -> Self {
        Self::RateLimited { retry_after, daily }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, headers: &[(&'static str, &str)]) -> RateLimits {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        RateLimits::read(status.try_into().unwrap(), &headers, Timestamp::from_second(1000))
    }

    #[test]
    fn only_valid_headers_are_used() {
        let nothing = RateLimits::default();
        for (headers, per_second) in [
            ([("x-ratelimit-type", "QPS"), ("x-ratelimit-limit", "30")], Some(30)),
            ([("x-ratelimit-type", "qps"), ("x-ratelimit-limit", " 80 ")], Some(80)),
            ([("x-ratelimit-type", "QPS"), ("x-ratelimit-limit", "0")], None),
            ([("x-ratelimit-type", "QPS"), ("x-ratelimit-limit", "many")], None),
            ([("x-ratelimit-type", "Daily-limit"), ("x-ratelimit-limit", "6000")], None),
            ([("x-ratelimit-category", "Light"), ("x-ratelimit-limit", "30")], None),
        ] {
            let expected = RateLimits { per_second: per_second.and_then(NonZeroU32::new), ..nothing };
            assert_eq!(read(200, &headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_refusal_says_which_limit_it_was() {
        let seven = Some(Duration::from_secs(7));
        let qps = read(429, &[("x-ratelimit-type", "QPS"), ("retry-after", "7")]).refused;
        assert_eq!(qps, Some(LimitHit { retry_after: seven, daily: false }));
        let date = ("retry-after", "1970-01-01T00:16:47Z");
        let daily = read(429, &[("x-ratelimit-type", "Daily-limit"), date]).refused;
        assert_eq!(daily, Some(LimitHit { retry_after: seven, daily: true }));
        assert_eq!(read(429, &[]).refused, Some(LimitHit { retry_after: None, daily: false }));
    }
}
