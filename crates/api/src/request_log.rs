//! One log line for each successful call of the API, and one a second for each kind of refused request. Paths are logged
//! as routes, because real paths and queries contain the secrets of links.

use std::error::Error as _;

use axum::{
    extract::{MatchedPath, Request, State as Extract},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use metrics::LinkOutcome;
use model::{Environment, Failure, Timestamp, chain};
use tracing::Instrument as _;

use crate::{
    State,
    bounds::{Kind, Slot},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An extension of a response: why the request was refused, for its log line.
#[derive(Clone)]
pub(crate) struct RefusedFor(pub(crate) Failure);

/// A request whose log line is not written yet.
struct Line<'a> {
    id: &'a str,
    method: &'a Method,
    route: &'a str,
    begun: Timestamp,
}

/// Gives the request an id, returns it in `x-request-id`, and logs the outcome.
pub(crate) async fn requests(Extract(state): Extract<State>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let method = request.method().clone();
    if route.starts_with("/t/") {
        return token(&state, &method, route, next.run(request)).await;
    }
    let (id, begun) = (request_id(&state.env), state.env.now());
    // Dropped when the answer is complete or the caller has disconnected.
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let span = tracing::info_span!("request", id, %method, route);
    let response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), state.env.now().since(begun));
    state.broker.statistics.metrics().http_request(method.as_str(), route, status, took);
    // A success there needs a key or a signature.
    if response.status().is_success() && route.starts_with("/api/") {
        let ms = took.as_millis();
        span.in_scope(|| tracing::info!(status, ms, "answered"));
    } else {
        say(&state, &Line { id: &id, method: &method, route, begun }, &response);
    }
    named(response, id)
}

/// The same for token links. They are read so often that their spans are for debugging only, and a token that is given gets
/// no line. The line of a refusal has all its fields itself.
pub(crate) async fn token(
    state: &State,
    method: &Method,
    route: &str,
    work: impl Future<Output = Response>,
) -> Response {
    let (id, begun) = (request_id(&state.env), state.env.now());
    let response = work.instrument(tracing::debug_span!("token_link", id, %method, route)).await;
    let took = state.env.now().since(begun);
    state.broker.statistics.metrics().link_request(outcome(&response), took);
    if response.status().is_success() {
        let ms = took.as_millis();
        tracing::debug!(id, %method, route, status = response.status().as_u16(), ms, "answered");
    } else {
        say(state, &Line { id: &id, method, route, begun }, &response);
    }
    named(response, id)
}

fn outcome(response: &Response) -> LinkOutcome {
    if response.status().is_success() {
        return LinkOutcome::Answered;
    }
    let refused = response.extensions().get::<RefusedFor>();
    refused.map_or(LinkOutcome::Other, |RefusedFor(failure)| LinkOutcome::Refused(failure.code))
}

/// Logs a response that any client can cause, unless one of its kind was logged in this second.
fn say(state: &State, line: &Line<'_>, response: &Response) {
    let (status, now) = (response.status().as_u16(), state.env.now());
    let failure = response.extensions().get::<RefusedFor>().map(|RefusedFor(failure)| failure);
    let code = failure.map(|failure| failure.code.as_str());
    let Line { id, method, route, begun } = line;
    if state.admission.refusals.should_log(Kind { route: (*route).to_owned(), status, code }, now) {
        let (ms, detail) = (now.since(*begun).as_millis(), failure.map(|failure| &*failure.detail));
        let cause =
            failure.and_then(|failure| failure.source()).map(|cause| tracing::field::display(chain(cause)));
        tracing::info!(id, %method, route, status, code, detail, cause, ms, "answered");
    }
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
