//! The built binary, as a user runs it.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod demo;
mod refusals;
mod serve;
mod sim;
mod support;
