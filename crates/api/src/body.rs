//! A request's body: a JSON object, or a form (URL-encoded or multipart).

use std::{convert::Infallible, future::ready};

use axum::{
    body::Bytes,
    extract::{FromRef, FromRequest, Request},
    http::header::CONTENT_TYPE,
};
use futures_util::stream;
use multer::Multipart;
use serde_json::{Map, Value};

use crate::{State, bounds::Sender, error::ApiError};

/// The maximum depth of nested objects in a form: `automatic_leave.bot_detection.using_participant_names.timeout`. The
/// deepest fields are options of transcripts.
const DEEPEST: usize = 8;
/// The maximum number of parts in a form. A new bot has about thirty fields.
const MAX_PARTS: usize = 1000;

/// The fields of a body, the same for all encodings. An empty body has none.
pub(crate) struct Body(pub(crate) Map<String, Value>);

impl<S> FromRequest<S> for Body
where
    State: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let written = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
            .to_owned();
        let content_type = written.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        let bytes = bytes(request, &State::from_ref(state)).await?;
        match content_type.as_str() {
            _ if bytes.is_empty() => Ok(Self(Map::new())),
            // `curl -d` sends this type with any body. As a form, JSON would become one field with a strange name.
            "application/x-www-form-urlencoded" if is_json(&bytes) => Err(ApiError::Unreadable(
                "The body is JSON, but its Content-Type says that it is a form: send `Content-Type: application/json`."
                    .into(),
            )),
            "application/x-www-form-urlencoded" => Ok(Self(form(&bytes))),
            "multipart/form-data" => match multer::parse_boundary(&written) {
                Ok(boundary) => Ok(Self(parts(bytes, boundary).await?)),
                Err(_) => Err(ApiError::Unreadable(
                    "The Content-Type names no boundary between the parts of the form.".into(),
                )),
            },
            "" | "application/json" => match serde_json::from_slice(&bytes) {
                Ok(Value::Object(fields)) => Ok(Self(fields)),
                Ok(_) => Err(ApiError::Unreadable("The body must be a JSON object.".into())),
                // Only the position, not the text: the body may contain secrets.
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

/// Whether a body is probably JSON: no form begins with this character.
fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start(), [b'{' | b'[', ..])
}

/// The complete body, of any type, from a caller with a valid key.
pub(crate) async fn bytes(request: Request, state: &State) -> Result<Bytes, ApiError> {
    state.admission.bodies.read(request.into_body(), Sender::Caller).await.map_err(ApiError::Body)
}

/// A form has no objects: a field inside one is written as `zoom.zak_url`.
fn form(bytes: &[u8]) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        put(&mut fields, &name, Value::String(value.into_owned()));
    }
    fields
}

/// Reads a multipart form. A part can contain an object if the part's type is JSON.
async fn parts(bytes: Bytes, boundary: String) -> Result<Map<String, Value>, ApiError> {
    // Only the position, not the text: a part may contain a secret.
    let unreadable = |at: &str, what: &str| ApiError::Unreadable(format!("{at} of the form {what}."));
    let broken = |_| unreadable("A part", "cannot be read");
    let mut parts = Multipart::new(stream::once(ready(Ok::<_, Infallible>(bytes))), boundary);
    let mut fields = Map::new();
    for number in 1.. {
        let Some(part) = parts.next_field().await.map_err(broken)? else { break };
        let at = format!("Part {number}");
        if number > MAX_PARTS {
            return Err(unreadable(&at, "is one too many"));
        }
        if part.file_name().is_some() {
            return Err(unreadable(&at, "is a file: send images and sounds in Base64, as b64_data"));
        }
        let Some(name) = part.name().map(str::to_owned) else {
            return Err(unreadable(&at, "has no name"));
        };
        let is_json = part.content_type().is_some_and(|kind| kind.essence_str() == "application/json");
        let text = part.text().await.map_err(broken)?;
        let value = if is_json {
            serde_json::from_str(&text).map_err(|_| unreadable(&at, "has the type JSON, but is not JSON"))?
        } else {
            Value::String(text)
        };
        put(&mut fields, &name, value);
    }
    Ok(fields)
}

/// Puts a form's field into the object that its dotted name gives.
fn put(fields: &mut Map<String, Value>, name: &str, value: Value) {
    let mut inside = fields;
    let mut path = name.splitn(DEEPEST, '.').peekable();
    while let Some(name) = path.next() {
        if path.peek().is_none() {
            inside.insert(name.to_owned(), value);
            return;
        }
        match inside.entry(name).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(object) => inside = object,
            _ => return,
        }
    }
}
