//! What a failed call answers. The status is chosen here and nowhere else.

use std::{any::Any, borrow::Cow, time::Duration};

use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use model::{ApiScope, Class, Code, Failure};
use serde_json::{Value, json};

use crate::{bounds::BodyError, fields::FieldErrors, observe::RefusedFor};

/// For failures that may pass and do not say when.
const USUAL_WAIT: Duration = Duration::from_secs(5);

/// A failed call of the JSON API.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// Fields that are wrong or missing.
    Invalid(FieldErrors),
    /// A body that cannot be read at all.
    Unreadable(String),
    /// Neither JSON nor a form.
    UnsupportedMediaType,
    /// A body that was not taken in.
    Body(BodyError),
    /// More than the server takes in, of path and query.
    AddressTooLong,
    /// The same, of headers.
    HeadersTooLarge,
    /// No key.
    NotAuthenticated,
    /// A key that opens nothing, and why.
    AuthenticationFailed(&'static str),
    /// The key is good, and lacks this scope.
    PermissionDenied(ApiScope),
    /// Too many calls in the last minute; one more is welcome after this.
    Throttled(Duration),
    /// No such thing, or not this workspace's.
    NotFound,
    /// A page that is not there.
    InvalidPage,
    /// Not this method.
    MethodNotAllowed,
    /// The contract has a code of its own for it.
    Command(&'static str, Cow<'static, str>),
    /// It would break what exists.
    Conflict(&'static str, &'static str),
    /// No server runs bots; and what to do.
    NobodyRunsBots(String),
    /// Something behind the API failed.
    Failed(Failure),
}

impl ApiError {
    /// A 400 with a code of the contract's.
    pub(crate) fn command(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Command(code, detail.into())
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<store::StoreError> for ApiError {
    fn from(error: store::StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<FieldErrors> for ApiError {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

/// The status of a failure, for JSON and for token links alike.
pub(crate) const fn status_of(code: Code) -> StatusCode {
    match code {
        Code::RequestMalformed => StatusCode::BAD_REQUEST,
        Code::SignatureMissing | Code::SignatureInvalid | Code::SignatureStale => StatusCode::UNAUTHORIZED,
        Code::MeetingNotAllowed | Code::AddressNotAllowed => StatusCode::FORBIDDEN,
        Code::LinkUnknown => StatusCode::NOT_FOUND,
        Code::ReplayRefused => StatusCode::CONFLICT,
        Code::LinkExpired => StatusCode::GONE,
        Code::TokenNotAvailable => StatusCode::UNPROCESSABLE_ENTITY,
        Code::CredentialNeedsConsent
        | Code::CredentialDisconnected
        | Code::CredentialBlocked
        | Code::UserUnknown
        | Code::PoolUnhealthy
        | Code::AccessTokenCallbackFailed
        | Code::ScopeMissing
        | Code::AppUnhealthy => StatusCode::FAILED_DEPENDENCY,
        Code::ZoomUnexpected => StatusCode::BAD_GATEWAY,
        Code::HostBusy | Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::PoolFull
        | Code::ZoomRateLimited
        | Code::ZoomUnavailable
        | Code::RefreshUncertain
        | Code::AccessTokenCallbackTimeout
        | Code::Deadline
        | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// `Retry-After` in seconds, when a retry is worth it.
pub(crate) fn retry_after(failure: &Failure) -> Option<String> {
    matches!(status_of(failure.code), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
        .then(|| failure.retry_after.unwrap_or(USUAL_WAIT).as_secs().max(1).to_string())
}

/// Only what is our fault is an error in the log, and only here. Why anything else was refused is told by the line of its
/// request.
pub(crate) fn reported(failure: &Failure, mut response: Response) -> Response {
    if failure.class() == Class::OurFault {
        tracing::error!(code = %failure.code, detail = failure.detail, "a request failed");
    }
    response.extensions_mut().insert(RefusedFor(failure.clone()));
    response
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let coded = |code: &str, detail: &str| json!({ "code": code, "detail": detail });
        let (status, body) = match self {
            Self::Invalid(errors) => (StatusCode::BAD_REQUEST, Value::Object(errors.0)),
            Self::Unreadable(detail) => (StatusCode::BAD_REQUEST, coded("parse_error", &detail)),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                coded(
                    "unsupported_media_type",
                    "The body is neither JSON nor a form: send `Content-Type: application/json`.",
                ),
            ),
            Self::Body(error) => return unread(error),
            Self::AddressTooLong => (
                StatusCode::URI_TOO_LONG,
                coded("address_too_long", "Path and query are longer than 16 KiB."),
            ),
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                coded("headers_too_large", "The headers are more than 64, or larger than 16 KiB together."),
            ),
            Self::NotAuthenticated => (
                StatusCode::UNAUTHORIZED,
                coded("not_authenticated", "Send an API key: `Authorization: Token <key>`."),
            ),
            Self::AuthenticationFailed(why) => {
                (StatusCode::UNAUTHORIZED, coded("authentication_failed", why))
            }
            Self::PermissionDenied(scope) => {
                let detail = format!("This API key lacks the scope {}: use one that has it.", scope.as_str());
                (StatusCode::FORBIDDEN, coded("permission_denied", &detail))
            }
            Self::Throttled(wait) => return throttled(wait),
            Self::NotFound => (StatusCode::NOT_FOUND, json!({ "detail": "Not found." })),
            Self::InvalidPage => (StatusCode::NOT_FOUND, json!({ "detail": "Invalid page." })),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                coded(
                    "method_not_allowed",
                    "This path does not take this method; `Allow` names those that it takes.",
                ),
            ),
            Self::Command(code, detail) => (StatusCode::BAD_REQUEST, coded(code, &detail)),
            Self::Conflict(code, detail) => (StatusCode::CONFLICT, coded(code, detail)),
            Self::NobodyRunsBots(detail) => {
                let retry = [(RETRY_AFTER, HeaderValue::from_static("30"))];
                let body = Json(coded("out_of_adhoc_bots", &detail));
                return (StatusCode::INSUFFICIENT_STORAGE, retry, body).into_response();
            }
            Self::Failed(failure) => return failed(&failure),
        };
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
        }
        response
    }
}

fn failed(failure: &Failure) -> Response {
    // What is our fault says nothing of our insides.
    let detail = match failure.class() {
        Class::OurFault => failure.code.advice().to_owned(),
        Class::Retry | Class::PersonMustAct => format!("{}; {}", failure.detail, failure.code.advice()),
    };
    let body = Json(json!({ "code": failure.code.as_str(), "detail": detail }));
    let mut response = reported(failure, (status_of(failure.code), body).into_response());
    if let Some(seconds) = retry_after(failure).and_then(|seconds| seconds.parse().ok()) {
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

fn unread(error: BodyError) -> Response {
    let (status, code) = match error {
        BodyError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        BodyError::TooSlow(_) => (StatusCode::REQUEST_TIMEOUT, "too_slow"),
        BodyError::NoMemory => return failed(&error.failure()),
        BodyError::Broken => (StatusCode::BAD_REQUEST, "parse_error"),
    };
    (status, Json(json!({ "code": code, "detail": format!("The {error}.") }))).into_response()
}

fn throttled(wait: Duration) -> Response {
    // Up, to whole seconds: whoever comes at that time is let in.
    let seconds = wait.as_millis().div_ceil(1000);
    let detail = format!("Too many requests in one minute. Try again in {seconds} s.");
    let body = Json(json!({ "code": "throttled", "detail": detail }));
    let headers = [(RETRY_AFTER, seconds.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, headers, body).into_response()
}

/// A handler panicked. The payload may hold anything, so it is not shown.
pub(crate) fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    failed(&Failure::new(Code::Internal, "a handler panicked"))
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, http::StatusCode};

    use super::panicked;

    #[tokio::test]
    async fn a_panic_tells_nothing_of_itself() {
        let answer = panicked(Box::new("planted"));
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = to_bytes(answer.into_body(), 1000).await.unwrap();
        let expected = r#"{"code":"internal","detail":"report it, with the line in the server's log"}"#;
        assert_eq!(body, expected);
    }
}
