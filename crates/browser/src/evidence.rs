//! What a page did on its way into a meeting, as `web/bot/evidence.js` tells it: without a secret.

use serde::Deserialize;

/// A call of the page to Zoom that has ended, or a socket that was opened or closed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ZoomCall {
    /// `GET`, `POST`, or `WEBSOCKET`.
    pub method: String,
    /// The address: host, path and the names in its query. Whatever can be a token is struck out.
    pub url: String,
    /// The HTTP status; 101 for a socket that is open, 0 where there was no answer.
    pub status: u16,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Zoom's tracking id, by which Zoom's support finds the join.
    pub tracking: Option<String>,
    /// The error code in Zoom's answer; 0 means that there is no error.
    pub code: Option<i64>,
    /// Why there was no answer, or why the socket was closed.
    pub error: Option<String>,
}

/// A line of the page's console. Whatever can be a token is struck out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConsoleLine {
    /// `warn` or `error`.
    pub level: String,
    /// The text, shortened.
    pub text: String,
}
