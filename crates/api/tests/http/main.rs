//! Every route, tested as callers see it. No bot runs: there is no browser here.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "../test_app/mod.rs"]
mod test_app;

mod access_tokens;
mod account_kinds;
mod accounts;
mod all_routes;
mod api_keys;
mod audit;
mod auth;
mod bearer;
mod bot_log;
mod bounds;
mod callback_secret;
mod change_bot;
mod commands;
mod connections;
mod consent;
mod create_bot;
mod create_bot_contract;
mod create_bot_schema;
mod customer_managed;
mod dialects;
mod docs;
mod email;
mod idempotency;
mod installs;
mod lifecycle;
mod limits;
mod links;
mod list_bots;
mod management;
mod meetings;
mod metrics;
mod openapi;
mod overview;
mod pasted;
mod personal_links;
mod pool_host_seats;
mod pools;
mod readyz;
mod realtime;
mod recall;
mod screenshots;
mod secrets;
mod signatures;
mod tenants;
mod webhook;
mod webhook_endpoints;
mod workers;
mod workspaces;

use test_app::{Plan, TestApp};

/// Bots wait for ever: none runs.
const PLAN: Plan = Plan::WITHOUT_BOTS;

async fn app() -> TestApp {
    TestApp::build(&PLAN).await
}

/// Only the API.
fn pages(_: &api::State, _: &url::Url, _: &test_app::Zoom) -> axum::Router {
    axum::Router::new()
}
