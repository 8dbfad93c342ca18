//! `GET` or `POST /t/<link>.<secret>`: a bot platform fetches a token; `POST …/status`: it tells that a bot has ended.
//! Public: link and signature decide.
//!
//! Each dialect is answered in its own form. All other methods are refused and mint nothing: link scanners send HEAD and
//! OPTIONS.

mod answer;

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State as Extract, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use broker::{LinkRequest, signature::SignatureHeaders};

use crate::{State, peer::Peer};

pub(crate) fn routes() -> MethodRouter<State> {
    let refused = async || StatusCode::METHOD_NOT_ALLOWED;
    get(fetch).post(fetch).head(refused).fallback(refused).layer(middleware::map_response(kept_nowhere))
}

pub(crate) fn status_routes() -> MethodRouter<State> {
    let refused = async || StatusCode::METHOD_NOT_ALLOWED;
    post(status).fallback(refused).layer(middleware::map_response(kept_nowhere))
}

/// Answers are for whoever asked, and are what they say they are.
async fn kept_nowhere(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The last part of a path. What is not even text is the address of no link.
type Address = Result<Path<String>, PathRejection>;

async fn fetch(
    Extract(state): Extract<State>,
    Peer(from): Peer,
    address: Address,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = LinkRequest { from, ..request(&address, query.as_deref(), &headers, &body) };
    match state.broker.serve_link(request).await {
        Ok(answer) => answer::given(&answer),
        Err(refusal) => answer::refused(&refusal),
    }
}

async fn status(
    Extract(state): Extract<State>,
    Peer(from): Peer,
    address: Address,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = LinkRequest { from, ..request(&address, query.as_deref(), &headers, &body) };
    match state.broker.take_status(request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => answer::refused(&refusal),
    }
}

fn request<'a>(
    address: &'a Address,
    query: Option<&'a str>,
    headers: &'a HeaderMap,
    body: &'a [u8],
) -> LinkRequest<'a> {
    LinkRequest {
        address: address.as_deref().map_or("", String::as_str),
        query: query.unwrap_or(""),
        signature: signature(headers, ["webhook-id", "webhook-timestamp", "webhook-signature"])
            .or_else(|| signature(headers, ["svix-id", "svix-timestamp", "svix-signature"])),
        attendee_signature: headers.get("x-webhook-signature").and_then(|value| value.to_str().ok()),
        body,
        from: None,
    }
}

fn signature<'a>(headers: &'a HeaderMap, names: [&'static str; 3]) -> Option<SignatureHeaders<'a>> {
    let [id, timestamp, signature] = names.map(|name| headers.get(name)?.to_str().ok());
    Some(SignatureHeaders { id: id?, timestamp: timestamp?, signature: signature? })
}
