//! The console as people use it: over HTTP, and in the real Chromium.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "../../../api/tests/test_app/mod.rs"]
mod test_app;

mod accounts;
mod answers;
mod bots;
mod buttons;
mod chooser;
mod chromium;
mod endpoints;
mod forms;
mod keyboard;
mod links;
mod live;
mod secrets;
mod sign_in;
mod signed_in;
mod story;
mod world;

use axum::Router;
use tenants::ConsoleSessions;
use test_app::Plan;
use url::Url;

/// Bots wait for ever: none runs.
const PLAN: Plan = Plan::WITHOUT_BOTS;

/// The API and the console.
fn pages(state: &api::State, base: &Url, zoom: &test_app::Zoom) -> Router {
    let ready = &zoom.ready;
    let simulator = console::SimulatorAddress {
        control: Url::parse(&ready.control).unwrap(),
        ca_file: ready.ca_file.clone(),
    };
    console::router(console::Parts {
        api: api::InProcess::new(state.clone()),
        sessions: ConsoleSessions::new(state.store.clone(), state.env.clone()),
        env: state.env.clone(),
        public_base: base.clone(),
        simulated: state.simulated,
        simulator: Some(simulator).filter(|_| state.simulated),
    })
}
