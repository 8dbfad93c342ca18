//! The console as people meet it: over HTTP, and in the real Chromium.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "../../../api/tests/test_app/mod.rs"]
mod test_app;

mod accounts;
mod bots;
mod chromium;
mod desk;
mod forms;
mod links;
mod sign_in;

use std::time::Duration;

use axum::Router;
use tenants::ConsoleSessions;
use test_app::Plan;
use url::Url;

/// Behind a proxy with a path of its own; bots wait for ever.
const PLAN: Plan = Plan {
    public_base: Some("https://latchkey.test/base"),
    chromium: "/nowhere/chromium",
    capacity: 0,
    networks: &[],
    manual: true,
    rates: None,
    bounds: None,
    metrics_token: None,
    simulated: false,
    show_app_secrets: false,
    bots_elsewhere: true,
    bots_of_a_workspace: 1000,
    fetches_of_a_workspace: 512,
    answer_within: Duration::from_secs(3600),
    come_back_within: Duration::from_secs(300),
    sharing: None,
};

/// The API, and the console beside it.
fn pages(state: &api::State, base: &Url) -> Router {
    console::router(console::Parts {
        api: api::InProcess::new(state.clone()),
        sessions: ConsoleSessions::new(state.store.clone(), state.env.clone()),
        env: state.env.clone(),
        public_base: base.clone(),
        simulated: state.simulated,
    })
}
