//! Answers to requests that change nothing.

use axum::http::{Method, StatusCode};

/// Profiles and other extras the SDK can do without.
pub(crate) async fn nothing_here() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// Telemetry is swallowed; whatever else is asked for is not here.
pub(crate) async fn telemetry(method: Method) -> StatusCode {
    if method == Method::POST { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}
