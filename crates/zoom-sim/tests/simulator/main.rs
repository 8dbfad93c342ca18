//! The simulator, spoken to as its callers do: HTTP and WebSocket, in this process, any free port.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

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
