//! The broker against a simulated Zoom, over HTTP, with SQLite.
//!
//! No test sleeps: Latchkey's clock stands still until a test advances it. The simulator has its own clock;
//! [`Fixture::pass`](harness::Fixture::pass) advances both.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod audit;
mod breaker;
mod clocks;
mod connect;
mod escrow;
mod harness;
mod import;
mod limits;
mod links;
mod meeting_map;
mod pools;
mod refresh;
mod refresher;
mod registrations;
mod secrets;
mod server_to_server;
mod simulation;
mod webhook_secrets;
mod webhooks;
mod workers;
mod zak;
