//! Answers to requests that change nothing.

use axum::http::{HeaderMap, Method, StatusCode, header};

/// Profiles and other extras that the SDK does not need.
pub(crate) async fn nothing_here() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// Telemetry (on by default in the SDK) is accepted and discarded; any other request gets 404.
pub(crate) async fn telemetry(method: Method, headers: HeaderMap) -> StatusCode {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if method == Method::POST && host.contains("telemetry.zoom.us") {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}
