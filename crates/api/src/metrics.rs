//! `GET /metrics`: counters for Prometheus, described in `docs/metrics.md`. Public, because scrapers have no key; it names no
//! account. Whoever does not want it on this port switches it off.

use axum::{
    extract::State as Extract,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};

use crate::{State, error::ApiError};

pub(crate) async fn handler(Extract(state): Extract<State>) -> Result<Response, ApiError> {
    if !state.metrics {
        return Err(ApiError::NotFound);
    }
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, format)], state.broker.metrics_text().await).into_response())
}
