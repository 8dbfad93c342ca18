//! Browsers that crash, are killed, or were never there; and more bots than seats.

use std::{path::Path, process::Command};

use serde_json::json;

use crate::{
    STUDIO, codes,
    house::{House, Plan, within},
    show, studio, why,
};

/// The processes of the browser with its profile in `profiles`, whose command lines hold `kind` or do not.
fn processes(profiles: &Path, kind: &str, wanted: bool) -> Vec<String> {
    let profiles = format!("--user-data-dir={}", profiles.canonicalize().unwrap().display());
    let running = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = running.filter_map(|entry| entry.file_name().into_string().ok());
    let pids = pids.filter(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains(&profiles) && line.contains(kind) == wanted
    });
    pids.collect()
}

fn kill(pids: &[String]) {
    assert!(!pids.is_empty());
    assert!(Command::new("kill").arg("-KILL").args(pids).status().unwrap().success());
}

#[tokio::test]
async fn a_crash_ends_its_bot_and_no_other() {
    let house = studio().await;
    let meeting = house.zoom.meeting(json!({})).await;
    let request = |name: &str| json!({ "meeting_url": meeting.url, "bot_name": name });
    for (kind, wanted, words) in
        [("--type=renderer", true, "the bot's page crashed"), ("--type=", false, "the bot's browser ended")]
    {
        let bot = house.bot(request(words)).await;
        house.until(&bot, "in_call_not_recording").await;
        house.drawn(&bot).await;
        kill(&processes(&house.profiles(), kind, wanted));
        let ended = house.until(&bot, "fatal").await;
        assert_eq!(codes(&ended), ["ready", "joining_call", "in_call_not_recording", "fatal"]);
        assert_eq!(why(&ended, "fatal"), ("bot_errored", words));
        let pictures = house.pictures(&bot).await;
        assert!(!pictures.is_empty(), "an earlier one is kept");
        show("before-a-crash", &pictures);
    }
    let next = house.bot(request("Next")).await;
    house.until(&next, "in_call_not_recording").await;
    house.stop().await;
}

#[tokio::test]
async fn bots_beyond_the_capacity_wait_for_a_seat() {
    let house = House::build(&Plan { capacity: 1, ..STUDIO }).await;
    let meeting = house.zoom.meeting(json!({})).await;
    let first = house.bot(json!({ "meeting_url": meeting.url, "bot_name": "First" })).await;
    let second = house.bot(json!({ "meeting_url": meeting.url, "bot_name": "Second" })).await;
    house.until(&first, "in_call_not_recording").await;
    assert_eq!(codes(&house.look_at(&second).await), ["ready"]);
    house.post(&format!("/api/v1/bot/{first}/leave_call/"), json!({})).await.ok();
    house.until(&second, "in_call_not_recording").await;
    assert_eq!(codes(&house.look_at(&first).await).last(), Some(&"done"));
    assert_eq!(meeting.people().await.len(), 1);
    house.stop().await;
}

#[tokio::test]
async fn without_a_chromium_a_bot_says_what_to_install() {
    let house = House::build(&Plan { chromium: "no-such-chromium", ..STUDIO }).await;
    let bot = house.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890" })).await;
    let ended = house.until(&bot, "fatal").await;
    let advice =
        "no Chromium at no-such-chromium: install Debian's `chromium` package, or set browser.chromium";
    assert_eq!(why(&ended, "fatal"), ("failed_to_launch_in_time", advice));
    within(house.stop()).await;
}
