//! Ids in paths.

use axum::extract::{FromRequestParts, rejection::PathRejection};

use crate::error::ApiError;

/// The variable parts of a path. A malformed id is answered like an unknown one.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub(crate) T);

impl From<PathRejection> for ApiError {
    fn from(_: PathRejection) -> Self {
        Self::NotFound
    }
}
