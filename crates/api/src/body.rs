//! A request's body: a JSON object or a URL-encoded form.

use axum::{
    body::Bytes,
    extract::{FromRef, FromRequest, Request},
    http::header::CONTENT_TYPE,
};
use serde_json::{Map, Value};

use crate::{State, bounds::Sender, error::ApiError};

/// Objects in objects, as a form writes them: `automatic_leave.everyone_left_timeout.timeout`.
const DEEPEST: usize = 3;

/// The fields of a body. Both encodings read alike; an empty body has none.
pub(crate) struct Body(pub(crate) Map<String, Value>);

impl<S> FromRequest<S> for Body
where
    State: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let content_type = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        let bytes = bytes(request, &State::from_ref(state)).await?;
        match content_type.as_str() {
            _ if bytes.is_empty() => Ok(Self(Map::new())),
            // What `curl -d` says of everything. Read as a form, it would be one field with a strange name.
            "application/x-www-form-urlencoded" if is_json(&bytes) => Err(ApiError::Unreadable(
                "The body is JSON, and its Content-Type says that it is a form: send `Content-Type: application/json`."
                    .into(),
            )),
            "application/x-www-form-urlencoded" => Ok(Self(form(&bytes))),
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

/// Whether a body is meant as JSON: no field of a form begins like this.
fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start(), [b'{' | b'[', ..])
}

/// A whole body, of any type, of a caller with a valid key.
pub(crate) async fn bytes(request: Request, state: &State) -> Result<Bytes, ApiError> {
    state.admission.bodies.read(request.into_body(), Sender::Caller).await.map_err(ApiError::Body)
}

/// A form has no objects: it writes a field of one as `zoom.zak_url`.
fn form(bytes: &[u8]) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        let mut inside = &mut fields;
        let mut path = name.splitn(DEEPEST, '.').peekable();
        while let Some(name) = path.next() {
            if path.peek().is_none() {
                inside.insert(name.to_owned(), Value::String(value.into_owned()));
                break;
            }
            match inside.entry(name).or_insert_with(|| Value::Object(Map::new())) {
                Value::Object(object) => inside = object,
                _ => break,
            }
        }
    }
    fields
}
