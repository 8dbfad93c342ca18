//! The simulator, spoken to as its callers do: HTTP and WebSocket, in this process, any free port.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod control;
mod faults;
mod gate;
mod limits;
mod meetings;
mod oauth;
mod rest;
mod stay;
mod support;
mod vouched;
mod webhooks;
