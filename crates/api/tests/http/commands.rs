//! Commands to bots, where no browser is needed for them.

use axum::body::Body;
use serde_json::json;

use crate::{
    PLAN, app,
    test_app::{Plan, TestApp, last_step},
};

const MEETING: &str = "https://zoom.us/j/81234567890";

#[tokio::test]
async fn a_bot_that_has_not_begun_is_called_off_or_refused() {
    let app = app().await;
    let bot = app.bot(json!({ "meeting_url": MEETING })).await;
    let answer = app.call("POST", &format!("/api/v1/bot/{bot}/leave_call/"), Body::empty()).await.ok();
    assert_eq!(answer["id"], bot);
    assert_eq!(last_step(&answer)["code"], "ready", "nobody has taken it yet");
    let scheduled = app.bot(json!({ "meeting_url": MEETING, "join_at": "2040-01-01T00:00:00Z" })).await;
    let answer = app.post(&format!("/api/v1/bot/{scheduled}/leave_call/"), json!({})).await;
    let detail = "This bot has not started yet.";
    assert_eq!(answer.refused(), json!({ "code": "cannot_command_unstarted_bot", "detail": detail }));
}

/// A bot that is cancelled before a server took it goes straight to its end.
#[tokio::test]
async fn a_bot_that_was_called_off_never_joins() {
    let app = app().await;
    let bot = app.bot(json!({ "meeting_url": MEETING })).await;
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();

    let working = app.another(&Plan { capacity: 1, ..PLAN }).await;
    let bot = working.until(&bot, "done").await;
    let steps = bot["status_changes"].as_array().unwrap();
    let codes: Vec<_> = steps.iter().map(|step| step["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["ready", "call_ended", "done"]);
    assert_eq!(steps[1]["sub_code"], "bot_received_leave_call");
    working.stop().await;
}

#[tokio::test]
async fn a_bot_that_has_ended_takes_no_commands() {
    let app = TestApp::build(&Plan { capacity: 1, ..PLAN }).await;
    let bot = app.bot(json!({ "meeting_url": MEETING })).await;
    let ended = app.until(&bot, "fatal").await;
    let last = last_step(&ended);
    assert_eq!(last["sub_code"], "failed_to_launch_in_time");
    let details = "Details: no Chromium at /nowhere/chromium: install Debian's `chromium` package, or set browser.chromium";
    assert!(last["message"].as_str().unwrap().ends_with(details), "{last}");
    assert_eq!(app.pictures(&bot).await, [[0_u8; 0]; 0]);
    let answer = app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await;
    let detail = "This bot has ended.";
    assert_eq!(answer.refused(), json!({ "code": "cannot_command_completed_bot", "detail": detail }));
    assert_eq!(app.look_at(&bot).await, ended, "and nothing has changed");
    app.stop().await;
}

#[tokio::test]
async fn recording_is_not_pretended() {
    let app = app().await;
    let bot = app.bot(json!({ "meeting_url": MEETING })).await;
    for command in [
        "request_recording_permission",
        "start_recording",
        "stop_recording",
        "pause_recording",
        "resume_recording",
    ] {
        let answer = app.post(&format!("/api/v1/bot/{bot}/{command}/"), json!({})).await;
        let detail = "Bots do not record here.";
        assert_eq!(answer.refused(), json!({ "code": "not_supported", "detail": detail }), "{command}");
        assert_eq!(app.post(&format!("/api/v1/bot/x/{command}/"), json!({})).await.status, 404);
    }
}
