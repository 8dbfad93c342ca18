//! Chat rules and limits, and captions, as frames.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::RunningMeeting;

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

#[tokio::test]
async fn the_sender_of_a_forbidden_message_gets_a_refusal() {
    let room = RunningMeeting::with(json!({"chat": "nobody"})).await;
    let bob = room.seat(json!({"name": "Bob"})).await;
    let host = room.seat(json!({"name": "Host", "host": true})).await;
    let mut bot = room.join(&room.anonymous()).await;
    assert_eq!(bot.socket.until(7938).await["chatPriviledge"], 4);
    for (policy, to, result) in [
        ("nobody", 0, 2),
        ("host_only", 0, 2),
        ("host_only", host, 0),
        ("everyone_publicly", 0, 0),
        ("everyone_publicly", bob, 2),
        ("everyone", bob, 0),
        ("everyone", 1, 2),
    ] {
        room.change(json!({"chat": policy})).await;
        bot.socket.say(4135, json!({"text": base64("x"), "destNodeID": to})).await;
        assert_eq!(bot.socket.until(4136).await["result"], result, "{policy} {to}");
    }
    let too_long = base64(&"x".repeat(4097));
    bot.socket.say(4135, json!({"text": too_long, "destNodeID": 0})).await;
    assert_eq!(bot.socket.until(4136).await["result"], 2);
}

#[tokio::test]
async fn all_messages_are_delivered_and_the_last_are_stored() {
    let room = RunningMeeting::with(json!({})).await;
    let bob = room.seat(json!({"name": "Bob"})).await;
    let mut bot = room.join(&room.anonymous()).await;
    for number in 0..1010 {
        room.does("POST", "/chat", json!({"from": bob, "text": number.to_string()})).await;
    }
    for number in 0..1010 {
        assert_eq!(bot.socket.until(7944).await["text"], base64(&number.to_string()));
    }
    let kept = room.does("GET", "/chat", Value::Null).await;
    let kept = kept.as_array().unwrap();
    assert_eq!((kept.len(), &kept[0]["text"]), (1000, &json!("10")));
    assert!(kept[0]["at_unix_ms"].is_i64() && kept[0]["message_id"].is_string());
}

#[tokio::test]
async fn a_caption_is_updated_by_differences() {
    let room = RunningMeeting::with(json!({})).await;
    let bob = room.seat(json!({"name": "Bob"})).await;
    let mut bot = room.join(&room.anonymous()).await;
    assert_eq!(room.does("POST", "/captions", json!({"from": bob, "text": "unasked"})).await["sent_to"], 0);
    bot.socket.say(4285, Value::Null).await;
    assert_eq!(bot.socket.until(7982).await, json!({"status": 1}));
    assert_eq!(bot.socket.until(7985).await["success"], true);
    for (text, is_final, told) in [
        ("👩 helo", false, (2, "👩 helo", 0)),
        ("👩 hello", false, (3, "lo", 8)),
        ("👩 hello you", false, (3, " you", 10)),
        ("Hello, you.", true, (1, "Hello, you.", 0)),
    ] {
        let caption = json!({"from": bob, "caption_id": "c", "text": text, "final": is_final});
        room.does("POST", "/captions", caption).await;
        let frame = bot.socket.until(7983).await;
        assert_eq!(
            (&frame["msgType"], &frame["content"], &frame["pos"]),
            (&json!(told.0), &json!(base64(told.1)), &json!(told.2)),
            "{text}"
        );
        assert_eq!((&frame["nodeId"], &frame["msgId"]), (&json!(bob), &json!("c")));
    }
    let ada = room.seat(json!({"name": "Ada"})).await;
    room.does("POST", "/captions", json!({"from": bob, "caption_id": "d", "text": "x", "final": false}))
        .await;
    let (status, words) =
        room.refuses("POST", "/captions", json!({"from": ada, "caption_id": "d", "text": "y"})).await;
    assert!(status == 400 && words.contains("caption_id"), "{words}");
}

#[tokio::test]
async fn no_captions_are_sent_if_the_host_disabled_them() {
    let room = RunningMeeting::with(json!({"captions": "disabled_by_host"})).await;
    let bob = room.seat(json!({"name": "Bob"})).await;
    let mut bot = room.join(&room.anonymous()).await;
    assert_eq!(bot.socket.until(8011).await["disabled"], true);
    bot.socket.say(4285, Value::Null).await;
    assert_eq!(room.does("POST", "/captions", json!({"from": bob, "text": "x"})).await["sent_to"], 0);
    room.change(json!({"captions": "allowed"})).await;
    assert_eq!(bot.socket.until(8011).await["disabled"], false);
    bot.socket.say(4285, Value::Null).await;
    bot.socket.until(7985).await;
    assert_eq!(room.does("POST", "/captions", json!({"from": bob, "text": "x"})).await["sent_to"], 1);
    let not_offered = RunningMeeting::with(json!({"captions": "not_offered"})).await;
    let info = not_offered.zoom.info(&not_offered.anonymous()).await;
    let options: Value = serde_json::from_str(info["result"]["meetingOptions"].as_str().unwrap()).unwrap();
    assert_eq!(options["isEnableSaveCaptions"], false);
}

/// A client that reads nothing must not fill the memory.
#[tokio::test]
async fn a_client_that_does_not_read_loses_its_socket() {
    let room = RunningMeeting::with(json!({})).await;
    let bob = room.seat(json!({"name": "Bob"})).await;
    let bot = room.join(&room.anonymous()).await;
    let text = "🎉".repeat(4096);
    loop {
        room.does("POST", "/chat", json!({"from": bob, "text": text})).await;
        if room.names().await == ["Bob"] {
            break;
        }
    }
    drop(bot);
}
