//! The client against a fake Zoom on loopback.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy exempts only the tests themselves")]

mod meeting_tokens;
mod meetings;
mod oauth;
mod rest;
mod support;
mod transport;
