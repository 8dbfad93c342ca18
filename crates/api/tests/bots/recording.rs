//! The permission to record: `zoom.join_token_url`.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, http::StatusCode, routing::get};
use serde_json::{Value, json};

use crate::{
    obf_tokens::{Tokens, serve},
    studio,
    test_app::CLIENT_ID,
    why,
};

#[tokio::test]
async fn a_bot_joins_with_a_join_token_or_without_one_if_there_is_none() {
    let app = studio().await;
    let scopes = json!({ "scopes": ["user:read:user", "meeting:read:local_recording_token"] });
    app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), scopes).await;
    let account = app.connect(app.zoom.host()).await;
    let path = format!("/api/v2/zoom-oauth-credentials/{account}/access-token/");
    let access = app.get(&path).await.ok()["token"].as_str().unwrap().to_owned();
    let meeting = app.zoom.meeting(json!({})).await;
    let path = format!("/v2/meetings/{}/jointoken/local_recording", meeting.number);
    let good = Tokens::serve(vec![app.zoom.token(&path, &access).await]).await;
    let forged = Tokens::serve(vec!["not.a.jointoken.but.it.looks.like.one.from.afar".into()]).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let hang = async move || {
        counting.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<String>().await
    };
    let none = serve(
        Router::new()
            .route("/hangs", get(hang))
            .route("/word", get(async || "undefined"))
            .route("/none", get(async || StatusCode::NOT_FOUND))
            .route("/json", get(async || axum::Json(json!({ "token": "planted" })))),
    )
    .await;

    let mut bots = Vec::new();
    for (name, url) in [
        ("Scribe", good.url.clone()),
        ("Listener", format!("{none}/none")),
        ("Patient", format!("{none}/hangs")),
    ] {
        let zoom = json!({ "join_token_url": url });
        bots.push(app.bot(json!({ "meeting_url": meeting.url, "bot_name": name, "zoom": zoom })).await);
    }
    for bot in &bots {
        app.until(bot, "in_call_not_recording").await;
    }
    assert_eq!(good.given(), 1);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the callback is not called a second time");
    assert_eq!(meeting.person("Scribe").await["privilege"], "local_recording");
    assert_eq!(meeting.person("Listener").await["privilege"], Value::Null, "it joined without the privilege");

    let joins = meeting.join_requests().await.len();
    for path in ["json", "word"] {
        let zoom = json!({ "join_token_url": format!("{none}/{path}") });
        let bot = app.bot(json!({ "meeting_url": meeting.url, "zoom": zoom })).await;
        let ended = app.until(&bot, "fatal").await;
        let (sub_code, words) = why(&ended, "fatal");
        assert_eq!(sub_code, "zoom_invalid_join_token");
        assert!(words.contains("Details: zoom.join_token_url: ") && !words.contains("planted"), "{words}");
    }
    assert_eq!(meeting.join_requests().await.len(), joins, "it did not join");

    let zoom = json!({ "join_token_url": forged.url });
    let ended = app.until(&app.bot(json!({ "meeting_url": meeting.url, "zoom": zoom })).await, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_invalid_join_token");
    assert!(words.ends_with("the token came from zoom.join_token_url"), "{words}");
    assert_eq!(forged.given(), 2, "fetched again, once");
    app.stop().await;
}
