//! `zoom.zak_url` without a valid ZAK: the bot never joins, and reports the cause.

use axum::{
    Router,
    http::{StatusCode, header::LOCATION},
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::get,
};
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::{
    STUDIO, codes,
    test_app::{Plan, TestApp},
    why,
};

/// Token servers with errors, by path.
async fn wrong_servers() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let servers = Router::new()
        .route("/slow", get(async || std::future::pending::<Response>().await))
        .route("/redirect", get(async || Redirect::temporary("/token")))
        .route(
            "/moved",
            get(async || (StatusCode::MOVED_PERMANENTLY, [(LOCATION, "/token")]).into_response()),
        )
        .route("/token", get(async || "never.fetched.token"))
        .route("/broken", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/forbidden", get(async || StatusCode::FORBIDDEN))
        .route("/html", get(async || Html("<!doctype html><p>Sign in")))
        .route("/json", get(async || axum::Json(json!({ "token": "planted" }))))
        .route("/undefined", get(async || "undefined"))
        .route("/pair", get(async || "zak=eyJhbGciOiJIUzI1NiJ9.e30.planted"))
        .route("/large", get(async || vec![b't'; 10 << 20]))
        .route("/nonsense", get(async || "not.a.zak.but.it.looks.like.one.from.afar"));
    TaskTracker::new().spawn(async move { axum::serve(listener, servers).await });
    address
}

#[tokio::test]
async fn a_bot_without_its_zak_does_not_join() {
    let app = TestApp::build(&Plan { capacity: 11, ..STUDIO }).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let servers = wrong_servers().await;
    let vacant = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut bots = Vec::new();
    for (url, sub_code, cause) in [
        (format!("{servers}/slow?s=planted"), "zoom_zak_callback_failed", "no answer within 5 s"),
        (
            format!("http://{vacant}/zak?s=planted"),
            "zoom_zak_callback_failed",
            "the server cannot be reached: it refuses connections",
        ),
        (format!("{servers}/broken?s=planted"), "zoom_zak_callback_failed", "the answer is HTTP 500"),
        (format!("{servers}/forbidden?s=planted"), "zoom_zak_callback_failed", "the answer is HTTP 403"),
        (format!("{servers}/redirect?s=planted"), "zoom_zak_callback_failed", "the answer is a redirect"),
        (format!("{servers}/moved?s=planted"), "zoom_zak_callback_failed", "the answer is a redirect"),
        (format!("{servers}/html?s=planted"), "zoom_zak_rejected", "HTML"),
        (format!("{servers}/json?s=planted"), "zoom_zak_rejected", "JSON"),
        (format!("{servers}/undefined?s=planted"), "zoom_zak_rejected", "undefined"),
        (format!("{servers}/pair?s=planted"), "zoom_zak_rejected", "name=value"),
        (format!("{servers}/large?s=planted"), "zoom_zak_rejected", "longer than 16 KiB"),
    ] {
        let bot = json!({ "meeting_url": meeting.url, "zoom": { "zak_url": url } });
        bots.push((app.bot(bot).await, sub_code, cause));
    }
    for (bot, sub_code, cause) in bots {
        let ended = app.until(&bot, "fatal").await;
        assert_eq!(codes(&ended), ["ready", "joining_call", "fatal"]);
        let (found, words) = why(&ended, "fatal");
        assert_eq!(found, sub_code, "{words}");
        assert!(words.contains("Details: zoom.zak_url: ") && words.contains(cause), "{words}");
        assert!(!words.contains("planted") && !words.contains("127.0.0.1"), "{words}");
    }
    assert_eq!(app.zoom.count("join_requests").await, 0, "no bot joined anonymously");

    // Only Zoom can tell that this is not a ZAK. It refuses it twice: the ZAK was fetched again in between.
    let zoom = json!({ "zak_url": format!("{servers}/nonsense") });
    let bot = json!({ "meeting_url": meeting.url, "zoom": zoom });
    let ended = app.until(&app.bot(bot).await, "fatal").await;
    assert_eq!(why(&ended, "fatal").0, "zoom_zak_rejected");
    assert_eq!(meeting.join_requests().await.len(), 2);
    app.stop().await;
}
