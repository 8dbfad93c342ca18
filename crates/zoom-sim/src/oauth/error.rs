//! Error bodies of `/oauth/token` and `/oauth/revoke`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// A refusal. All of them are HTTP 400, `InvalidClient` too (O).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OAuthError {
    /// Used, rotated, expired or revoked refresh token (O).
    InvalidToken,
    /// Bad, expired or reused code (O), or a verifier that does not match it (I).
    InvalidCode,
    /// Unknown or disabled app, or wrong secret (O; that a disabled app looks the same is ours).
    InvalidClient,
    /// Unknown or missing grant type, or one that this kind of app cannot use (O; the last is I).
    UnsupportedGrant,
    /// The redirect URI is not the one that the code was issued for (4709; the body is ours).
    RedirectMismatch,
    /// A parameter that the grant type needs is missing or wrong (I).
    BadRequest(&'static str),
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let (reason, error) = match self {
            Self::InvalidToken => ("Invalid Token!", "invalid_grant"),
            Self::InvalidCode => ("Invalid authorization code", "invalid_grant"),
            Self::InvalidClient => ("Invalid client_id or client_secret", "invalid_client"),
            Self::UnsupportedGrant => ("unsupported grant type", "unsupported_grant_type"),
            Self::RedirectMismatch => ("Redirect URI mismatch.", "invalid_request"),
            Self::BadRequest(reason) => (reason, "invalid_request"),
        };
        tracing::info!(error, reason, "oauth refuses");
        (StatusCode::BAD_REQUEST, Json(serde_json::json!({"reason": reason, "error": error}))).into_response()
    }
}
