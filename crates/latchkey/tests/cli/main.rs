//! The built binary, as a user runs it.
#![expect(clippy::unwrap_used, reason = "a failed step ends the test")]

mod account;
mod audit;
mod commands;
mod demo;
mod deploy;
mod doctor;
mod environment;
mod guides;
mod keys;
mod postgres;
mod probe;
mod refusals;
mod serve;
#[path = "../../../store-sql/tests/server/mod.rs"]
mod server;
mod sim;
mod store_copy;
mod support;
mod terminal_help;
mod token_link;
mod upgrade;
mod webhook;
mod workspaces_and_keys;
