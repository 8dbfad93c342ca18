//! A request's body: a JSON object or a URL-encoded form.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::header::CONTENT_TYPE,
};
use serde_json::{Map, Value};

use crate::error::ApiError;

/// The fields of a body. Both encodings read alike; an empty body has none.
pub(crate) struct Body(pub(crate) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let content_type = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(_) => ApiError::TooLarge,
            _ => ApiError::Unreadable("The body could not be read.".into()),
        })?;
        match content_type.as_str() {
            _ if bytes.is_empty() => Ok(Self(Map::new())),
            "application/x-www-form-urlencoded" => Ok(Self(
                url::form_urlencoded::parse(&bytes)
                    .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                    .collect(),
            )),
            "" | "application/json" => match serde_json::from_slice(&bytes) {
                Ok(Value::Object(fields)) => Ok(Self(fields)),
                Ok(_) => Err(ApiError::Unreadable("The body must be a JSON object.".into())),
                // Where, not what: the body may hold secrets.
                Err(error) => Err(ApiError::Unreadable(format!(
                    "The body is not JSON: line {}, column {}.",
                    error.line(),
                    error.column()
                ))),
            },
            _ => Err(ApiError::UnsupportedMediaType),
        }
    }
}
