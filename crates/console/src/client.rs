//! Calls the API with the key of the session.

use std::net::SocketAddr;

use api::InProcess;
use axum::{
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{
        HeaderMap, Method, Request, Response,
        header::{ACCEPT, CONTENT_TYPE},
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use store::ApiKey;

/// The API returns pages of at most a hundred rows.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// Calls the API with one key.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) api: InProcess,
    pub(crate) key: ApiKey,
    pub(crate) peer: Option<SocketAddr>,
}

/// A refusal by the API.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) code: String,
    /// What happened and what to do.
    pub(crate) detail: String,
    /// Errors of fields: the field and its error.
    pub(crate) fields: Vec<(String, String)>,
}

/// A list of the API.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) results: Vec<T>,
    #[serde(default)]
    pub(crate) next: Option<String>,
    #[serde(default)]
    pub(crate) previous: Option<String>,
    #[serde(default)]
    pub(crate) count: Option<u64>,
}

impl<T> List<T> {
    /// The result where a filter names an object that does not exist.
    pub(crate) fn nothing() -> Self {
        Self { results: Vec::new(), next: None, previous: None, count: Some(0) }
    }
}

impl Client {
    /// Reads an object.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refused> {
        typed(self.send(Method::GET, path, None).await?)
    }

    /// The same for an object that may not exist.
    pub(crate) async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Refused> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(refused) if refused.status == 404 => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Value, Refused> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Posts, and reads the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, path: &str, body: Value) -> Result<T, Refused> {
        typed(self.post(path, body).await?)
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Result<Value, Refused> {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<(), Refused> {
        self.send(Method::DELETE, path, None).await.map(drop)
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Refused> {
        let response = self.raw(method, path, body, &HeaderMap::new()).await;
        let status = response.status();
        let bytes = to_bytes(response.into_body(), MAX_ANSWER).await.map_err(|_| Refused::ours())?;
        let value = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).map_err(|_| Refused::ours())?
        };
        // With status 503, `/readyz` still returns its findings.
        if status.is_success() || value.get("findings").is_some() {
            return Ok(value);
        }
        Err(Refused::read(status.as_u16(), value))
    }

    /// The unparsed answer: a picture or a stream.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &HeaderMap,
    ) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for name in [ACCEPT.as_str(), "last-event-id"] {
            if let Some(value) = headers.get(name) {
                request = request.header(name, value);
            }
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let Ok(mut request) = request.body(body) else {
            return Response::builder().status(404).body(Body::empty()).unwrap_or_default();
        };
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        self.api.call(&self.key, request).await
    }
}

fn typed<T: DeserializeOwned>(answer: Value) -> Result<T, Refused> {
    serde_json::from_value(answer).map_err(|error| {
        tracing::error!(error = %model::chain(&error), "the console does not understand an answer of the API");
        Refused::ours()
    })
}

impl Refused {
    fn ours() -> Self {
        let detail = "Something went wrong on this server: see its log.".to_owned();
        Self { status: 500, code: "internal".into(), detail, fields: Vec::new() }
    }

    fn read(status: u16, value: Value) -> Self {
        let Value::Object(body) = value else { return Self { status, ..Self::ours() } };
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if body.get("detail").is_some_and(Value::is_string) {
            return Self { status, code: text("code"), detail: text("detail"), fields: Vec::new() };
        }
        let mut fields = Vec::new();
        complaints("", &body, &mut fields);
        Self { status, code: String::new(), detail: String::new(), fields }
    }

    /// All errors in one line.
    pub(crate) fn words(&self) -> String {
        let fields = self.fields.iter().map(|(name, words)| format!("{name}: {words}"));
        let all: Vec<_> =
            Some(self.detail.clone()).filter(|detail| !detail.is_empty()).into_iter().chain(fields).collect();
        all.join(" ")
    }
}

/// The errors in an answer; fields of inner objects are named `outer.inner`.
fn complaints(prefix: &str, body: &Map<String, Value>, all: &mut Vec<(String, String)>) {
    for (name, value) in body {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(inner) => complaints(&name, inner, all),
            Value::Array(list) => {
                for item in list {
                    match item {
                        Value::String(words) => all.push((name.clone(), words.clone())),
                        Value::Object(inner) => complaints(&name, inner, all),
                        _ => {}
                    }
                }
            }
            Value::String(words) => all.push((name, words.clone())),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Refused;

    #[test]
    fn errors_of_inner_fields_are_found() {
        let body = json!({ "bot_name": ["Too long."], "zoom": { "credential": ["Unknown."] }, "x": [{ "y": ["No."] }] });
        let refused = Refused::read(400, body);
        let said: Vec<_> = refused.fields.iter().map(|(name, words)| format!("{name} {words}")).collect();
        assert_eq!(said, ["bot_name Too long.", "x.y No.", "zoom.credential Unknown."]);
    }
}
