//! Captions.

use serde_json::json;

use crate::page::{Page, joined, joined_in};
use crate::seat;

/// Must be called once connected: before that, the SDK subscribes to nothing.
async fn listen(page: &mut Page) {
    page.call("listen('caption-message')").await.unwrap();
}

#[tokio::test]
async fn captions_grow_and_become_final() {
    let (room, mut page) = joined_in("gallery", json!({})).await;
    let ada = seat(&room, "Ada", json!({})).await;
    page.hears("user-added").await;
    page.until(&format!("client.getAttendeeslist().some((one) => one.userId === {ada})")).await;
    listen(&mut page).await;
    let unasked = room.post("/captions", json!({"from": ada, "text": "Nobody has asked."})).await;
    assert_eq!(unasked["sent_to"], 0);
    page.until("press('Show Captions')").await;
    page.until("Boolean(document.querySelector('button[title=\"Hide Captions\"]'))").await;
    assert_eq!(room.entry("Bot").await["wants_captions"], true);

    for (text, is_final) in [
        ("helo", false),
        ("hello wörld", false),
        ("hello wörld 👩 and", false),
        ("Hello, wörld 👩 and all.", true),
    ] {
        let caption = json!({"from": ada, "caption_id": "c1", "text": text, "final": is_final});
        assert_eq!(room.post("/captions", caption).await["sent_to"], 1);
        let heard = page.hears("caption-message").await;
        assert_eq!((&heard["text"], &heard["done"]), (&json!(text), &json!(is_final)));
        assert_eq!(
            (&heard["userId"], &heard["displayName"], &heard["msgId"]),
            (&json!(ada), &json!("Ada"), &json!("c1"))
        );
        assert_eq!((&heard["language"], &heard["source"]), (&json!(400), &json!(4)));
    }
    room.post("/captions", json!({"from": ada, "text": "At once.", "language": 0})).await;
    let heard = page.hears("caption-message").await;
    assert_eq!(
        (&heard["text"], &heard["done"], &heard["language"]),
        (&json!("At once."), &json!(true), &json!(0))
    );

    room.change(json!({"captions": "disabled_by_host"})).await;
    let refused = room.post("/captions", json!({"from": ada, "text": "Unheard."})).await;
    assert_eq!(refused["sent_to"], 0);
}

/// Without the account's options the SDK subscribes to nothing, and reports it only on the console.
#[tokio::test]
async fn an_account_without_captions_sends_none() {
    let (room, mut page) = joined(json!({"captions": "not_offered"})).await;
    let ada = seat(&room, "Ada", json!({})).await;
    page.hears("user-added").await;
    room.zoom.control("PATCH", "/switches", json!({"unasked_captions": true})).await;
    listen(&mut page).await;
    let caption = json!({"from": ada, "text": "Unheard."});
    assert_eq!(room.post("/captions", caption).await["sent_to"], 0);
}
