//! `GET` or `POST /t/<link>.<secret>`: a bot platform fetches a token. Public: link and signature decide.
//!
//! The answer is text, in the contract's words for the text dialects. All other methods are refused and mint nothing: link
//! scanners send HEAD and OPTIONS.

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State as Extract, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use broker::{LinkRequest, signature::SignatureHeaders};
use model::Failure;

use crate::{
    State,
    error::{report, retry_after, status_of},
    page::Query,
    peer::Peer,
};

pub(crate) fn routes() -> MethodRouter<State> {
    let refused = async || StatusCode::METHOD_NOT_ALLOWED;
    get(handler).post(handler).head(refused).fallback(refused).layer(middleware::map_response(kept_nowhere))
}

/// Answers are for whoever asked, and are what they say they are.
async fn kept_nowhere(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn handler(
    Extract(state): Extract<State>,
    Peer(from): Peer,
    address: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = LinkRequest {
        // What is not even text is the address of no link.
        address: address.as_deref().map_or("", String::as_str),
        signature: signature(&headers, "webhook").or_else(|| signature(&headers, "svix")),
        body: &body,
        fresh: Query::of(query.as_deref()).get("fresh") == Some("1"),
        from,
    };
    match state.broker.serve_link(request).await {
        // The one place where a token leaves the house.
        Ok(served) => served.token.expose().to_owned().into_response(),
        Err(failure) => refusal(&failure),
    }
}

fn signature<'a>(headers: &'a HeaderMap, family: &str) -> Option<SignatureHeaders<'a>> {
    let value = |name: &str| headers.get(format!("{family}-{name}"))?.to_str().ok();
    Some(SignatureHeaders {
        id: value("id")?,
        timestamp: value("timestamp")?,
        signature: value("signature")?,
    })
}

/// `code: advice`, and nothing of the request.
fn refusal(failure: &Failure) -> Response {
    report(failure);
    let line = format!("{}: {}", failure.code, failure.code.advice());
    let mut response = (status_of(failure.code), line).into_response();
    if let Some(seconds) = retry_after(failure).and_then(|seconds| seconds.parse().ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}
