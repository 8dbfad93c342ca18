//! Commands to bots that need no browser.

use axum::body::Body;
use model::BotStatus;
use serde_json::{Value, json};

use crate::{
    PLAN, app,
    test_app::{Plan, TestApp, last_step},
};

const MEETING: &str = "https://zoom.us/j/81234567890";

#[tokio::test]
async fn leave_call_cancels_a_due_bot_and_refuses_a_scheduled_one() {
    let app = app().await;
    let bot = app.bot(json!({ "meeting_url": MEETING })).await;
    let answer = app.call("POST", &format!("/api/v1/bot/{bot}/leave_call/"), Body::empty()).await.ok();
    assert_eq!(answer["id"], bot);
    assert_eq!(last_step(&answer)["code"], "ready", "no server has taken it yet");
    let scheduled = app.bot(json!({ "meeting_url": MEETING, "join_at": "2040-01-01T00:00:00Z" })).await;
    let answer = app.post(&format!("/api/v1/bot/{scheduled}/leave_call/"), json!({})).await;
    let detail = "This bot has not started yet.";
    assert_eq!(answer.refused(), json!({ "code": "cannot_command_unstarted_bot", "detail": detail }));
}

/// A bot that is cancelled before a server takes it ends immediately.
#[tokio::test]
async fn a_cancelled_bot_never_joins() {
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
async fn recording_commands_are_refused() {
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

/// One pixel each.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const WEBP: &str = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==";
const JPEG: &str = include_str!("../../src/bot/smallest.jpeg.base64");

/// Recall refuses pictures other than JPEG: the answers say that a picture was converted, at once and later.
#[tokio::test]
async fn a_picture_converted_to_jpeg_is_reported() {
    let app = app().await;
    let (bot, lease) = app.leased(json!({ "meeting_url": MEETING })).await;
    app.step(&bot, &lease, BotStatus::JoiningCall, None).await;
    app.step(&bot, &lease, BotStatus::InCallNotRecording, None).await;
    let path = format!("/api/v1/bot/{}/output_video/", bot.id);
    for (kind, data, from) in [
        ("png", PNG, json!("png")),
        ("webp", WEBP, json!("webp")),
        ("jpeg", PNG, json!("png")),
        ("jpeg", JPEG, Value::Null),
    ] {
        let picture = json!({ "kind": kind, "b64_data": data });
        let shown = app.post(&path, picture.clone()).await.ok();
        assert_eq!(shown["latchkey_converted_from"], from, "{kind}");
        assert!(app.store.picture(bot.id).await.unwrap().is_some());
        let asked =
            json!({ "meeting_url": MEETING, "automatic_video_output": { "in_call_not_recording": picture } });
        let made = app.post("/api/v1/bot/", asked).await.created();
        let echo = &made["automatic_video_output"]["in_call_not_recording"];
        assert_eq!((&echo["kind"], &echo["converted_from"]), (&json!("jpeg"), &from));
    }
}
