//! Which browser a bot's page runs in, and browsers that are replaced.

use std::{num::NonZeroU32, time::Duration};

use bots::BrowserSharing;
use serde_json::{Value, json};

use crate::{
    STUDIO, TIMED, codes,
    losses::processes,
    test_app::{Plan, TestApp},
};

const ONE: NonZeroU32 = NonZeroU32::MIN;
/// Less than any browser needs.
const MEBIBYTE: u64 = 1024 * 1024;

async fn a_bot_in(app: &TestApp, url: &Value) -> String {
    let bot = app.bot(json!({ "meeting_url": url, "bot_name": "Notes" })).await;
    app.until(&bot, "in_call_not_recording").await;
    bot
}

/// Waits until this many browsers run.
async fn browsers(app: &TestApp, count: usize) {
    let running = async || (processes(&app.profiles(), "--type=", false).len() == count).then_some(());
    app.wait_for(&format!("{count} browsers run"), running).await;
}

async fn leave(app: &TestApp, bot: &str) {
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    app.until(bot, "done").await;
}

#[tokio::test]
async fn bots_share_a_browser_until_it_is_full() {
    let sharing =
        BrowserSharing { most_of_a_browser: NonZeroU32::new(2).unwrap(), ..BrowserSharing::default() };
    let app = TestApp::build(&Plan { sharing: Some(sharing), ..STUDIO }).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let url = json!(meeting.url);
    let first = a_bot_in(&app, &url).await;
    a_bot_in(&app, &url).await;
    browsers(&app, 1).await;
    let third = a_bot_in(&app, &url).await;
    browsers(&app, 2).await;
    leave(&app, &first).await;
    leave(&app, &third).await;
    browsers(&app, 1).await;
    app.stop().await;
}

#[tokio::test]
async fn a_bot_can_have_a_browser_that_no_other_has_used() {
    let sharing = BrowserSharing { most_of_a_browser: ONE, ..BrowserSharing::default() };
    let app = TestApp::build(&Plan { sharing: Some(sharing), ..STUDIO }).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let url = json!(meeting.url);
    let first = a_bot_in(&app, &url).await;
    let second = a_bot_in(&app, &url).await;
    browsers(&app, 2).await;
    leave(&app, &first).await;
    browsers(&app, 1).await;
    leave(&app, &second).await;
    browsers(&app, 0).await;
    app.stop().await;
}

#[tokio::test]
async fn a_browser_that_has_grown_gets_no_more_bots_and_ends_with_its_last() {
    let sharing = BrowserSharing { most_memory_of_a_bot: MEBIBYTE, ..BrowserSharing::default() };
    let app = TestApp::build(&Plan { sharing: Some(sharing), ..TIMED }).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let url = json!(meeting.url);
    let first = a_bot_in(&app, &url).await;
    app.pass(Duration::from_secs(11)).await;
    let replaced = async || {
        let metrics = app.get("/metrics").await.text;
        metrics.contains("latchkey_browsers_replaced_total{why=\"grown\"} 1").then_some(())
    };
    app.without_time("the browser is weighed", replaced).await;
    a_bot_in(&app, &url).await;
    browsers(&app, 2).await;
    let steps = codes(&app.look_at(&first).await).len();
    assert_eq!(steps, 3, "the first bot stays in its browser");
    leave(&app, &first).await;
    browsers(&app, 1).await;
    app.stop().await;
}
