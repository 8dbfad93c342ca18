//! The answers of failed calls. The HTTP status is chosen only here.

use std::{any::Any, borrow::Cow, time::Duration};

use axum::{
    Json,
    extract::{Request, State as Extract},
    http::{
        HeaderValue, StatusCode,
        header::{ALLOW, CONTENT_LENGTH, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use broker::Addresses;
use model::{ApiScope, Class, Code, Failure, Timestamp, chain};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    State, bounds::BodyError, docs::page_of_error, fields::FieldErrors, request_code::RequestCode,
    request_log::RefusedFor,
};

/// `Retry-After` of failures that may pass and give no time.
const USUAL_WAIT: Duration = Duration::from_secs(5);

/// A failed call of the JSON API.
#[derive(Debug, Clone)]
pub(crate) enum ApiError {
    /// Fields that are wrong or missing.
    Invalid(FieldErrors),
    /// A body that cannot be read at all.
    Unreadable(String),
    /// The body is neither JSON nor a form.
    UnsupportedMediaType,
    /// A body that was not read.
    Body(BodyError),
    /// Path and query are too long.
    AddressTooLong,
    /// The headers are too many or too large.
    HeadersTooLarge,
    /// The request has no API key.
    NotAuthenticated,
    /// The API key is not valid, and why.
    AuthenticationFailed(&'static str),
    /// The key is valid, but lacks this scope.
    PermissionDenied(ApiScope),
    /// Too many calls in the last minute. The next one is accepted after this time.
    Throttled(Duration),
    /// The object does not exist, or belongs to another workspace.
    NotFound,
    /// The page of a list does not exist.
    InvalidPage,
    /// It is too late for this call, which the contract answers with 405. The text says what to do instead.
    TooLate(String),
    /// The path does not support this method.
    MethodNotAllowed,
    /// The request is refused for its content; the code has the status.
    Refused(RequestCode, Cow<'static, str>),
    /// A failure that the contract answers with 400.
    BadRequest(Code, Cow<'static, str>),
    /// No server has a free slot for a bot. The text says what to do.
    NoFreeSlot(String),
    /// A URL carries a token that this server did not issue for it.
    AddressInvalid,
    /// A URL carries a token that expired at this time.
    AddressExpired(Timestamp),
    /// A component behind the API failed.
    Failed(Failure),
}

impl ApiError {
    /// Refuses a request for its content.
    pub(crate) fn refused(code: RequestCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(code, detail.into())
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
        Code::MeetingNotAllowed | Code::AddressNotAllowed | Code::OtherUser => StatusCode::FORBIDDEN,
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

/// The status of a refusal that depends on the request alone.
pub(crate) const fn status_of_request(code: RequestCode) -> StatusCode {
    use RequestCode as R;
    match code {
        R::NotAuthenticated | R::AuthenticationFailed => StatusCode::UNAUTHORIZED,
        R::PermissionDenied | R::AddressInvalid => StatusCode::FORBIDDEN,
        R::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        R::TooSlow => StatusCode::REQUEST_TIMEOUT,
        R::Conflict | R::PoolInUse | R::ConnectLinkUsed | R::AppInUse => StatusCode::CONFLICT,
        R::AddressExpired => StatusCode::GONE,
        R::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        R::AddressTooLong => StatusCode::URI_TOO_LONG,
        R::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        R::Throttled => StatusCode::TOO_MANY_REQUESTS,
        R::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        R::OutOfAdhocBots => StatusCode::INSUFFICIENT_STORAGE,
        R::ParseError
        | R::IdempotencyKeyInvalid
        | R::IdempotencyKeyReuse
        | R::CannotCommandCompletedBot
        | R::CannotCommandUnstartedBot
        | R::UpdateBotFailed
        | R::NotSupported
        | R::ChatMessageRefused
        | R::ChatMessageUnconfirmed
        | R::CallbackSecretRotating
        | R::WebhookSecretRotating
        | R::ReplayTooLarge
        | R::TooManyWebhookEndpoints
        | R::WorkspaceFull
        | R::ZoomOauthError
        | R::ZoomOauthCredentialUnhealthy
        | R::ZoomOauthAppUnhealthy => StatusCode::BAD_REQUEST,
    }
}

/// `Retry-After` in seconds, when a retry can succeed.
pub(crate) fn retry_after(failure: &Failure) -> Option<String> {
    matches!(status_of(failure.code), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
        .then(|| failure.retry_after.unwrap_or(USUAL_WAIT).as_secs().max(1).to_string())
}

/// Logs a failure as an error only if this server is at fault, and only here. The request's own log line says why anything
/// else was refused.
pub(crate) fn reported(failure: &Failure, mut response: Response) -> Response {
    if failure.class() == Class::OurFault {
        tracing::error!(failure = %chain(failure), "a request failed");
    }
    response.extensions_mut().insert(RefusedFor(failure.clone()));
    response
}

/// The body of every error except wrong fields.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody {
    /// A stable code for programs. A 404 has none, as in Recall's API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<&'static str>,
    /// What happened and what to do, for people.
    detail: Cow<'static, str>,
    /// A page of this server that explains the code and says who can act.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    docs: Option<String>,
}

impl ErrorBody {
    pub(crate) const fn new(code: Option<&'static str>, detail: Cow<'static, str>) -> Self {
        Self { code, detail, docs: None }
    }

    /// Adds the address of the code's page.
    pub(crate) fn linked(self, addresses: &Addresses) -> Self {
        let docs = self.code.map(|code| page_of_error(addresses, code).into());
        Self { docs, ..self }
    }
}

impl IntoResponse for ErrorBody {
    /// The body is also an extension of the answer, for [`linked`].
    fn into_response(self) -> Response {
        let mut response = Json(&self).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Adds the address of the code's page to an error: only the server knows its own address.
pub(crate) async fn linked(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(body) = response.extensions_mut().remove::<ErrorBody>() else { return response };
    if let Ok(body) = serde_json::to_vec(&body.linked(&state.broker.addresses)) {
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = body.into();
    }
    response
}

/// The content of a failed call's answer, before it is JSON.
enum ErrorAnswer {
    ByField(Map<String, Value>),
    Coded(ErrorBody),
}

impl ApiError {
    /// Status and body.
    fn parts(self) -> (StatusCode, ErrorAnswer) {
        use RequestCode as R;
        let refused = |code: RequestCode, detail: Cow<'static, str>| {
            (status_of_request(code), ErrorAnswer::Coded(ErrorBody::new(Some(code.as_str()), detail)))
        };
        let missing = |detail: &'static str| {
            (StatusCode::NOT_FOUND, ErrorAnswer::Coded(ErrorBody::new(None, detail.into())))
        };
        match self {
            Self::Invalid(errors) => (StatusCode::BAD_REQUEST, ErrorAnswer::ByField(errors.0)),
            Self::Unreadable(detail) => refused(R::ParseError, detail.into()),
            Self::UnsupportedMediaType => refused(
                R::UnsupportedMediaType,
                "The body is neither JSON nor a form: send `Content-Type: application/json`.".into(),
            ),
            Self::Body(error) => {
                let code = match error {
                    BodyError::TooLarge(_) => R::TooLarge,
                    BodyError::TooSlow(_) => R::TooSlow,
                    BodyError::NoMemory => return Self::Failed(error.failure()).parts(),
                    BodyError::Broken => R::ParseError,
                };
                refused(code, format!("The {error}.").into())
            }
            Self::AddressTooLong => {
                refused(R::AddressTooLong, "Path and query are longer than 16 KiB.".into())
            }
            Self::HeadersTooLarge => refused(
                R::HeadersTooLarge,
                "There are more than 64 headers, or they are larger than 16 KiB together.".into(),
            ),
            Self::NotAuthenticated => {
                refused(R::NotAuthenticated, "Send an API key: `Authorization: Token <key>`.".into())
            }
            Self::AuthenticationFailed(why) => refused(R::AuthenticationFailed, why.into()),
            Self::PermissionDenied(scope) => {
                let detail = format!("This API key lacks the scope {}: use one that has it.", scope.as_str());
                refused(R::PermissionDenied, detail.into())
            }
            Self::Throttled(wait) => {
                let detail =
                    format!("Too many requests in one minute. Try again in {} s.", whole_seconds(wait));
                refused(R::Throttled, detail.into())
            }
            Self::NotFound => missing("Not found."),
            Self::InvalidPage => missing("Invalid page."),
            Self::MethodNotAllowed => refused(
                R::MethodNotAllowed,
                "This path does not support this method; `Allow` lists the methods that it supports.".into(),
            ),
            Self::TooLate(detail) => refused(R::MethodNotAllowed, detail.into()),
            Self::Refused(code, detail) => refused(code, detail),
            Self::BadRequest(code, detail) => {
                (StatusCode::BAD_REQUEST, ErrorAnswer::Coded(ErrorBody::new(Some(code.as_str()), detail)))
            }
            Self::NoFreeSlot(detail) => refused(R::OutOfAdhocBots, detail.into()),
            Self::AddressInvalid => refused(
                R::AddressInvalid,
                "This server did not issue the token in this address for it: copy the complete address from the list.".into(),
            ),
            Self::AddressExpired(until) => {
                let detail = format!("This address expired at {until}: list again for a new one.");
                refused(R::AddressExpired, detail.into())
            }
            Self::Failed(failure) => {
                // An error of this server shows nothing of its internals.
                let detail = match failure.class() {
                    Class::OurFault => failure.code.advice().into(),
                    Class::Retry | Class::PersonMustAct => {
                        format!("{}; {}", failure.detail, failure.code.advice()).into()
                    }
                };
                let body = ErrorBody::new(Some(failure.code.as_str()), detail);
                (status_of(failure.code), ErrorAnswer::Coded(body))
            }
        }
    }

    /// Status and body, for the OpenAPI document.
    pub(crate) fn answer(&self) -> (StatusCode, Value) {
        let (status, answer) = self.clone().parts();
        let body = match answer {
            ErrorAnswer::ByField(errors) => Value::Object(errors),
            ErrorAnswer::Coded(body) => {
                let docs =
                    body.code.map(|code| format!("https://latchkey.example.com/docs/error-codes#{code}"));
                serde_json::to_value(ErrorBody { docs, ..body }).expect("text keys")
            }
        };
        (status, body)
    }

    /// `Retry-After` in seconds, when a retry can succeed.
    pub(crate) fn retry_after(&self) -> Option<String> {
        match self {
            Self::Throttled(wait) => Some(whole_seconds(*wait).to_string()),
            Self::NoFreeSlot(_) => Some("30".to_owned()),
            Self::Body(error @ BodyError::NoMemory) => retry_after(&error.failure()),
            Self::Failed(failure) => retry_after(failure),
            _ => None,
        }
    }

    fn failure(&self) -> Option<Failure> {
        match self {
            Self::Body(error @ BodyError::NoMemory) => Some(error.failure()),
            Self::Failed(failure) => Some(failure.clone()),
            _ => None,
        }
    }
}

/// Rounded up to whole seconds: a caller that waits that long is admitted.
fn whole_seconds(wait: Duration) -> u128 {
    wait.as_millis().div_ceil(1000)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (retry_after, failure) = (self.retry_after(), self.failure());
        let is_too_late = matches!(self, Self::TooLate(_));
        let (status, answer) = self.parts();
        let mut response = match answer {
            ErrorAnswer::ByField(errors) => (status, Json(errors)).into_response(),
            ErrorAnswer::Coded(body) => (status, body).into_response(),
        };
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
        }
        if is_too_late {
            // The methods that still work. If the path has no such method at all, the router answers by itself.
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        if let Some(seconds) = retry_after.and_then(|seconds| seconds.parse().ok()) {
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        match failure {
            Some(failure) => reported(&failure, response),
            None => response,
        }
    }
}

/// Answers when a handler panicked. The payload may contain secrets, so it is not shown.
pub(crate) fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    ApiError::from(Failure::new(Code::Internal, "a handler panicked")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, http::StatusCode};

    use super::panicked;

    #[tokio::test]
    async fn a_panic_shows_nothing_of_its_payload() {
        let answer = panicked(Box::new("planted"));
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = to_bytes(answer.into_body(), 1000).await.unwrap();
        let expected = r#"{"code":"internal","detail":"report it, with the line in the server's log"}"#;
        assert_eq!(body, expected);
    }
}
