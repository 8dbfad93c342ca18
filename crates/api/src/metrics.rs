//! `GET /metrics`: counters for Prometheus, described in `docs/metrics.md`. Public unless it has a token,
//! because scrapers have no key; it names no account. It can have a port of its own, or be switched off.

use std::time::Duration;

use axum::{
    extract::State as Extract,
    http::{HeaderMap, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use model::Secret;
use tenants::digest;

use crate::{State, caller, error::ApiError, openapi::errors, peer::Peer};

/// Who may read `/metrics`.
#[derive(Debug, Clone)]
pub struct MetricsAccess {
    /// Whether it is served at all.
    pub enabled: bool,
    /// The token that a scraper has to send: `Authorization: Bearer <token>`.
    pub token: Option<Secret>,
}

fn token_missing() -> ApiError {
    ApiError::AuthenticationFailed("Send the token of metrics.token: `Authorization: Bearer <token>`.")
}

errors! { MetricsErrors: token_missing(), ApiError::NotFound, ApiError::Throttled(Duration::from_secs(1)) }

/// Read counters for Prometheus
///
/// 404 where they are switched off, or served on another port; 401 where they need a token. Answers to wrong tokens are
/// slowed down.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "server",
    operation_id = "metrics",
    responses(
        (status = 200, description = "OpenMetrics.", body = String,
         content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        MetricsErrors,
    ),
)]
pub(crate) async fn handler(
    Extract(state): Extract<State>,
    Peer(peer): Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !state.metrics.enabled {
        return Err(ApiError::NotFound);
    }
    if let Some(token) = &state.metrics.token {
        let shown = caller::presented_key(&headers).unwrap_or("");
        // Digests are compared, so that timing reveals nothing of the token.
        if digest(shown) != digest(token.expose()) {
            if !shown.is_empty() {
                state.admission.wrong_keys.slow_down(peer).await.map_err(ApiError::Throttled)?;
            }
            return Err(token_missing());
        }
    }
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, format)], state.broker.statistics.metrics_text().await).into_response())
}
