//! Participants, active speakers, shared screens and recordings.

use serde_json::json;

use crate::page::{joined, joined_in};
use crate::seat;

#[tokio::test]
async fn changes_of_a_participant_emit_user_updated() {
    let (room, mut page) = joined(json!({})).await;
    let ada = seat(&room, "Ada", json!({"host": true})).await;
    let bob = seat(&room, "Bob", json!({"audio": "computer"})).await;
    let added = page.hears_that("user-added", |value| value[0]["userId"] == bob).await;
    assert_eq!(
        (&added[0]["displayName"], &added[0]["audio"]),
        (&json!("Bob"), &json!("")),
        "first without audio"
    );
    for (change, field, value) in [
        (json!({"muted": false}), "muted", json!(false)),
        (json!({"audio": "phone"}), "audio", json!("phone")),
        (json!({"muted": true}), "muted", json!(true)),
        (json!({"video_on": true}), "bVideoOn", json!(true)),
        (json!({"video_on": false}), "bVideoOn", json!(false)),
        (json!({"raised_hand": true}), "bRaiseHand", json!(true)),
        (json!({"co_host": true}), "bCoHost", json!(true)),
        (json!({"name": "Robert"}), "displayName", json!("Robert")),
    ] {
        room.does(bob, change.clone()).await;
        assert_eq!(page.hears_update(bob, field).await, value, "{change}");
    }
    room.does(bob, json!({"host": true})).await;
    let passed = page.hears_that("user-updated", |value| value.as_array().unwrap().len() == 2).await;
    let host = |id: u64| {
        passed.as_array().unwrap().iter().find(|entry| entry["userId"] == id).unwrap()["isHost"].clone()
    };
    assert_eq!((host(ada), host(bob)), (json!(false), json!(true)));
    room.post(&format!("/participants/{bob}/leave"), json!(null)).await;
    assert_eq!(page.hears("user-removed").await[0]["userId"], bob);
}

#[tokio::test]
async fn the_bot_is_notified_of_its_new_role() {
    let (room, mut page) = joined(json!({})).await;
    let bot = room.entry("Bot").await["id"].as_u64().unwrap();
    assert_eq!(page.call(&format!("client.rename('Guest', {bot})")).await, Ok(json!("")), "as a guest");
    room.does(bot, json!({"co_host": true})).await;
    page.until("client.isCoHost()").await;
    room.does(bot, json!({"co_host": false, "host": true})).await;
    page.until("client.isHost()").await;
    assert_eq!(page.call(&format!("client.rename('Notes', {bot})")).await, Ok(json!("")));
    assert_eq!(room.entry("Notes").await["id"], bot);
    page.call("client.lockMeeting(true)").await.unwrap();
    assert_eq!(room.show().await["locked"], true);
}

#[tokio::test]
async fn speaking_emits_active_speaker() {
    let (room, mut page) = joined(json!({})).await;
    let ada = seat(&room, "Ada", json!({})).await;
    let bob = seat(&room, "Bob", json!({})).await;
    page.hears_that("user-added", |value| value[0]["userId"] == bob).await;
    room.put("/active-speakers", json!({"participants": [ada, bob]})).await;
    let both = json!([{"userId": ada, "displayName": "Ada"}, {"userId": bob, "displayName": "Bob"}]);
    assert_eq!(page.hears("active-speaker").await, both);
    room.post(&format!("/participants/{ada}/leave"), json!(null)).await;
    assert_eq!(page.hears("active-speaker").await, json!([{"userId": bob, "displayName": "Bob"}]));
    room.put("/active-speakers", json!({"participants": []})).await;
    assert_eq!(page.hears("active-speaker").await, json!([]));
}

#[tokio::test]
async fn sharing_emits_peer_share_state_change() {
    let (room, mut page) = joined(json!({})).await;
    let bob = seat(&room, "Bob", json!({})).await;
    for (sharing, action) in [("on", "Start"), ("paused", "Pause"), ("on", "Resume"), ("off", "Stop")] {
        room.does(bob, json!({"sharing": sharing})).await;
        let change = page.hears("peer-share-state-change").await;
        assert_eq!((&change["userId"], &change["action"]), (&json!(bob), &json!(action)));
    }
    // What a person would see on the screen.
    room.does(bob, json!({"sharing": "on"})).await;
    page.until("document.body.innerText.includes(\"You are viewing Bob's screen\")").await;
}

#[tokio::test]
async fn recordings_emit_events() {
    let (room, mut page) = joined(json!({})).await;
    let bob = seat(&room, "Bob", json!({})).await;
    for (status, word) in [("on", "Recording"), ("paused", "Paused"), ("off", "Stopped")] {
        room.put("/recording", json!({"status": status})).await;
        assert_eq!(page.hears("recording-change").await, word);
    }
    for (status, number) in [("on", 1), ("paused", 2), ("off", 0)] {
        room.does(bob, json!({"local_recording": status})).await;
        let change = page.hears("local-recording-change").await;
        assert_eq!((&change["userId"], &change["bLocalRecord"]), (&json!(bob), &json!(number)));
    }
}

/// The bot's own camera: others see that it is on, and a host can stop it.
#[tokio::test]
async fn a_camera_is_visible_and_can_be_stopped() {
    let (room, mut page) = joined_in("gallery", json!({"webrtc_video": true})).await;
    let bot = room.entry("Bot").await["id"].as_u64().unwrap();
    page.hears_that("user-updated", |value| value[0]["bVideoConnect"] == true).await;
    page.until("press('Start Video')").await;
    assert_eq!(page.hears_that("user-updated", |value| value[0]["bVideoOn"] == true).await[0]["userId"], bot);
    assert_eq!(room.entry("Bot").await["video_on"], true);
    room.does(bot, json!({"video_on": false})).await;
    page.hears_that("user-updated", |value| value[0]["bVideoOn"] == false).await;
    assert_eq!(room.entry("Bot").await["video_on"], false);
    assert!(page.screenshot().await.starts_with(b"\x89PNG"));
}
