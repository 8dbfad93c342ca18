//! The page's calls to Zoom and its console, as `web/bot/evidence.js` reports them: without secrets.

use serde::Deserialize;

/// A call from the page to Zoom that has ended, or a socket that was opened or closed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ZoomCall {
    /// `GET`, `POST`, or `WEBSOCKET`.
    pub method: String,
    /// The URL: host, path and the names in its query. Everything that may be a token is redacted.
    pub url: String,
    /// The HTTP status; 101 for a socket that was opened, 0 if there was no response.
    pub status: u16,
    /// How long the call took, in milliseconds.
    pub ms: u64,
    /// Zoom's tracking id, by which Zoom's support finds the join.
    pub tracking: Option<String>,
    /// The error code in Zoom's response; 0 means that there is no error.
    pub code: Option<i64>,
    /// Why there was no response, or why the socket was closed.
    pub error: Option<String>,
}

/// A line of the page's console. Everything that may be a token is redacted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConsoleLine {
    /// `warn` or `error`.
    pub level: String,
    /// The text, shortened.
    pub text: String,
}
