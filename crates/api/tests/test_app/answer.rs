//! The server's answers.

use axum::{
    body::to_bytes,
    http::{HeaderMap, Response},
};
use serde_json::Value;

/// A completely read answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(super) async fn read(response: Response<axum::body::Body>) -> Self {
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self { status: head.status.as_u16(), headers: head.headers, text, bytes }
    }

    /// An answer from an example in the OpenAPI document.
    pub(crate) fn of_json(status: u16, body: &Value) -> Self {
        let text = body.to_string();
        Self { status, headers: HeaderMap::new(), bytes: text.clone().into_bytes(), text }
    }

    /// The body. The link to the code's page in a refusal is checked and removed here.
    pub(crate) fn json(&self) -> Value {
        let mut body: Value =
            serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text));
        if self.status >= 400
            && let Some(body) = body.as_object_mut()
            && body.contains_key("detail")
        {
            let docs = body.remove("docs");
            if let Some(Value::String(code)) = body.get("code") {
                let docs = docs.as_ref().and_then(Value::as_str).unwrap_or_default();
                assert!(docs.ends_with(&format!("/docs/error-codes#{code}")), "{docs:?} for {code}");
            }
        }
        body
    }

    /// The body of a 200.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// The body of a 201.
    pub(crate) fn created(&self) -> Value {
        assert_eq!(self.status, 201, "{}", self.text);
        self.json()
    }

    /// The body of a 400.
    pub(crate) fn refused(&self) -> Value {
        assert_eq!(self.status, 400, "{}", self.text);
        self.json()
    }

    /// A header; empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
