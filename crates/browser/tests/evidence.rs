//! Tests which calls and console lines a page reports while the real SDK joins the simulated Zoom.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use browser::{BotPage, ConsoleLine, JoinToken, PageEvent, ZoomCall};
use model::Secret;
use serde_json::json;
use support::{World, within};

/// The calls and console lines that the page reports until a `wanted` event.
async fn told(bot: &mut BotPage, wanted: impl Fn(&PageEvent) -> bool) -> (Vec<ZoomCall>, Vec<ConsoleLine>) {
    let (mut calls, mut lines) = (Vec::new(), Vec::new());
    within(async {
        loop {
            match bot.event().await {
                PageEvent::Call(call) => calls.push(call),
                PageEvent::Console(line) => lines.push(line),
                event if wanted(&event) => return,
                _ => {}
            }
        }
    })
    .await;
    (calls, lines)
}

#[tokio::test]
async fn the_calls_of_a_join_are_reported_without_secrets() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "passcode": "planted/pass code" })).await;
    let mut request = world.request(&meeting, "Bot", Some(world.zak("host@example.com").await));
    request.passcode = Secret::new("planted/pass code");
    let Some(JoinToken::Zak(zak)) = request.token.clone() else { panic!("no ZAK") };
    let signature = request.signature.clone();
    let mut bot = world.browser.open().await.unwrap();
    assert!(bot.chromium().starts_with("Chromium/"), "{}", bot.chromium());
    bot.join(request).await.unwrap();
    let (calls, lines) = told(&mut bot, |event| matches!(event, PageEvent::InMeeting { .. })).await;
    eprintln!("{calls:#?}\n{lines:#?}");

    let of = |path: &str| calls.iter().find(|call| call.url.contains(path)).unwrap();
    let info = of("/api/v1/wc/info");
    assert_eq!((&*info.method, info.status, info.code), ("POST", 200, Some(0)));
    let socket = of(&format!("/wc/api/{meeting}?"));
    assert_eq!((&*socket.method, socket.status), ("WEBSOCKET", 101));
    assert!(socket.url.contains("rwcAuth=…"), "the names in a query are not redacted: {}", socket.url);
    assert!(socket.tracking.is_some(), "Zoom's support asks for the tracking id");
    let text = format!("{calls:?}{lines:?}");
    for secret in [zak.expose(), signature.expose(), "planted", "pass%20code"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    world.browser.close().await;
}

#[tokio::test]
async fn a_call_that_zoom_refused_is_reported_with_its_code() {
    let world = World::new().await;
    let meeting = world.meeting(json!({ "sign_in": "any" })).await;
    let mut bot = world.browser.open().await.unwrap();
    bot.join(world.request(&meeting, "Bot", None)).await.unwrap();
    let (calls, _) = told(&mut bot, |event| matches!(event, PageEvent::Refused { .. })).await;
    eprintln!("{calls:#?}");
    assert!(calls.iter().any(|call| call.code.is_some_and(|code| code != 0)), "{calls:#?}");
    world.browser.close().await;
}
