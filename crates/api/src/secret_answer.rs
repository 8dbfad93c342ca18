//! Answers that contain a secret.

use axum::{
    Json,
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// JSON that no cache may store.
pub(crate) struct WithSecret<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for WithSecret<T> {
    fn into_response(self) -> Response {
        ([(CACHE_CONTROL, "no-store")], Json(self.0)).into_response()
    }
}
