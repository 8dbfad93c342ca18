//! Answers to requests: a body with tokens, or a refusal, each in the form of a dialect.

use http::StatusCode;
use serde::Serialize;

/// A body, in the dialect of a link. It may contain tokens, so it can't be printed.
pub struct Content {
    /// The media type.
    pub media_type: &'static str,
    /// The text.
    pub text: String,
}

impl Content {
    pub(crate) fn plain(text: String) -> Self {
        Self { media_type: "text/plain; charset=utf-8", text }
    }

    pub(crate) fn json(body: &impl Serialize) -> Self {
        let text = serde_json::to_string(body).expect("text keys");
        Self { media_type: "application/json", text }
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("media_type", &self.media_type).finish_non_exhaustive()
    }
}

/// A refusal in a dialect.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status, if the dialect's differs from the code's own.
    pub status: Option<StatusCode>,
    /// The `WWW-Authenticate` header.
    pub challenge: Option<&'static str>,
    /// The body.
    pub body: RefusalBody,
}

/// The body of a refusal.
#[derive(Debug)]
pub enum RefusalBody {
    /// In the dialect's own form.
    Own(Content),
    /// In the form of the API's errors, for people.
    LikeTheApi(String),
}
