//! How Zoom's real SDK, in a real Chromium, reacts to each frame of the simulator: the marks "O" of the README.
//!
//! If a test fails after an update of the SDK, the table in the README is outdated.

#![expect(clippy::unwrap_used, reason = "a failed step ends the test")]

mod breakout;
mod captions;
mod chat;
mod page;
mod people;
mod refusals;
#[expect(dead_code, reason = "the other test binary uses the rest")]
#[path = "../simulator/support/mod.rs"]
mod support;

use serde_json::{Value, json};
use support::RunningMeeting;

/// Adds a participant without a browser and returns their id.
async fn seat(room: &RunningMeeting, name: &str, more: Value) -> u64 {
    let mut body = json!({"name": name});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    room.post("/participants", body).await["participants"].as_array().unwrap().last().unwrap()["id"]
        .as_u64()
        .unwrap()
}

impl RunningMeeting {
    async fn post(&self, path: &str, body: Value) -> Value {
        self.zoom.control("POST", &format!("/meetings/{}{path}", self.number), body).await
    }

    async fn put(&self, path: &str, body: Value) -> Value {
        self.zoom.control("PUT", &format!("/meetings/{}{path}", self.number), body).await
    }

    /// Changes a participant's activity.
    async fn does(&self, id: u64, changes: Value) {
        self.zoom.control("PATCH", &format!("/meetings/{}/participants/{id}", self.number), changes).await;
    }

    /// The roster entry of a participant, as the control API shows it.
    async fn entry(&self, name: &str) -> Value {
        let meeting = self.show().await;
        meeting["participants"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["name"] == name)
            .unwrap()
            .clone()
    }
}
