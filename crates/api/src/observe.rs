//! One log line for each request. Paths are logged as routes: real ones hold link secrets, and so do queries.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{Code, Environment};
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Put into a response: why a token was refused, for the log line of its request.
#[derive(Clone, Copy)]
pub(crate) struct RefusedFor(pub(crate) Code);

/// Gives the request an id, answers it in `x-request-id`, and logs what became of it.
pub(crate) async fn requests(State(env): State<Environment>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let method = request.method().clone();
    if route.starts_with("/t/") {
        return token(&env, &method, route, next.run(request)).await;
    }
    let (id, begun) = (request_id(&env), env.now());
    let span = tracing::info_span!("request", id, %method, route);
    let response = next.run(request).instrument(span.clone()).await;
    let (status, ms) = (response.status().as_u16(), env.now().since(begun).as_millis());
    span.in_scope(|| tracing::info!(status, ms, "answered"));
    named(response, id)
}

/// The same for token links, of which so many are read that no span is made for one and no line for a token that is given.
/// The line of a refusal says itself what it is about.
pub(crate) async fn token(
    env: &Environment,
    method: &Method,
    route: &str,
    work: impl Future<Output = Response>,
) -> Response {
    let (id, begun) = (request_id(env), env.now());
    let response = work.await;
    let (status, ms) = (response.status().as_u16(), || env.now().since(begun).as_millis());
    if response.status().is_success() {
        tracing::debug!(id, %method, route, status, ms = ms(), "answered");
    } else {
        let code = response.extensions().get::<RefusedFor>().map(|RefusedFor(code)| code.as_str());
        tracing::info!(id, %method, route, status, code, ms = ms(), "answered");
    }
    named(response, id)
}

fn request_id(env: &Environment) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(env.entropy.bytes::<12>())
}

fn named(mut response: Response, id: String) -> Response {
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
