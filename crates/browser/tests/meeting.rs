//! Zoom's real SDK in a real Chromium joins meetings of the simulated Zoom.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use browser::PageEvent;
use serde_json::json;
use support::{World, next, until};

/// The refusal is reported once: the event after the second join does not repeat the first refusal.
#[tokio::test]
async fn a_meeting_that_requires_sign_in_needs_a_zak() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "sign_in": "any" })).await;
    let mut bot = world.browser.open().await.unwrap();

    bot.join(world.request(&meeting, "Bot", None)).await.unwrap();
    assert_eq!(next(&mut bot).await, PageEvent::Joining);
    let PageEvent::Refused { code: 3051, reason, url } = next(&mut bot).await else { panic!("not refused") };
    assert_eq!(reason, "Require login");
    assert_eq!(url.as_deref(), Some("https://applications.zoom.us/sdkhelper/auth"));

    bot.join(world.request(&meeting, "Bot", Some(world.zak("host@example.com").await))).await.unwrap();
    assert_eq!(next(&mut bot).await, PageEvent::Joining);
    assert_eq!(next(&mut bot).await, PageEvent::Connected);
    assert_eq!(next(&mut bot).await, PageEvent::InMeeting { participants: 0 });
    bot.close().await;
    world.browser.close().await;
}

#[tokio::test]
async fn the_bot_sees_participants_join_and_leaves() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    world.seat(&meeting, "Ada").await;
    let mut bot = world.bot_in(&meeting, "Bot").await;

    world.seat(&meeting, "Grace").await;
    assert_eq!(next(&mut bot).await, PageEvent::Participants { others: 2 });
    let picture = bot.screenshot().await.unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    // The size in the PNG's header.
    assert_eq!(picture[16..24], [1122_u32.to_be_bytes(), 720_u32.to_be_bytes()].concat());
    keep("in-meeting", &picture);

    bot.leave().await.unwrap();
    assert_eq!(next(&mut bot).await, PageEvent::Left);
    world.browser.close().await;
}

/// Zoom's dialogs fade in and its notices slide in after the event. The screenshot waits until nothing moves.
#[tokio::test]
async fn a_screenshot_of_an_end_shows_zooms_reason() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "sign_in": "any" })).await;
    let mut bot = world.browser.open().await.unwrap();
    let blank = bot.screenshot().await.unwrap();
    bot.join(world.request(&meeting, "Bot", None)).await.unwrap();
    until_refused(&mut bot, 3051).await;
    let refused = bot.screenshot().await.unwrap();
    assert_ne!(refused, blank);
    assert_eq!(refused, bot.screenshot().await.unwrap());
    keep("refused", &refused);

    let zak = world.zak("host@example.com").await;
    bot.join(world.request(&meeting, "Bot", Some(zak))).await.unwrap();
    until(&mut bot, |event| matches!(event, PageEvent::InMeeting { .. })).await;
    world.control(&format!("meetings/{meeting}/end"), json!({})).await;
    assert_eq!(next(&mut bot).await, PageEvent::Ended { reason: "ended by host".to_owned(), on_hold: false });
    let ended = bot.screenshot().await.unwrap();
    assert!(ended != blank && ended != refused);
    keep("ended", &ended);
    world.browser.close().await;
}

#[tokio::test]
async fn the_waiting_room_is_not_the_meeting() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "waiting_room": true })).await;
    let mut bot = world.browser.open().await.unwrap();
    bot.join(world.request(&meeting, "Bot", None)).await.unwrap();
    until(&mut bot, |event| *event == PageEvent::Connected).await;
    assert_eq!(next(&mut bot).await, PageEvent::WaitingRoom);
    keep("waiting-room", &bot.screenshot().await.unwrap());

    world.host_does("admit", &meeting, "Bot").await;
    assert_eq!(next(&mut bot).await, PageEvent::InMeeting { participants: 0 });
    world.host_does("hold", &meeting, "Bot").await;
    assert_eq!(next(&mut bot).await, PageEvent::WaitingRoom);
    world.host_does("remove", &meeting, "Bot").await;
    assert_eq!(next(&mut bot).await, PageEvent::Ended { reason: "kicked by host".to_owned(), on_hold: true });
    world.browser.close().await;
}

#[tokio::test]
async fn a_lost_socket_reconnects_and_the_host_ends_the_meeting() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let mut bot = world.bot_in(&meeting, "Bot").await;

    world.control(&format!("meetings/{meeting}/drop-sockets"), json!({})).await;
    assert_eq!(next(&mut bot).await, PageEvent::Reconnecting { reason: Some("failover".to_owned()) });
    assert_eq!(next(&mut bot).await, PageEvent::Connected);
    assert_eq!(next(&mut bot).await, PageEvent::InMeeting { participants: 0 });
    world.control(&format!("meetings/{meeting}/end"), json!({})).await;
    assert_eq!(next(&mut bot).await, PageEvent::Ended { reason: "ended by host".to_owned(), on_hold: false });
    world.browser.close().await;
}

#[tokio::test]
async fn two_bots_in_one_browser_see_each_other() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let mut first = world.bot_in(&meeting, "First").await;
    let mut second = world.bot_in(&meeting, "Second").await;
    assert_eq!(next(&mut first).await, PageEvent::Participants { others: 1 });

    world.host_does("remove", &meeting, "Second").await;
    assert_eq!(
        next(&mut second).await,
        PageEvent::Ended { reason: "kicked by host".to_owned(), on_hold: false }
    );
    assert_eq!(next(&mut first).await, PageEvent::Participants { others: 0 });
    world.browser.close().await;
}

/// Zoom refuses bots before the meeting has started. The same page can try again.
#[tokio::test]
async fn a_meeting_that_has_not_started_can_be_tried_again() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "started": false })).await;
    let mut bot = world.browser.open().await.unwrap();
    bot.join(world.request(&meeting, "Bot", None)).await.unwrap();
    until_refused(&mut bot, 3008).await;

    world.control(&format!("meetings/{meeting}/start"), json!({})).await;
    bot.join(world.request(&meeting, "Bot", None)).await.unwrap();
    until(&mut bot, |event| matches!(event, PageEvent::InMeeting { .. })).await;
    world.browser.close().await;
}

async fn until_refused(bot: &mut browser::BotPage, wanted: i64) {
    assert_eq!(next(bot).await, PageEvent::Joining);
    loop {
        match next(bot).await {
            PageEvent::Connected => {}
            PageEvent::Refused { code, .. } => return assert_eq!(code, wanted),
            other => panic!("unexpected {other:?}"),
        }
    }
}

/// Saves a screenshot for a person to look at, in the folder of `SCREENSHOTS`.
fn keep(name: &str, picture: &[u8]) {
    if let Some(folder) = std::env::var_os("SCREENSHOTS") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
    }
}
