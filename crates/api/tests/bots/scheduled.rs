//! Scheduled bots: prepared early, in the meeting at their time, whatever the clock does.

use std::time::Duration;

use axum::body::Body;
use model::Timestamp;
use serde_json::{Value, json};

use crate::{
    TIMED, codes,
    losses::{processes, send},
    test_app::TestApp,
};

/// Within the time in which a bot is prepared.
const BEFORE: Duration = Duration::from_secs(25);

/// A bot and its join time.
struct Scheduled {
    time: Timestamp,
    id: String,
}

/// A bot that joins the meeting at `url` in 40 s, at [`BEFORE`] that time: its page is open.
async fn made_ready(app: &TestApp, url: &str, zoom: Value) -> Scheduled {
    let time = app.env.now() + Duration::from_secs(40);
    let bot = json!({ "meeting_url": url, "bot_name": "Punctual", "join_at": time, "zoom": zoom });
    let id = app.bot(bot).await;
    app.pass(Duration::from_secs(15)).await;
    ready(app, 1).await;
    assert_eq!(codes(&app.look_at(&id).await), ["ready"]);
    Scheduled { time, id }
}

/// Waits until this many bots have an open page.
async fn ready(app: &TestApp, bots: u32) {
    let line = format!("latchkey_bots_warm {bots}");
    let shown = async || app.get("/metrics").await.text.lines().any(|shown| shown == line).then_some(());
    app.without_time(&line, shown).await;
}

/// The bot joins while the clock stands still.
async fn in_at_once(app: &TestApp, bot: &str) -> Value {
    let inside = async || {
        let bot = app.look_at(bot).await;
        (codes(&bot).last() == Some(&"in_call_not_recording")).then_some(bot)
    };
    app.without_time("the bot is in", inside).await
}

#[tokio::test]
async fn a_scheduled_bot_is_prepared_and_starts_at_its_time() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let account = app.connect(app.zoom.host()).await;
    let bot = made_ready(&app, &meeting.url, json!({ "credential": account })).await;
    assert_eq!(app.zoom.count("zak_mints").await, 0, "a token is fetched when it is needed");
    app.pass(Duration::from_secs(21)).await;
    let fetched = async || (app.zoom.count("zak_mints").await == 1).then_some(());
    app.without_time("its token is fetched", fetched).await;
    assert_eq!(codes(&app.look_at(&bot.id).await), ["ready"]);
    assert!(meeting.join_requests().await.is_empty());

    app.pass(Duration::from_secs(4)).await;
    assert_eq!(app.env.now(), bot.time);
    let inside = in_at_once(&app, &bot.id).await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    assert_eq!(inside["status_changes"][1]["created_at"], json!(bot.time));
    assert_eq!((meeting.join_requests().await.len(), app.zoom.count("zak_mints").await), (1, 1));
    ready(&app, 0).await;
    app.stop().await;
}

#[tokio::test]
async fn a_prepared_bot_can_still_be_changed_and_cancelled() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let changed = made_ready(&app, &meeting.url, json!({})).await;
    let path = |bot: &Scheduled| format!("/api/v1/bot/{}/", bot.id);
    let name = json!({ "bot_name": "Renamed" });
    app.call_as(&app.api_key, "PATCH", &path(&changed), name).await.ok();
    let cancelled = app.bot(json!({ "meeting_url": meeting.url, "join_at": changed.time })).await;
    let cancelled = Scheduled { time: changed.time, id: cancelled };
    app.pass(Duration::from_secs(5)).await;
    ready(&app, 2).await;
    assert_eq!(app.call("DELETE", &path(&cancelled), Body::empty()).await.status, 204);
    ready(&app, 1).await;

    app.pass(Duration::from_secs(20)).await;
    in_at_once(&app, &changed.id).await;
    meeting.person("Renamed").await;
    assert_eq!(meeting.join_requests().await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_early_releases_the_bot_unchanged() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = made_ready(&app, &meeting.url, json!({})).await;
    let next = app.another(&TIMED).await;
    app.stop().await;
    assert_eq!(codes(&next.look_at(&bot.id).await), ["ready"]);
    // In whole steps: just after the time.
    next.pass(bot.time.since(app.env.now()) + Duration::from_secs(1)).await;
    let inside = in_at_once(&next, &bot.id).await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    next.stop().await;
}

#[tokio::test]
async fn a_browser_that_dies_before_the_time_is_replaced_in_time() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = made_ready(&app, &meeting.url, json!({})).await;
    let profiles = std::fs::read_dir(app.profiles()).unwrap().count();
    send("-KILL", &processes(&app.profiles(), "--type=", false));
    let replaced = async || {
        // The folder of the dead browser may still be there for a moment.
        let fresh = std::fs::read_dir(app.profiles()).unwrap().count() >= profiles;
        let shown = app.get("/metrics").await.text;
        (fresh && shown.lines().any(|line| line == "latchkey_bots_warm 1")).then_some(())
    };
    app.without_time("another page is open", replaced).await;
    app.pass(BEFORE).await;
    let inside = in_at_once(&app, &bot.id).await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    app.stop().await;
}

#[tokio::test]
async fn a_clock_set_forward_starts_the_bot() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = made_ready(&app, &meeting.url, json!({})).await;
    app.zoom.control("POST", "clock", json!({ "advance_seconds": 60 })).await;
    app.set_clock(bot.time + Duration::from_secs(20));
    app.pass(Duration::from_secs(1)).await;
    let inside = in_at_once(&app, &bot.id).await;
    // The jump also ended its lease. Whether this server keeps the bot or the next one takes it: only one joins.
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    assert_eq!((meeting.join_requests().await.len(), meeting.people().await.len()), (1, 1));
    app.stop().await;
}

#[tokio::test]
async fn a_clock_set_far_back_releases_the_bot_until_its_time() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = made_ready(&app, &meeting.url, json!({})).await;
    let hour = Duration::from_secs(3600);
    app.set_clock(app.env.now() - hour);
    app.pass(Duration::from_secs(2)).await;
    ready(&app, 0).await;
    assert_eq!(codes(&app.look_at(&bot.id).await), ["ready"]);
    app.set_clock(app.env.now() + hour);
    app.pass(Duration::from_secs(3)).await;
    ready(&app, 1).await;
    app.pass(bot.time.since(app.env.now())).await;
    in_at_once(&app, &bot.id).await;
    assert_eq!(meeting.join_requests().await.len(), 1);
    app.stop().await;
}
