//! What bots show and write.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{
    STUDIO, TIMED, codes,
    meeting_events::{told, until_told},
    studio,
    test_app::{Plan, TestApp},
};

const BLACK: &str = include_str!("../../src/bot/smallest.jpeg.base64");

pub(crate) fn picture() -> Value {
    json!({ "kind": "jpeg", "b64_data": BLACK })
}

async fn video_is(app: &TestApp, number: &str, on: bool) {
    let look = async || {
        let meeting = app.zoom.control("GET", &format!("meetings/{number}"), Value::Null).await;
        let people = meeting["participants"].as_array().unwrap();
        people.iter().any(|person| person["name"] == "Notes" && person["video_on"] == on).then_some(())
    };
    app.wait_for("the bot's camera", look).await;
}

/// The receiver and the text of each message; `null` is everyone.
async fn said(app: &TestApp, number: &str) -> Vec<(Value, String)> {
    let chat = app.zoom.control("GET", &format!("meetings/{number}/chat"), Value::Null).await;
    let message = |message: &Value| (message["to"].clone(), message["text"].as_str().unwrap().to_owned());
    chat.as_array().unwrap().iter().map(message).collect()
}

#[tokio::test]
async fn a_bot_shows_a_picture_that_any_server_can_replace_or_remove() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({ "webrtc_video": true })).await;
    let number = &*meeting.number;
    let shown = json!({ "in_call_recording": picture() });
    let asked = json!({ "meeting_url": meeting.url, "bot_name": "Notes", "automatic_video_output": shown });
    let bot = app.bot(asked).await;
    let path = format!("/api/v1/bot/{bot}/output_video/");
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(inside["automatic_video_output"], json!({ "in_call_recording": { "kind": "jpeg" } }));
    video_is(&app, number, true).await;
    assert_eq!(app.call("DELETE", &path, Body::empty()).await.status, 204);
    video_is(&app, number, false).await;

    // A server that runs no bots receives the call: the bot's own server reads it from the database.
    let other = app.another(&Plan { capacity: 0, ..STUDIO }).await;
    let changed = other.post(&path, picture()).await.ok();
    assert_eq!(changed["id"], bot.as_str());
    video_is(&app, number, true).await;
    let refused = app.post(&path, json!({ "kind": "jpeg", "b64_data": "no picture" })).await.refused();
    assert!(refused["b64_data"][0].as_str().unwrap().contains("base64"), "{refused}");
    let refused = app.post(&path, json!({ "kind": "gif" })).await.refused();
    assert_eq!(refused["b64_data"], json!(["This field is required."]));
    assert!(refused["kind"][0].as_str().unwrap().contains("jpeg"));

    // When the bot leaves, its picture is gone.
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    app.until(&bot, "done").await;
    let late = app.post(&path, picture()).await.refused();
    assert_eq!(late["code"], "cannot_command_completed_bot");
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn a_bot_outside_the_call_cannot_show_pictures_or_send_messages() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let later = json!({ "meeting_url": meeting.url, "join_at": "2099-01-01T00:00:00Z" });
    let bot = app.bot(later).await;
    for (path, body) in [("output_video", picture()), ("send_chat_message", json!({ "message": "Hello" }))] {
        let early = app.post(&format!("/api/v1/bot/{bot}/{path}/"), body).await.refused();
        assert_eq!(early["code"], "cannot_command_unstarted_bot", "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_bot_greets_once_and_sends_messages_for_any_server() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    let number = &*meeting.number;
    meeting.seat("Ada").await;
    let ada = meeting.person("Ada").await["id"].clone();
    let chat = json!({
        "on_bot_join": { "send_to": "everyone", "message": "Hello 👋 <b>you</b>" },
        "on_participant_join": { "message": "Welcome", "exclude_host": true },
    });
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Notes", "chat": chat })).await;
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(inside["chat"], chat);
    let greeted = (Value::Null, "Hello 👋 <b>you</b>".to_owned());
    let look = async || said(&app, number).await.contains(&greeted).then_some(());
    app.wait_for("the greeting", look).await;

    let path = format!("/api/v1/bot/{bot}/send_chat_message/");
    app.post(&path, json!({ "message": "to all" })).await.ok();
    assert_eq!(said(&app, number).await.last(), Some(&(Value::Null, "to all".to_owned())));
    let other = app.another(&Plan { capacity: 0, ..STUDIO }).await;
    other.post(&path, json!({ "message": "to one", "to": ada })).await.ok();
    assert_eq!(said(&app, number).await.last(), Some(&(ada, "to one".to_owned())));

    let refused = app.post(&path, json!({ "message": "x", "to": 1 })).await.refused();
    assert_eq!(refused["code"], "chat_message_refused");
    let refused = app.post(&path, json!({ "message": "x", "pin": true, "to": "nobody" })).await.refused();
    assert!(refused["pin"].is_array() && refused["to"].is_array(), "{refused}");
    let refused = app.post(&path, json!({ "message": "x".repeat(4097) })).await.refused();
    assert!(refused["message"].is_array());

    // When it rejoins, it greets nobody again.
    meeting.cut_line(json!({ "seconds": 3, "name": "Notes" })).await;
    let back = async || {
        let bot = app.look_at(&bot).await;
        (codes(&bot).len() > 3 && *codes(&bot).last().unwrap() == "in_call_not_recording").then_some(())
    };
    app.wait_for("the bot is back", back).await;
    app.post(&path, json!({ "message": "again" })).await.ok();
    let after = said(&app, number).await;
    assert_eq!(after.last(), Some(&(Value::Null, "again".to_owned())));
    assert_eq!(after.iter().filter(|message| **message == greeted).count(), 1);

    // Zoom refuses messages, which the SDK does not report; then nothing is confirmed any more.
    app.zoom.control("PATCH", &format!("meetings/{number}"), json!({ "chat": "nobody" })).await;
    let refused = app.post(&path, json!({ "message": "hush" })).await.refused();
    assert_eq!(refused["code"], "chat_message_unconfirmed");
    other.stop().await;
    app.stop().await;
}

/// A participant who rejoins has a new number at Zoom; callers know them by their first one.
#[tokio::test]
async fn a_message_reaches_a_participant_who_left_and_rejoined() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    let number = &*meeting.number;
    let ada = json!({ "name": "Ada", "guid": "of-ada" });
    meeting.call("POST", "participants", ada.clone()).await;
    let first = meeting.person("Ada").await["id"].clone();
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Notes" })).await;
    until_told(&app, &bot, "join Ada").await;
    meeting.call("POST", &format!("participants/{first}/leave"), json!({})).await;
    until_told(&app, &bot, "leave Ada").await;
    let path = format!("/api/v1/bot/{bot}/send_chat_message/");
    let to_ada = json!({ "message": "to Ada", "to": first });
    let refused = app.post(&path, to_ada.clone()).await.refused();
    assert_eq!(refused["code"], "chat_message_refused");
    meeting.call("POST", "participants", ada).await;
    let now = meeting.person("Ada").await["id"].clone();
    assert_ne!(now, first);
    let is_back = async || (told(&app, &bot).await.last()? == "join Ada").then_some(());
    app.wait_for("the bot knows that Ada is back", is_back).await;
    app.post(&path, to_ada).await.ok();
    assert_eq!(said(&app, number).await, [(now, "to Ada".to_owned())]);
    app.stop().await;
}

/// Participants who join in the bot's first moment or during a rejoin are greeted too, and nobody is greeted twice.
#[tokio::test]
async fn a_late_participant_is_greeted_once() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    let number = &*meeting.number;
    meeting.seat("Ada").await;
    let chat = json!({ "on_participant_join": { "message": "Welcome", "exclude_host": true } });
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Notes", "chat": chat })).await;
    let there = async || meeting.people().await.iter().any(|who| who["name"] == "Notes").then_some(());
    app.wait_for("Zoom has the bot", there).await;
    meeting.seat("At once").await;
    let id = async |name: &str| meeting.person(name).await["id"].clone();
    let mut expected = vec![(id("At once").await, "Welcome".to_owned())];
    let welcomed = async |expected: &[(Value, String)]| {
        let all = async || Some(said(&app, number).await).filter(|said| said.len() >= expected.len());
        assert_eq!(app.wait_for("all are welcomed", all).await, expected);
    };
    welcomed(&expected).await;

    app.zoom
        .control("POST", &format!("meetings/{number}/participants"), json!({ "name": "Hana", "host": true }))
        .await;
    meeting.seat("Bob").await;
    expected.push((id("Bob").await, "Welcome".to_owned()));
    welcomed(&expected).await;

    meeting.cut_line(json!({ "name": "Notes" })).await;
    let lost = async || Some(app.look_at(&bot).await).filter(|bot| codes(bot).len() == 4);
    app.wait_for("the bot has noticed its loss", lost).await;
    meeting.seat("Meanwhile").await;
    expected.push((id("Meanwhile").await, "Welcome".to_owned()));
    meeting.heal_line().await;
    welcomed(&expected).await;
    meeting.seat("Later").await;
    expected.push((id("Later").await, "Welcome".to_owned()));
    welcomed(&expected).await;
    app.stop().await;
}

/// Emoji of several code points, right-to-left text, HTML, and as many combining characters as fit.
#[tokio::test]
async fn a_bots_name_arrives_unchanged() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    let marks = format!("e{}", "\u{301}".repeat(99));
    for name in ["<img src=x onerror=alert(1)> שלום \u{202e}عالم 👩🏽‍🚀", &marks] {
        let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": name })).await;
        app.until(&bot, "in_call_not_recording").await;
        meeting.person(name).await;
        assert_eq!(app.look_at(&bot).await["bot_name"], name);
    }
    app.stop().await;
}

#[tokio::test]
async fn an_invalid_picture_or_greeting_creates_no_bot() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    let shown = json!({ "in_call_not_recording": { "kind": "jpeg", "b64_data": "R0lGODlh" } });
    let chat = json!({ "on_bot_join": { "send_to": "all", "message": "" }, "on_participant_join": {} });
    let asked = json!({ "meeting_url": meeting.url, "automatic_video_output": shown, "chat": chat });
    let refused = app.post("/api/v1/bot/", asked).await.refused();
    assert!(refused["automatic_video_output"]["in_call_not_recording"]["b64_data"].is_array(), "{refused}");
    let greeting = &refused["chat"]["on_bot_join"];
    assert!(greeting["send_to"].is_array() && greeting["message"].is_array(), "{refused}");
    let welcome = &refused["chat"]["on_participant_join"];
    assert_eq!(welcome["exclude_host"], json!(["This field is required."]));
    app.stop().await;
}
