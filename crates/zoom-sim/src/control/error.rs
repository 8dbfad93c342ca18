//! Errors of the control API, and its JSON bodies.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::patch;

/// An invalid request.
#[derive(Debug)]
pub(crate) enum ControlError {
    /// 400: the body is invalid, or the operation is impossible.
    Bad(String),
    /// 404: no object has this id.
    Unknown(&'static str),
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::Bad(message) => (StatusCode::BAD_REQUEST, message),
            Self::Unknown(thing) => (StatusCode::NOT_FOUND, format!("there is no such {thing}")),
        };
        (status, Json(json!({"error": message}))).into_response()
    }
}

/// A JSON body. An empty one reads as `{}`; an invalid one gets a 400 that names the field.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ControlError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ControlError> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| ControlError::Bad(error.to_string()))?;
        let bytes = if bytes.is_empty() { &b"{}"[..] } else { &bytes };
        let value = serde_json::from_slice(bytes).map_err(|error| ControlError::Bad(error.to_string()))?;
        Ok(Self(value))
    }
}

/// [`patch::patched`] for a request body.
pub(crate) fn patched<T: Serialize + DeserializeOwned>(current: &T, patch: Value) -> Result<T, ControlError> {
    let Value::Object(patch) = patch else {
        return Err(ControlError::Bad("the body must be a JSON object".to_owned()));
    };
    patch::patched(current, patch).map_err(ControlError::Bad)
}

pub(crate) async fn no_such_route() -> Response {
    let body = json!({"error": "there is no such route: GET /_sim/ lists them"});
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

pub(crate) async fn wrong_method() -> Response {
    let body = json!({"error": "this route does not support the method: GET /_sim/ lists the routes"});
    (StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response()
}
