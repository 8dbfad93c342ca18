//! The simulator as its callers use it: over HTTP and WebSocket, in this process, on any free port.

#![expect(clippy::unwrap_used, reason = "a failed step ends the test")]

mod breakout;
mod control;
mod faults;
mod gate;
mod in_meeting;
mod limits;
mod meetings;
mod oauth;
mod people;
mod registration;
mod rest;
mod script;
mod support;
mod talk;
mod vouched;
mod webhooks;
