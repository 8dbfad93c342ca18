//! What a token link says, in the caller's dialect.

use audit::Audited;
use axum::{
    Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use broker::{AttendeeAnswer, LinkAnswer, LinkRefusal};
use model::{Class, Code, Failure, Secret, TokenKind};
use serde_json::{Map, Value, json};
use store::Dialect;

use crate::error::{reported, retry_after, status_of};

/// The one place where a token of a link leaves the house.
pub(super) fn given(answer: &LinkAnswer) -> Response {
    match answer {
        LinkAnswer::Text(token) => token.expose().to_owned().into_response(),
        LinkAnswer::Attendee(tokens) => Json(object(tokens)).into_response(),
    }
}

/// A key for each kind that is there.
fn object(tokens: &AttendeeAnswer) -> Map<String, Value> {
    let text = |token: &Audited<Secret>| token.expose().to_owned();
    let obf: Vec<String> = tokens.obf.iter().map(text).collect();
    [
        ("zak_token", tokens.zak.as_ref().map(text)),
        ("onbehalf_token", Some(obf.join(",")).filter(|all| !all.is_empty())),
        ("app_privilege_token", tokens.join_token.as_ref().map(text)),
    ]
    .into_iter()
    .filter_map(|(key, token)| Some((key.to_owned(), Value::String(token?))))
    .collect()
}

/// One line `code: advice`, or Attendee's object of the same; and nothing of the request.
pub(super) fn refused(refusal: &LinkRefusal) -> Response {
    let LinkRefusal { dialect, kind, failure } = refusal;
    let (status, words) = (status_for(*dialect, *kind, failure.code), words(failure));
    let response = match dialect {
        Dialect::Attendee => {
            let retryable = failure.class() == Class::Retry;
            let error = json!({ "code": failure.code.as_str(), "message": words, "retryable": retryable });
            (status, Json(json!({ "error": error }))).into_response()
        }
        Dialect::Recall | Dialect::MeetingBaas => {
            (status, format!("{}: {words}", failure.code)).into_response()
        }
    };
    let mut response = reported(failure, response);
    if let Some(seconds) = retry_after(failure).and_then(|seconds| seconds.parse().ok()) {
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// Recall's word for "join without" is a 404, and only a join token knows it.
fn status_for(dialect: Dialect, kind: Option<TokenKind>, code: Code) -> StatusCode {
    match (dialect, kind, code) {
        (Dialect::Recall, Some(TokenKind::JoinToken), Code::TokenNotAvailable) => StatusCode::NOT_FOUND,
        _ => status_of(code),
    }
}

/// The advice; what happened too, where that says more and holds nothing of the caller's: which scope is missing, how full a
/// pool is, whose secret verifies.
fn words(failure: &Failure) -> String {
    match failure.code {
        Code::ScopeMissing
        | Code::TokenNotAvailable
        | Code::PoolFull
        | Code::HostBusy
        | Code::PoolUnhealthy
        | Code::MeetingNotAllowed
        | Code::RequestMalformed
        | Code::AddressNotAllowed
        | Code::LinkExpired
        | Code::SignatureMissing
        | Code::SignatureInvalid
        | Code::SignatureStale
        | Code::ReplayRefused => {
            format!("{}; {}", failure.detail, failure.code.advice())
        }
        code => code.advice().to_owned(),
    }
}
