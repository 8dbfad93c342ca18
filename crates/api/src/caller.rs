//! Who calls.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{header::AUTHORIZATION, request::Parts},
};
use model::{ApiKeyId, WorkspaceId};

use crate::{State, error::ApiError};

/// The workspace that an API key opens. Store methods take it from here: what a handler can reach is decided by its
/// signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) workspace: WorkspaceId,
    /// The key, for the audit.
    pub(crate) key: ApiKeyId,
}

impl<S> FromRequestParts<S> for Caller
where
    State: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let header = parts.headers.get(AUTHORIZATION).ok_or(ApiError::NotAuthenticated)?;
        let header = header.to_str().map_err(|_| ApiError::AuthenticationFailed)?.trim();
        let key = match header.split_once(' ') {
            Some((scheme, key)) if ["token", "bearer"].contains(&scheme.to_ascii_lowercase().as_str()) => {
                key.trim()
            }
            Some(_) => return Err(ApiError::AuthenticationFailed),
            // The bare key, as the contract allows.
            None => header,
        };
        match State::from_ref(state).broker.authenticate(key).await? {
            Some(key) => Ok(Self { workspace: key.workspace, key: key.id }),
            None => Err(ApiError::AuthenticationFailed),
        }
    }
}
