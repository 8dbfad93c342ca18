//! `Idempotency-Key`: a call that is sent again runs once and gets the stored answer.
//!
//! As in the contract, idempotency key, caller and path identify a call; its answer is stored for an hour.

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State as Extract},
    http::{HeaderName, HeaderValue, Method, StatusCode, header::AUTHORIZATION},
    middleware::Next,
    response::{IntoResponse, Response},
};
use model::{Code, Failure, Secret};
use serde::{Deserialize, Serialize};
use tenants::{RepeatableRequest, Repetition};
use tracing::Instrument as _;

use crate::{State, body, caller, error::ApiError, request_code::RequestCode};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const MAX_KEY_LEN: usize = 255;

pub(crate) const INVALID: &str = "Idempotency-Key must be 1 to 255 visible ASCII characters.";
pub(crate) const REUSED: &str = "This Idempotency-Key was used for another request.";
pub(crate) const IN_FLIGHT: &str = "A request with this Idempotency-Key is still in progress.";

/// Passes a call of the API on, unless it was made before. Calls without an API key go to the handler, which
/// refuses them. Answers of token links are never stored, because a link gives no token twice.
pub(crate) async fn once(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    let repeatable = [Method::POST, Method::PUT, Method::PATCH].contains(request.method())
        && request.uri().path().starts_with("/api/")
        && request.headers().contains_key(AUTHORIZATION);
    match request.headers().get(KEY).filter(|_| repeatable).cloned() {
        Some(key) => first_or_again(state, &key, request, next).await.unwrap_or_else(ApiError::into_response),
        None => next.run(request).await,
    }
}

async fn first_or_again(
    state: State,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let visible = |key: &&str| {
        (1..=MAX_KEY_LEN).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let key = key
        .to_str()
        .ok()
        .filter(visible)
        .ok_or_else(|| ApiError::refused(RequestCode::IdempotencyKeyInvalid, INVALID))?;
    let (mut parts, body) = request.into_parts();
    let caller = caller::admitted(&mut parts, &state).await?;
    let body = body::bytes(Request::from_parts(parts.clone(), body), &state).await?;
    let begun = state.broker.idempotency.begin(RepeatableRequest {
        workspace: caller.workspace,
        caller: caller.key,
        path: parts.uri.path().trim_end_matches('/'),
        idempotency_key: key,
        asked: [parts.method.as_str().as_bytes(), parts.uri.query().unwrap_or("").as_bytes(), &body],
    });
    let ticket = match begun.await? {
        Repetition::First(ticket) => ticket,
        Repetition::InFlight => {
            return Err(ApiError::refused(RequestCode::Conflict, IN_FLIGHT));
        }
        Repetition::KeyReused => {
            return Err(ApiError::refused(RequestCode::IdempotencyKeyReuse, REUSED));
        }
        Repetition::Answered(answer) => return replayed(&answer),
    };
    // A separate task: a caller that disconnects will retry, and has to get this answer.
    let tasks = state.tasks.clone();
    let work = async move {
        let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
        let (answer, kept) = keep(answer).await;
        state.broker.idempotency.finish(ticket, kept.as_ref()).await;
        answer
    };
    let done = tasks.spawn(work.in_current_span()).await;
    done.map_err(|_| Failure::new(Code::Internal, "a request with an idempotency key was aborted").into())
}

/// A stored answer.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// A temporary failure may be retried. A bot that found no free slot may not, by the contract.
fn is_final(status: StatusCode) -> bool {
    status == StatusCode::INSUFFICIENT_STORAGE
        || !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS
}

/// The answer, and its stored form. An answer that is not final is not stored.
async fn keep(answer: Response) -> (Response, Option<Secret>) {
    if !is_final(answer.status()) {
        return (answer, None);
    }
    let (parts, body) = answer.into_parts();
    // The body is in memory, and this server chose its size.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        let failure = Failure::new(Code::Internal, "an answer could not be read");
        return (ApiError::from(failure).into_response(), None);
    };
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let text = String::from_utf8(body.to_vec()).ok();
    let kept =
        text.map(|text| Kept { status: parts.status.as_u16(), headers: headers.collect(), body: text });
    let kept = kept.and_then(|kept| serde_json::to_string(&kept).ok()).map(Secret::new);
    (Response::from_parts(parts, Body::from(body)), kept)
}

fn replayed(answer: &Secret) -> Result<Response, ApiError> {
    let unreadable = || Failure::new(Code::Internal, "a stored answer is not readable");
    let kept: Kept = serde_json::from_str(answer.expose()).map_err(|_| unreadable())?;
    let mut response = Response::builder().status(kept.status).header(REPLAYED, "true");
    for (name, value) in kept.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Body::from(kept.body)).map_err(|_| unreadable())?)
}
