//! `GET` or `POST /t/<link>.<secret>`: a bot platform fetches a token; `POST …/status`: it tells that a bot has ended.
//! Public: link and signature decide.
//!
//! Each dialect is answered in its own form. All other methods are refused and mint nothing: link scanners send HEAD and
//! OPTIONS.

mod answer;

use std::{net::SocketAddr, panic::AssertUnwindSafe, pin::pin};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    extract::{
        DefaultBodyLimit, FromRequest as _, Path, RawQuery, State as Extract, rejection::PathRejection,
    },
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header, request::Parts},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use broker::{LinkRequest, signature::SignatureHeaders};
use futures_util::FutureExt as _;

use crate::{MOST_BODY_BYTES, State, bounds, error::panicked, observe, peer::Peer};

pub(crate) const ROUTE: &str = "/t/{address}";

/// The two spellings of Standard Webhooks' headers, and Attendee's one.
static WEBHOOK: [HeaderName; 3] = [
    HeaderName::from_static("webhook-id"),
    HeaderName::from_static("webhook-timestamp"),
    HeaderName::from_static("webhook-signature"),
];
static SVIX: [HeaderName; 3] = [
    HeaderName::from_static("svix-id"),
    HeaderName::from_static("svix-timestamp"),
    HeaderName::from_static("svix-signature"),
];
static ATTENDEE: HeaderName = HeaderName::from_static("x-webhook-signature");

pub(crate) fn routes() -> MethodRouter<State> {
    // HEAD is refused: link scanners send it, and it would mint a token that nobody reads.
    let refused = async || (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, POST")]);
    get(fetch)
        .post(fetch)
        .head(refused)
        .fallback(refused)
        .layer(middleware::map_response(async |response| kept_nowhere(response)))
}

pub(crate) fn status_routes() -> MethodRouter<State> {
    let refused = async || (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]);
    post(status).fallback(refused).layer(middleware::map_response(async |response| kept_nowhere(response)))
}

/// Answers are for whoever asked, and are what they say they are.
fn kept_nowhere(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A read that [`read`] answers without the router: a plain method, and an address that needs no decoding.
pub(crate) fn is_usual<B>(request: &Request<B>) -> bool {
    matches!(*request.method(), Method::GET | Method::POST)
        && plain_address(request.uri().path())
            .is_some_and(|address| !address.contains('/') && !address.contains('%'))
}

fn plain_address(path: &str) -> Option<&str> {
    let address = path.strip_prefix("/t/")?;
    Some(address.strip_suffix('/').unwrap_or(address)).filter(|address| !address.is_empty())
}

/// Does what the router, its layers and [`fetch`] do.
pub(crate) async fn read<B>(state: &State, peer: SocketAddr, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (Parts { method, uri, headers, .. }, body) = request.into_parts();
    // Pinned where it is: it is kilobytes, and each wrapping would hold it once more.
    let work = pin!(async {
        let body = if body.is_end_stream() {
            Bytes::new()
        } else {
            match Box::pin(whole(body, state)).await {
                Ok(body) => body,
                Err(refused) => return refused,
            }
        };
        let address = plain_address(uri.path()).unwrap_or("");
        let from = Some(peer.ip().to_canonical());
        serve(state, LinkRequest { from, ..link_request(address, uri.query(), &headers, &body) }).await
    });
    let work = AssertUnwindSafe(work).catch_unwind();
    let work = async { kept_nowhere(work.await.unwrap_or_else(panicked)) };
    observe::token(&state.env, &method, ROUTE, work).await
}

async fn whole<B>(body: B, state: &State) -> Result<Bytes, Response>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut request = Request::new(Body::new(body));
    DefaultBodyLimit::max(MOST_BODY_BYTES).apply(&mut request);
    Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)
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
    let address = address.as_deref().map_or("", String::as_str);
    serve(&state, LinkRequest { from, ..link_request(address, query.as_deref(), &headers, &body) }).await
}

async fn serve(state: &State, request: LinkRequest<'_>) -> Response {
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
    let address = address.as_deref().map_or("", String::as_str);
    let request = LinkRequest { from, ..link_request(address, query.as_deref(), &headers, &body) };
    match state.broker.take_status(request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => answer::refused(&refusal),
    }
}

fn link_request<'a>(
    address: &'a str,
    query: Option<&'a str>,
    headers: &'a HeaderMap,
    body: &'a [u8],
) -> LinkRequest<'a> {
    LinkRequest {
        address,
        query: query.unwrap_or(""),
        oversized: !bounds::headers_fit(headers),
        signature: signature(headers, &WEBHOOK).or_else(|| signature(headers, &SVIX)),
        attendee_signature: headers.get(&ATTENDEE).and_then(|value| value.to_str().ok()),
        body,
        from: None,
    }
}

fn signature<'a>(headers: &'a HeaderMap, names: &'static [HeaderName; 3]) -> Option<SignatureHeaders<'a>> {
    let [id, timestamp, signature] = names.each_ref().map(|name| headers.get(name)?.to_str().ok());
    Some(SignatureHeaders { id: id?, timestamp: timestamp?, signature: signature? })
}
