//! REST errors: a status, a code and a message.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use crate::ids::MeetingNumber;
use crate::too_many_requests::{self, Headroom, RetryAfter};

/// Why a REST call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RestError {
    /// No bearer token, a forged one, or one whose grant has ended (401, 124; O).
    InvalidToken,
    /// An expired bearer token (401, 124; O).
    ExpiredToken,
    /// The token lacks all of these scopes (400, 4711; O).
    MissingScope(&'static [&'static str]),
    /// No user with that id or e-mail address within reach of the token (404, 1001; D REF, PL).
    NoSuchUser,
    /// No meeting with this number within reach of the token (404, 3001; D REF).
    NoSuchMeeting(MeetingNumber),
    /// Another user has this e-mail address (409, 1005; D).
    UserExists(String),
    /// Only the host can issue a join token (400, 200; D REF, ours for which of the two codes).
    NoPermission,
    /// The host has switched the permission off (400, 3000; D REF, ours as above).
    NotAllowed,
    /// A running meeting cannot be deleted (400, 3002; I).
    MeetingRuns,
    /// The host's meetings were created and changed too often today (429; D, I the words).
    TooManyWrites(Timestamp),
    /// A parameter is out of bounds (400, 300; D).
    Validation(&'static str),
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, 124, "Invalid access token.".to_owned()),
            Self::ExpiredToken => (StatusCode::UNAUTHORIZED, 124, "Access token is expired.".to_owned()),
            Self::MissingScope(scopes) => {
                let scopes = scopes.join(", ");
                let message = format!("Invalid access token, does not contain scopes:[{scopes}].");
                (StatusCode::BAD_REQUEST, 4711, message)
            }
            Self::NoSuchUser => (StatusCode::NOT_FOUND, 1001, "User not exist.".to_owned()),
            Self::NoSuchMeeting(number) => {
                (StatusCode::NOT_FOUND, 3001, format!("Meeting does not exist: {number}."))
            }
            Self::UserExists(email) => {
                (StatusCode::CONFLICT, 1005, format!("User already in the account: {email}."))
            }
            Self::NoPermission => (StatusCode::BAD_REQUEST, 200, "No permission.".to_owned()),
            Self::NotAllowed => {
                (StatusCode::BAD_REQUEST, 3000, "Local recording is not allowed for this meeting.".to_owned())
            }
            Self::MeetingRuns => {
                let message = "Sorry, you cannot delete this meeting since it is in progress.";
                (StatusCode::BAD_REQUEST, 3002, message.to_owned())
            }
            Self::TooManyWrites(now) => {
                let headroom = Headroom::per_day("Light", None, 0, now);
                return too_many_requests::too_many(&headroom, Some(RetryAfter::Date));
            }
            Self::Validation(message) => (StatusCode::BAD_REQUEST, 300, message.to_owned()),
        };
        tracing::info!(code, message, "rest refuses");
        (status, Json(serde_json::json!({"code": code, "message": message}))).into_response()
    }
}
