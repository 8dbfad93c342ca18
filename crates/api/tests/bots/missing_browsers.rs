//! A missing browser, and more bots than slots.

use serde_json::json;

use crate::{
    STUDIO, codes,
    test_app::{Plan, TestApp, within},
    why,
};

#[tokio::test]
async fn bots_beyond_the_capacity_wait_for_a_seat() {
    let app = TestApp::build(&Plan { capacity: 1, ..STUDIO }).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let first = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "First" })).await;
    let second = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Second" })).await;
    app.until(&first, "in_call_not_recording").await;
    assert_eq!(codes(&app.look_at(&second).await), ["ready"]);
    app.post(&format!("/api/v1/bot/{first}/leave_call/"), json!({})).await.ok();
    app.until(&second, "in_call_not_recording").await;
    assert_eq!(codes(&app.look_at(&first).await).last(), Some(&"done"));
    assert_eq!(meeting.people().await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn without_a_chromium_a_bot_says_what_to_install() {
    let app = TestApp::build(&Plan { chromium: "no-such-chromium", ..STUDIO }).await;
    let bot = app.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890" })).await;
    let ended = app.until(&bot, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "failed_to_launch_in_time");
    let details = "Details: no Chromium at no-such-chromium: install Debian's `chromium` package, or set browser.chromium";
    assert!(words.ends_with(details), "{words}");
    within(app.stop()).await;
}
