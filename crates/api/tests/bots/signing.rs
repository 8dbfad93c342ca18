//! Which app signs a bot's join.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use serde_json::{Value, json};

use crate::{
    TIMED, codes, studio,
    test_app::{CLIENT_ID, TestApp},
    why,
};

const APPS: &str = "/api/v2/zoom-oauth-apps/";

/// Registers another app, which has no SDK enabled.
async fn app_without_sdk(app: &TestApp) -> String {
    let (id, secret) = ("client-without-sdk", "planted-client-secret-2");
    let at_zoom = json!({ "client_id": id, "client_secret": secret, "sdk": false });
    app.zoom.control("POST", "apps", at_zoom).await;
    let zoom_app = json!({ "kind": "user_level", "client_id": id, "client_secret": secret, "webhook_secret": "planted-webhook" });
    app.post(APPS, zoom_app).await.created()["id"].as_str().unwrap().to_owned()
}

fn outcomes(joins: &[Value]) -> Vec<&str> {
    joins.iter().map(|join| join["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_app_that_zoom_refuses_is_skipped_and_the_working_one_is_remembered() {
    let app = studio().await;
    let newest = app_without_sdk(&app).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "First" })).await;
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    let joins = meeting.join_requests().await;
    assert_eq!((joins.len(), outcomes(&joins)[1]), (2, "admitted"), "{joins:?}");

    let log = app.get(&format!("/api/v2/zoom-oauth-app-logs/?oauth_app={newest}")).await.ok();
    let line = log["results"][0]["message"].as_str().unwrap();
    assert!(line.starts_with("put aside for signing joins") && line.contains("client-without-sdk"), "{line}");

    // The next bot uses that knowledge.
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Second" })).await;
    app.until(&bot, "in_call_not_recording").await;
    assert_eq!(meeting.join_requests().await.len(), 3);

    // A bot with that app in its request signs with it, and the error names the app.
    let zoom = json!({ "oauth_app": newest });
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Third", "zoom": zoom })).await;
    let ended = app.until(&bot, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_invalid_signature");
    assert!(words.contains("client id is client-without-sdk"), "{words}");
    app.stop().await;
}

#[tokio::test]
async fn server_to_server_apps_cannot_sign_joins() {
    let app = studio().await;
    app.call("DELETE", &format!("{APPS}{}/", app.zoom_app), Body::empty()).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let none = app.bot(json!({ "meeting_url": meeting.url })).await;
    let ended = app.until(&none, "fatal").await;
    assert_eq!(why(&ended, "fatal").0, "zoom_sdk_credentials_missing");
    assert!(why(&ended, "fatal").1.contains("Details: no Zoom app is registered"), "{ended}");

    let server = json!({ "kind": "server_to_server", "client_id": "server-only", "client_secret": "planted-secret-3",
                         "webhook_secret": "planted-webhook", "account_id": "account-1" });
    app.post(APPS, server).await.created();
    let ended = app.until(&app.bot(json!({ "meeting_url": meeting.url })).await, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_sdk_credentials_missing");
    assert!(
        words.contains("Details: server-to-server apps cannot sign a join") && words.contains("server-only"),
        "{words}"
    );
    assert!(!words.contains(CLIENT_ID), "{words}");
    assert!(meeting.join_requests().await.is_empty());
    app.stop().await;
}

/// Zoom refuses signatures from its future without saying so. The difference of the clocks is unknown until a Zoom answer
/// has had a date.
#[tokio::test]
async fn a_server_with_a_fast_clock_signs_with_zooms_time() {
    // A manual clock runs slower than the simulator's while a browser starts.
    let ahead = Duration::from_secs(600);
    let app = TestApp::build(&TIMED).await;
    app.jump(ahead);
    let log = tempfile::NamedTempFile::new().unwrap();
    let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::new(log.reopen().unwrap()));
    let logging = tracing::subscriber::set_default(lines.finish());
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Too early" })).await;
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    let joins = meeting.join_requests().await;
    assert_eq!(
        (joins.len(), outcomes(&joins)[1]),
        (2, "admitted"),
        "it fetched the time, and signed once more"
    );
    drop(logging);
    let log = std::fs::read_to_string(log.path()).unwrap();
    let line = log.lines().find(|line| line.contains("this server's clock differs from Zoom's")).unwrap();
    assert!(line.contains("WARN") && line.contains("ahead_seconds="), "{line}");

    // The app is not blamed.
    let log = app.get(&format!("/api/v2/zoom-oauth-app-logs/?oauth_app={}", app.zoom_app)).await.ok();
    assert!(!log.to_string().contains("put aside"), "{log}");
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "In time" })).await;
    app.until(&bot, "in_call_not_recording").await;
    assert_eq!(meeting.join_requests().await.len(), 3);
    app.stop().await;

    let app = TestApp::build(&TIMED).await;
    app.jump(ahead);
    // Zoom's answers carry a date.
    let account = app.connect(app.zoom.host()).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = json!({ "meeting_url": meeting.url, "bot_name": "In time", "zoom": { "credential": account } });
    let bot = app.bot(bot).await;
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    assert_eq!(meeting.join_requests().await.len(), 1);
    let apart = app.env.now().since(app.zoom.now().await);
    assert!(apart > Duration::from_secs(30), "the clocks are {apart:?} apart");
    app.stop().await;
}
