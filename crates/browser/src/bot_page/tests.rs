//! Tests the page's layout while a screenshot is taken, and at other times. A script reads the layout, because a screenshot
//! would change it.

#[path = "../../tests/support/mod.rs"]
mod support;

use serde_json::{Value, json};

use super::BotPage;
use support::{World, until};

use crate::{PageEvent, SdkMeetingEvent};

/// A script that returns what a viewer sees: the names, the view, and whether anything is cut off or covered.
const SEEN: &str = "(() => {
    const visible = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
    const fits = ({ left, top, right, bottom }) =>
        Math.round(left) >= 0 && Math.round(top) >= 0 && Math.round(right) <= innerWidth && Math.round(bottom) <= innerHeight;
    return {
        names: visible('video-player-container li').map((tile) => tile.innerText.trim()).sort(),
        fits: visible('[role=region], video-player-container li').every((part) => fits(part.getBoundingClientRect())),
        tips: visible('[role=tooltip]').length,
        minimized: visible('#suspension-view-tabpanel-minimized-minimized').length === 1,
    };
})()";

async fn seen(page: &BotPage) -> Value {
    page.tab.evaluate(SEEN).await.unwrap()
}

async fn pose(page: &BotPage) {
    page.tab.call_on(&page.bot, "function() { return this.pose() }", &[]).await.unwrap();
}

/// The simulator allows reactions, as real accounts probably do. So the gallery would use most of a core.
#[tokio::test]
async fn a_bot_stays_minimized_and_shows_all_participants_in_a_screenshot() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    world.seat(&meeting, "Ada").await;
    world.seat(&meeting, "Grace").await;
    let mut bot = world.bot_in(&meeting, "Notes").await;
    let resting = json!({ "names": [], "fits": true, "tips": 0, "minimized": true });
    assert_eq!(seen(&bot).await, resting);

    pose(&bot).await;
    let posing = json!({ "names": ["Ada", "Grace", "Notes"], "fits": true, "tips": 0, "minimized": false });
    assert_eq!(seen(&bot).await, posing);
    bot.screenshot().await.unwrap();
    assert_eq!(seen(&bot).await, resting);

    // After a reconnect the page is minimized, whatever view it had before.
    pose(&bot).await;
    world.control(&format!("meetings/{meeting}/drop-sockets"), json!({})).await;
    until(&mut bot, |event| matches!(event, PageEvent::InMeeting { .. })).await;
    bot.screenshot().await.unwrap();
    assert_eq!(seen(&bot).await, resting);
    world.browser.close().await;
}

#[tokio::test]
async fn a_screenshot_of_many_participants_shows_a_full_gallery_page() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    for number in 0..12 {
        world.seat(&meeting, &format!("Person {number}")).await;
    }
    let bot = world.bot_in(&meeting, "Notes").await;
    pose(&bot).await;
    let seen = seen(&bot).await;
    let names = seen["names"].as_array().unwrap();
    assert_eq!((names.len(), &seen["fits"]), (9, &json!(true)));
    assert!(names.contains(&json!("Notes")), "{names:?}");
    world.browser.close().await;
}

/// A bot plays no sound, and the SDK's audio decoders would take a third of its memory.
#[tokio::test]
async fn a_bot_loads_no_audio_decoders_and_no_backgrounds() {
    const STATUSES: &str = "['av/audio_simd.min.js', 'av/audio.simd.wasm', 'image/blur.png', 'av/video.mtsimd.wasm'].map((file) => {
        const request = new XMLHttpRequest();
        request.open('HEAD', `/sdk/lib/${file}`, false);
        request.send();
        return request.status;
    })";
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let bot = world.bot_in(&meeting, "Notes").await;
    assert_eq!(bot.tab.evaluate(STATUSES).await.unwrap(), json!([404, 404, 404, 200]));
    world.browser.close().await;
}

/// Neither the page nor Zoom's SDK runs scripts in names and messages of participants, also when they are drawn.
#[tokio::test]
async fn scripts_in_names_and_messages_do_not_run() {
    const RUNS: &str = "document.title = 'run'; alert(1)";
    const WATCH: &str = "window.dialogs = 0; for (const dialog of ['alert', 'confirm', 'prompt']) window[dialog] = () => { dialogs += 1 }";
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let image = format!("<img src=x onerror=\"{RUNS}\">");
    let ada = world.seat_with(&meeting, json!({ "name": image })).await;
    let mut bot = world.browser.open().await.unwrap();
    bot.tab.evaluate(WATCH).await.unwrap();
    let name = format!("<script>{RUNS}</script>");
    bot.join(world.request(&meeting, &name, None)).await.unwrap();
    until(&mut bot, |event| matches!(event, PageEvent::InMeeting { .. })).await;
    pose(&bot).await;
    let names = json!(seen(&bot).await["names"]).to_string();
    assert!(names.contains("onerror"), "names are drawn: {names}");
    bot.tab.evaluate("document.querySelector('button[title=\"Chat\"]')?.click()").await.unwrap();
    for text in [&image, &name, &format!("<svg onload=\"{RUNS}\">")] {
        world.control(&format!("meetings/{meeting}/chat"), json!({ "from": ada, "text": text })).await;
    }
    world
        .change(&format!("meetings/{meeting}/participants/{ada}"), json!({ "name": format!("{image}2") }))
        .await;
    until_told(&mut bot, "onerror").await;
    pose(&bot).await;
    let ran = bot.tab.evaluate("[document.title, window.dialogs]").await.unwrap();
    assert_eq!(ran, json!(["Latchkey bot", 0]));
    // The detection itself works.
    bot.tab.evaluate(RUNS).await.unwrap();
    assert_eq!(bot.tab.evaluate("[document.title, window.dialogs]").await.unwrap(), json!(["run", 1]));
    world.browser.close().await;
}

/// Waits until the page has reported the new name of a participant, and so everything before it.
async fn until_told(bot: &mut BotPage, name: &str) {
    let renamed = |news: &SdkMeetingEvent| match news {
        SdkMeetingEvent::Updated { person } => person.name.as_deref().is_some_and(|new| new.contains(name)),
        _ => false,
    };
    support::within(async {
        loop {
            if let PageEvent::Meeting(news) = bot.event().await
                && news.iter().any(renamed)
            {
                return;
            }
        }
    })
    .await;
}
