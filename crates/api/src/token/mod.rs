//! `GET` or `POST /t/<link>.<secret>`: a bot platform fetches a token; `POST …/status`: it reports that a bot has ended.
//! Public: link and signature authorize.
//!
//! Each dialect has its own form of answers. All other methods are refused and mint nothing: link scanners send HEAD and
//! OPTIONS.

mod answer;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    pin::pin,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Path, State as Extract, rejection::PathRejection},
    http::{HeaderValue, Method, Request, StatusCode, header, request::Parts},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use futures_util::FutureExt as _;
use model::Code;
use token_links::{
    LinkRefusal, LinkRequest,
    dialects::{AttendeeRefusal, AttendeeRequest, AttendeeTokens, BearerToken},
};
use utoipa::{
    IntoResponses, PartialSchema as _, ToSchema,
    openapi::{self, ContentBuilder, OneOfBuilder, RefOr, ResponseBuilder, Schema},
};

use crate::{
    Route, State,
    bounds::{Sender, header_size},
    error::{ErrorBody, panicked, status_of},
    peer::Peer,
    request::{Schemas, refer, reference},
    request_log,
};

pub(crate) const ROUTE: &str = "/t/{address}";

/// Fetching tokens, with its part of the document.
pub(crate) fn routes() -> Route {
    let (schemas, paths, _): Route = utoipa_axum::routes!(fetch_by_get, fetch_by_post);
    (schemas, paths, fetch_routes())
}

/// Reports of bots, with their part of the document.
pub(crate) fn status_routes() -> Route {
    let (schemas, paths, _): Route = utoipa_axum::routes!(status);
    (schemas, paths, report_routes())
}

fn fetch_routes() -> MethodRouter<State> {
    // HEAD is refused: link scanners send it, and it would mint a token without a reader.
    let refused = async || (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, POST")]);
    get(fetch)
        .post(fetch)
        .head(refused)
        .fallback(refused)
        .layer(middleware::map_response(async |response| kept_nowhere(response)))
}

fn report_routes() -> MethodRouter<State> {
    let refused = async || (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]);
    post(status).fallback(refused).layer(middleware::map_response(async |response| kept_nowhere(response)))
}

/// Answers are private to the caller and must not be cached, and their content type is final.
fn kept_nowhere(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A read that [`read`] answers without the router: GET or POST, and an address that needs no decoding.
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
pub(crate) async fn read<B: HttpBody<Data = Bytes>>(
    state: &State,
    peer: SocketAddr,
    request: Request<B>,
) -> Response {
    let (parts, body) = request.into_parts();
    let address = plain_address(parts.uri.path()).unwrap_or("");
    let from = Some(peer.ip().to_canonical());
    // Pinned in place: it is several kilobytes, and each wrapper would contain another copy.
    let work = pin!(serve(state, (address, from), &parts, body));
    let work = AssertUnwindSafe(work).catch_unwind();
    let work = async { kept_nowhere(work.await.unwrap_or_else(panicked)) };
    request_log::token(state, &parts.method, ROUTE, work).await
}

/// The last part of a path. One that is not even text is the address of no link.
pub(crate) type Address = Result<Path<String>, PathRejection>;

/// Tokens as JSON, in the form of a dialect. Other dialects get the bare token.
struct GivenTokens;

impl utoipa::PartialSchema for GivenTokens {
    fn schema() -> RefOr<Schema> {
        one_of([reference::<BearerToken>(), reference::<AttendeeTokens>()])
    }
}

impl ToSchema for GivenTokens {
    fn name() -> Cow<'static, str> {
        "GivenTokens".into()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<BearerToken>(schemas);
        refer::<AttendeeTokens>(schemas);
        // Schemas that refusals refer to.
        refer::<AttendeeRefusal>(schemas);
    }
}

fn one_of(forms: [RefOr<Schema>; 2]) -> RefOr<Schema> {
    forms.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item).into()
}

/// The answer to a platform that gets no token. The dialect sets its form: a line of text, or an object.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let mut by_status: BTreeMap<StatusCode, Vec<&str>> = BTreeMap::new();
        for code in Code::ALL {
            by_status.entry(status_of(*code)).or_default().push(code.as_str());
        }
        let content = || ContentBuilder::new().schema(Some(String::schema())).build();
        let forms = || [reference::<ErrorBody>(), reference::<AttendeeRefusal>()];
        let object = || ContentBuilder::new().schema(Some(one_of(forms()))).build();
        let refusals = by_status.into_iter().map(|(status, codes)| {
            let about = format!("Refused with one of these codes: {}.", codes.join(", "));
            let response = ResponseBuilder::new().description(about);
            let response = response
                .content("text/plain; charset=utf-8", content())
                .content("application/json", object());
            (status.as_str().to_owned(), response.build().into())
        });
        refusals.collect()
    }
}

/// Fetch a token
///
/// For a bot platform. The address authorizes, together with what the link's dialect demands: a signature (`webhook-*` or
/// `svix-*` headers), or a secret. The answer has the dialect's form.
#[utoipa::path(
    get,
    path = "/t/{address}",
    tag = "token links",
    operation_id = "token_fetch",
    params(("address" = String, Path, description = "`<link>.<secret>`, as in the link's `url`.")),
    responses(
        (status = 200, description = "A token.", content(
            (String = "text/plain; charset=utf-8"), (GivenTokens = "application/json"),
        )),
        Refusals,
    ),
)]
pub(crate) async fn fetch_by_get(
    state: Extract<State>,
    peer: Peer,
    address: Address,
    request: Request<Body>,
) -> Response {
    fetch(state, peer, address, request).await
}

/// Fetch tokens with a body
///
/// For a bot platform whose requests are JSON, such as Attendee's.
#[utoipa::path(
    post,
    path = "/t/{address}",
    tag = "token links",
    operation_id = "token_fetch_with_body",
    params(("address" = String, Path, description = "`<link>.<secret>`, as in the link's `url`.")),
    request_body(content = AttendeeRequest, description = "What the platform sends. It is part of what is signed."),
    responses(
        (status = 200, description = "A token, or an object of tokens.", content(
            (String = "text/plain; charset=utf-8"), (GivenTokens = "application/json"),
        )),
        Refusals,
    ),
)]
pub(crate) async fn fetch_by_post(
    state: Extract<State>,
    peer: Peer,
    address: Address,
    request: Request<Body>,
) -> Response {
    fetch(state, peer, address, request).await
}

async fn fetch(
    Extract(state): Extract<State>,
    Peer(from): Peer,
    address: Address,
    request: Request<Body>,
) -> Response {
    let address = address.as_deref().map_or("", String::as_str);
    let (parts, body) = request.into_parts();
    serve(&state, (address, from), &parts, body).await
}

async fn serve<B: HttpBody<Data = Bytes>>(
    state: &State,
    (address, from): (&str, Option<IpAddr>),
    parts: &Parts,
    body: B,
) -> Response {
    let request = link_request(address, from, parts);
    let body = match body_of(state, &request, body).await {
        Ok(body) => body,
        Err(refusal) => return answer::refused(&state.broker.addresses, refusal),
    };
    match state.links.serve(&LinkRequest { body: &body, ..request }).await {
        Ok(content) => answer::given(content),
        Err(refusal) => answer::refused(&state.broker.addresses, refusal),
    }
}

/// Report that a bot has ended
///
/// For a bot platform. The report is signed like its requests for tokens. It frees the bot's seat of a pool.
#[utoipa::path(
    post,
    path = "/t/{address}/status",
    tag = "token links",
    operation_id = "token_status",
    params(("address" = String, Path, description = "`<link>.<secret>`, as in the link's `url`.")),
    request_body(content = Object, description = "What the platform sends. It is part of what is signed."),
    responses((status = 204, description = "Received."), Refusals),
)]
pub(crate) async fn status(
    Extract(state): Extract<State>,
    Peer(from): Peer,
    address: Address,
    request: Request<Body>,
) -> Response {
    let address = address.as_deref().map_or("", String::as_str);
    let (parts, body) = request.into_parts();
    let request = link_request(address, from, &parts);
    let body = match body_of(&state, &request, body).await {
        Ok(body) => body,
        Err(refusal) => return answer::refused(&state.broker.addresses, refusal),
    };
    match state.links.take_report(&LinkRequest { body: &body, ..request }).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => answer::refused(&state.broker.addresses, refusal),
    }
}

/// Reads the body, but only after the rest of the request is verified.
async fn body_of<B: HttpBody<Data = Bytes>>(
    state: &State,
    request: &LinkRequest<'_>,
    body: B,
) -> Result<Bytes, LinkRefusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // Boxed: reads without a body must not become larger because of it.
    Box::pin(async {
        let rules = state.links.check_before_body(request).await?;
        let body = state.admission.bodies.read(body, Sender::Unauthenticated).await;
        body.map_err(|error| LinkRefusal::new(rules, None, error.failure()))
    })
    .await
}

/// A link request without its body.
fn link_request<'a>(address: &'a str, from: Option<IpAddr>, parts: &'a Parts) -> LinkRequest<'a> {
    LinkRequest {
        query: parts.uri.query().unwrap_or(""),
        oversized: !header_size::headers_fit(&parts.headers),
        posted: parts.method == Method::POST,
        from,
        ..LinkRequest::get(address, &parts.headers)
    }
}
