//! One log line for each request. Paths are logged as routes: real ones hold link secrets, and so do queries.

use axum::{
    extract::{MatchedPath, Request, State},
    http::HeaderValue,
    middleware::Next,
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::Environment;
use tracing::Instrument as _;

/// Gives the request an id, answers it in `x-request-id`, and logs what became of it.
pub(crate) async fn requests(State(env): State<Environment>, request: Request, next: Next) -> Response {
    let id = BASE64_URL_SAFE_NO_PAD.encode(env.entropy.bytes::<12>());
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id, method = %request.method(), route);
    let begun = env.now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let ms = env.now().since(begun).as_millis();
    // Reads of tokens come by the thousand; everything else is worth a line.
    let status = response.status().as_u16();
    let routine = route.starts_with("/t/") && response.status().is_success();
    span.in_scope(|| {
        if routine {
            tracing::debug!(status, ms, "answered");
        } else {
            tracing::info!(status, ms, "answered");
        }
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}
