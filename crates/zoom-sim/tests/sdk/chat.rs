//! Chat in both directions.

use serde_json::{Value, json};

use crate::page::joined;
use crate::seat;

#[tokio::test]
async fn chat_arrives_with_its_sender() {
    let (room, mut page) = joined(json!({})).await;
    let bot = room.entry("Bot").await["id"].as_u64().unwrap();
    let ada = seat(&room, "Ada <b>1</b> 👩", json!({"host": true})).await;
    page.hears("user-added").await;
    page.until(&format!("client.getAttendeeslist().some((one) => one.userId === {ada})")).await;
    for (to, receiver) in [(Value::Null, 0), (json!(bot), bot)] {
        room.post("/chat", json!({"from": ada, "to": to, "text": "<i>hé</i>"})).await;
        let message = page.hears("chat-on-message").await;
        assert_eq!(message["message"], "<i>hé</i>");
        assert_eq!(message["sender"], json!({"name": "Ada <b>1</b> 👩", "userId": ada}));
        assert_eq!(message["receiver"]["userId"], receiver);
        assert!(message["timestamp"].is_number());
    }
}

#[tokio::test]
async fn the_bot_writes_to_everyone_to_the_host_and_to_one() {
    let (room, mut page) = joined(json!({})).await;
    let bot = room.entry("Bot").await["id"].as_u64().unwrap();
    let ada = seat(&room, "Ada", json!({"host": true})).await;
    let bob = seat(&room, "Bob", json!({})).await;
    page.until(&format!("client.getAttendeeslist().some((one) => one.userId === {bob})")).await;
    for (receiver, to) in
        [("", Value::Null), (&*format!(", {ada}"), json!(ada)), (&*format!(", {bob}"), json!(bob))]
    {
        page.call(&format!("client.sendChat('hello'{receiver})")).await.unwrap();
        let path = format!("/meetings/{}/chat", room.number);
        let chat = room.zoom.control("GET", &path, Value::Null).await;
        let last = chat.as_array().unwrap().last().unwrap();
        assert_eq!((&last["from"], &last["to"], &last["text"]), (&json!(bot), &to, &json!("hello")));
    }
    // The SDK itself enforces some of the policies (the README lists who may write).
    for (policy, all, one, host) in [
        ("host_only", false, false, true),
        ("everyone_publicly", true, false, true),
        ("everyone", true, true, true),
        ("nobody", false, false, false),
    ] {
        room.change(json!({"chat": policy})).await;
        for (receiver, allowed) in
            [(String::new(), all), (format!(", {bob}"), one), (format!(", {ada}"), host)]
        {
            let sent = page.call(&format!("client.sendChat('again'{receiver})")).await;
            assert_eq!(sent.is_ok(), allowed, "{policy}{receiver}: {sent:?}");
        }
    }
    room.change(json!({"chat": "everyone"})).await;
    // After the server has refused one message, the SDK never regards another as sent.
    page.call("client.sendChat('arrives')").await.unwrap_err();
    let chat = room.zoom.control("GET", &format!("/meetings/{}/chat", room.number), Value::Null).await;
    assert_eq!(chat.as_array().unwrap().last().unwrap()["text"], "arrives");
}
