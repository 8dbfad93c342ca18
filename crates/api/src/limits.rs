//! Rate limits: calls of a workspace to one endpoint, and all calls of a key. The limits are the contract's or the
//! operator's. Each server counts for itself.

use std::num::NonZeroU32;

use axum::http::Method;
use model::{ApiKeyId, Timestamp, WorkspaceId};
use rate_limits::Limiter;
use store::ApiKey;

use crate::error::ApiError;

/// `GET`s that read many rows: the contract allows fewer of them.
const LISTS: [&str; 5] = [
    "/api/v1/bot",
    "/api/v1/bot/{id}/screenshots",
    "/api/v2/zoom-oauth-apps",
    "/api/v2/zoom-oauth-app-logs",
    "/api/v2/zoom-oauth-credentials",
];

/// Limits in calls a minute. Calls to an endpoint are counted for each workspace.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Creating bots.
    pub create_bot: NonZeroU32,
    /// Each of the contract's long lists.
    pub lists: NonZeroU32,
    /// Every other endpoint.
    pub others: NonZeroU32,
    /// All calls of one key, unless the key has a limit of its own.
    pub key: NonZeroU32,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |rate| NonZeroU32::new(rate).expect("not zero");
        Self { create_bot: rate(120), lists: rate(60), others: rate(300), key: rate(1200) }
    }
}

/// Counts calls against the limits.
#[derive(Debug)]
pub struct Limits {
    /// `None` limits only keys that have a limit of their own.
    rates: Option<Rates>,
    of_keys: Limiter<ApiKeyId>,
    of_endpoints: Limiter<(WorkspaceId, Method, String)>,
}

impl Limits {
    /// Starts with empty counters.
    pub fn new(rates: Option<Rates>) -> Self {
        Self { rates, of_keys: Limiter::default(), of_endpoints: Limiter::default() }
    }

    /// How many calls a minute `key` may make.
    pub(crate) fn of_key(&self, key: &ApiKey) -> Option<NonZeroU32> {
        key.per_minute.or(self.rates.map(|rates| rates.key))
    }

    /// Counts a call of `key`, or returns how long to wait.
    pub(crate) fn admit(
        &self,
        key: &ApiKey,
        method: &Method,
        route: &str,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        if let Some(limit) = self.of_key(key) {
            self.of_keys.admit(&key.id, limit, now).map_err(ApiError::Throttled)?;
        }
        let Some(rates) = self.rates else { return Ok(()) };
        let route = route.trim_end_matches('/');
        let limit = match *method {
            Method::POST if route == "/api/v1/bot" => rates.create_bot,
            Method::GET if LISTS.contains(&route) => rates.lists,
            _ => rates.others,
        };
        let endpoint = (key.workspace, method.clone(), route.to_owned());
        self.of_endpoints.admit(&endpoint, limit, now).map_err(ApiError::Throttled)
    }
}
