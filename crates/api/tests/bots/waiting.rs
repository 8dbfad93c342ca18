//! Long timeouts, on a manual clock.

use std::time::Duration;

use serde_json::json;

use crate::{TIMED, codes, show, test_app::TestApp, why};

#[tokio::test]
async fn a_bot_waits_for_the_meeting_to_start() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({ "started": false })).await;
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Early" })).await;
    let refused = async || meeting.join_requests().await.pop().filter(|join| join["reason"] == "not_started");
    app.wait_for("the bot has been refused", refused).await;
    meeting.start().await;
    app.pass(Duration::from_secs(10)).await;
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "joining_call", "in_call_not_recording"]);
    let (sub_code, words) = why(&inside, "joining_call");
    assert_eq!(sub_code, "meeting_not_started");
    assert!(words.starts_with("Waiting for the host to start the meeting, until "), "{words}");
    assert_eq!(meeting.join_requests().await.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_bot_waits_for_the_host_only_until_its_timeout() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({ "started": false })).await;
    let leave = json!({ "waiting_room_timeout": 30 });
    let bot = app.bot(json!({ "meeting_url": meeting.url, "automatic_leave": leave })).await;
    let refused = async || meeting.join_requests().await.pop();
    app.wait_for("the bot has been refused", refused).await;
    app.pass(Duration::from_secs(25)).await;
    let ended = app.until(&bot, "fatal").await;
    assert_eq!(why(&ended, "fatal").0, "meeting_not_started");
    let steps = ended["status_changes"].as_array().unwrap();
    let at = |step: usize| steps[step]["created_at"].as_str().unwrap().parse::<model::Timestamp>().unwrap();
    let waited = at(steps.len() - 1).since(at(1));
    assert!(waited >= Duration::from_secs(30), "it tries once more at the end: {waited:?}");
    let waits = steps
        .iter()
        .filter(|step| step["sub_code"] == "meeting_not_started" && step["code"] == "joining_call");
    assert_eq!(waits.count(), 1, "reported once, however often it tries");
    let pictures = app.pictures(&bot).await;
    // One that shows "no screenshot" counts, if the fast clock exceeded the screenshot's own deadline.
    assert_eq!(pictures.len(), 1, "not one for every attempt");
    show("not-started", &pictures);
    app.stop().await;
}

#[tokio::test]
async fn a_bot_waits_for_a_host_in_another_meeting() {
    let app = TestApp::build(&TIMED).await;
    let account = app.connect(app.zoom.host()).await;
    let other = app.zoom.meeting(json!({})).await;
    let meeting = app.zoom.meeting(json!({ "started": false })).await;
    let zoom = json!({ "credential": account, "start_meeting": true });
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Next", "zoom": zoom })).await;
    let refused = async || meeting.join_requests().await.pop().filter(|join| join["reason"] == "host_busy");
    app.wait_for("the bot has been refused", refused).await;
    other.end().await;
    app.pass(Duration::from_secs(10)).await;
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(why(&inside, "joining_call").0, "zoom_another_meeting_in_progress");
    assert_eq!(meeting.person("Next").await["role"], "host");
    app.stop().await;
}

#[tokio::test]
async fn a_join_without_an_answer_times_out_after_a_minute() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({})).await;
    app.zoom.hold_up("wc_info", 3_600_000).await;
    let bot = app.bot(json!({ "meeting_url": meeting.url })).await;
    let struck = async || (app.zoom.count("faults").await == 1).then_some(());
    app.wait_for("Zoom is asked", struck).await;
    app.pass(Duration::from_secs(55)).await;
    assert_eq!(codes(&app.look_at(&bot).await), ["ready", "joining_call"]);
    let ended = app.until(&bot, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_join_timeout");
    assert!(words.ends_with("Details: no answer to the join within 60 s"), "{words}");
    assert_eq!(app.zoom.count("joins").await, 0);
    app.stop().await;
}
