//! Breakout rooms.

use serde_json::json;

use crate::page::joined;
use crate::seat;

#[tokio::test]
async fn the_bot_moves_into_a_room_and_back() {
    let (room, mut page) = joined(json!({"options": {"isEnableBreakoutRoom": true}})).await;
    let bot = room.entry("Bot").await["id"].as_u64().unwrap();
    seat(&room, "Ada", json!({})).await;
    let bob = seat(&room, "Bob", json!({})).await;
    room.put("/breakout-rooms", json!({"rooms": ["Red", "Blue"]})).await;
    assert_eq!(page.hears("room-state-change").await["status"], 2);
    room.post(&format!("/participants/{bob}/move"), json!({"room": "Red"})).await;
    assert_eq!(page.hears("user-removed").await[0]["userId"], bob);

    assert_eq!(page.hears("connection-change").await["state"], "Connected");
    room.post(&format!("/participants/{bot}/move"), json!({"room": "Red"})).await;
    let leaves = json!({"state": "Reconnecting", "reason": "join breakout room", "roomName": "Red"});
    assert_eq!(page.hears("connection-change").await, leaves);
    assert_eq!(page.hears("connection-change").await, json!({"state": "Connected"}));
    page.until("client.getAttendeeslist().map((one) => one.displayName).sort().join() === 'Bob,Bot'").await;
    assert_eq!(page.call("client.getCurrentBreakoutRoom().name").await, Ok(json!("Red")));
    assert_eq!(room.entry("Bot").await["breakout_room"], "Red");

    let bot = room.entry("Bot").await["id"].as_u64().unwrap();
    room.post(&format!("/participants/{bot}/move"), json!({"room": null})).await;
    let leaves = json!({"state": "Reconnecting", "reason": "back to main session"});
    assert_eq!(page.hears("connection-change").await, leaves);
    assert_eq!(page.hears("connection-change").await, json!({"state": "Connected"}));
    page.until("client.getAttendeeslist().map((one) => one.displayName).sort().join() === 'Ada,Bot'").await;
    assert_eq!(page.call("client.getUserStatus()").await, Ok(json!("initial")));
    assert_eq!(room.entry("Bot").await["breakout_room"], json!(null));
    room.zoom.control("DELETE", &format!("/meetings/{}/breakout-rooms", room.number), json!(null)).await;
    page.hears_that("room-state-change", |value| value["status"] == 4).await;
}
