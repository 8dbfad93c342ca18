//! Breakout rooms, as frames.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::RunningMeeting;

/// The rooms in a 7950 frame.
fn rooms(frame: &Value) -> Value {
    serde_json::from_slice(&STANDARD.decode(frame["proto"].as_str().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn participants_in_another_room_are_neither_seen_nor_heard() {
    let room = RunningMeeting::with(json!({"options": {"isEnableBreakoutRoom": true}})).await;
    let (ada, bob) = (room.seat(json!({"name": "Ada"})).await, room.seat(json!({"name": "Bob"})).await);
    let mut bot = room.join(&room.anonymous()).await;
    bot.socket.until(7937).await;
    room.does("PUT", "/breakout-rooms", json!({"rooms": ["Red", "Blue"]})).await;
    assert_eq!(rooms(&bot.socket.until(7950).await)["ItemList"][1]["MeetingTitle"], "Blue");
    room.does("POST", &format!("/participants/{bob}/move"), json!({"room": "Red"})).await;
    let told = rooms(&bot.socket.until(7950).await);
    assert_eq!(told["ItemList"][0]["ParticipantList"].as_array().unwrap().len(), 1);
    assert_eq!(bot.socket.until(7937).await["remove"], json!([{"id": bob}]));
    assert_eq!(room.show().await["participants"][1]["breakout_room"], "Red");

    for from in [bob, ada] {
        room.does("POST", "/chat", json!({"from": from, "text": "hello"})).await;
    }
    assert_eq!(bot.socket.until(7944).await["destNodeID"], ada, "Bob is not heard");
    room.does("PUT", "/active-speakers", json!({"participants": [ada, bob]})).await;
    assert_eq!(bot.socket.until(12_033).await, json!({"asn1": ada}));
    let (status, words) = room.refuses("POST", "/chat", json!({"from": ada, "to": bob, "text": "x"})).await;
    assert!(status == 400 && words.starts_with("to"), "{words}");
    room.does("DELETE", "/breakout-rooms", Value::Null).await;
    assert_eq!(rooms(&bot.socket.until(7950).await)["ControlStatus"], 4);
    assert_eq!(bot.socket.until(7937).await["add"][0]["id"], bob);
}

/// The SDK does not send its earlier `zoomID`; the token identifies it, and on the way back the name does.
#[tokio::test]
async fn a_move_continues_the_stay_and_skips_the_waiting_room() {
    let options = json!({"isEnableBreakoutRoom": true});
    let room = RunningMeeting::with(json!({"options": options, "waiting_room": true})).await;
    let mut bot = room.join(&room.anonymous()).await;
    room.act(&format!("/participants/{}/admit", bot.id())).await;
    room.does("PUT", "/breakout-rooms", json!({"rooms": ["Red"]})).await;
    room.does("POST", &format!("/participants/{}/move", bot.id()), json!({"room": "Red"})).await;
    let command = bot.socket.until(7949).await;
    assert_eq!((&command["commandType"], &command["targetBID"]), (&json!("joinRequest"), &json!("BO1")));
    let token = command["botoken"].as_str().unwrap();
    let mut inside = room.zoom.rejoin_with(&room.anonymous(), json!({"botk": token})).await;
    assert_eq!(inside.result["zoomID"], bot.result["zoomID"]);
    assert_eq!(inside.result["userGUID"], bot.result["userGUID"]);
    assert_eq!(inside.socket.until(7937).await["add"][0]["bHold"], false);
    let people = room.show().await["participants"].clone();
    assert_eq!((people.as_array().unwrap().len(), &people[0]["breakout_room"]), (1, &json!("Red")));

    room.does("POST", &format!("/participants/{}/move", inside.id()), json!({"room": null})).await;
    assert_eq!(inside.socket.until(7949).await["commandType"], "leaveRequest");
    let mut back = room.join(&room.anonymous()).await;
    assert_eq!(back.result["zoomID"], bot.result["zoomID"]);
    assert_eq!(back.socket.until(7937).await["add"][0]["bHold"], false);
    assert_eq!(room.show().await["participants"][0]["breakout_room"], Value::Null);
}

#[tokio::test]
async fn errors_about_rooms_name_the_field() {
    let room = RunningMeeting::with(json!({})).await;
    let bob = room.seat(json!({"name": "Bob"})).await;
    let open = async |rooms: Value| room.refuses("PUT", "/breakout-rooms", json!({"rooms": rooms})).await;
    assert!(open(json!(["Red"])).await.1.contains("isEnableBreakoutRoom"));
    room.change(json!({"options": {"isEnableBreakoutRoom": true}})).await;
    for names in
        [json!([]), json!(["Red", "Red"]), json!([""]), json!(["x".repeat(33)]), json!(vec!["x"; 51])]
    {
        let (status, words) = open(names).await;
        assert!(status == 400 && words.contains("rooms"), "{words}");
    }
    let path = format!("/participants/{bob}/move");
    for body in [json!({}), json!({"room": "Red"}), json!({"room": null, "colour": "red"})] {
        let (status, words) = room.refuses("POST", &path, body.clone()).await;
        assert!(status == 400 && !words.is_empty(), "{body}: {words}");
    }
    assert_eq!(room.refuses("POST", "/participants/1/move", json!({"room": null})).await.0, 404);
}
