//! Bots from the request to their end: Zoom's real SDK, in a real Chromium, with the simulated Zoom.
//!
//! `SCREENSHOTS=<folder>` stores the screenshots for a person to look at.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "../test_app/mod.rs"]
mod test_app;

#[path = "../http/recall.rs"]
mod recall;

mod browsers;
mod callbacks;
mod ends;
mod evidence;
mod leaving;
mod losses;
mod meeting_events;
mod meetings;
mod missing_browsers;
mod obf_tokens;
mod outputs;
mod pools;
mod recording;
mod refusals;
mod registrations;
mod restarts;
mod scheduled;
mod sign_in;
mod signing;
mod sub_code_coverage;
mod waiting;

use serde_json::Value;
use test_app::{Plan, TestApp};

/// It runs bots, is reached at its own listener, and may call servers on this machine.
const STUDIO: Plan = Plan {
    public_base: None,
    chromium: "chromium",
    capacity: 4,
    networks: &["127.0.0.0/8"],
    manual: false,
    ..Plan::WITHOUT_BOTS
};

/// With a clock that moves only on command.
const TIMED: Plan = Plan { manual: true, ..STUDIO };

async fn studio() -> TestApp {
    TestApp::build(&STUDIO).await
}

/// The codes of a bot's status changes.
fn codes(bot: &Value) -> Vec<&str> {
    bot["status_changes"].as_array().unwrap().iter().map(|step| step["code"].as_str().unwrap()).collect()
}

/// The sub code and message of a bot's last status change with this code.
fn why<'a>(bot: &'a Value, code: &str) -> (&'a str, &'a str) {
    let steps = bot["status_changes"].as_array().unwrap();
    let step =
        steps.iter().rfind(|step| step["code"] == code).unwrap_or_else(|| panic!("no {code}: {steps:#?}"));
    (step["sub_code"].as_str().unwrap_or(""), step["message"].as_str().unwrap_or(""))
}

/// Stores a bot's last screenshot in `SCREENSHOTS`.
fn show(name: &str, pictures: &[Vec<u8>]) {
    if let (Some(folder), Some(picture)) = (std::env::var_os("SCREENSHOTS"), pictures.last()) {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
    }
}

/// Only the API.
fn pages(_: &api::State, _: &url::Url, _: &test_app::Zoom) -> axum::Router {
    axum::Router::new()
}
