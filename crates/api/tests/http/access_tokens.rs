//! Access tokens for a customer's own calls, and the secrets of the app behind them.

use std::time::Duration;

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::{app, test_app::TestApp};

const ACCOUNTS: &str = "/api/v2/zoom-oauth-credentials/";
const APPS: &str = "/api/v2/zoom-oauth-apps/";
const CLIENT_ID: &str = "client-of-the-tests";
/// A refused app is tried again after this time.
const PROBE: Duration = Duration::from_secs(30);

async fn connected() -> (TestApp, String) {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    (app, account)
}

async fn change_at_zoom(app: &TestApp, change: Value) {
    app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), change).await;
}

#[tokio::test]
async fn an_access_token_has_five_minutes_left_at_least() {
    let (app, account) = connected().await;
    let path = format!("{ACCOUNTS}{account}/access-token/");
    let answer = app.get(&path).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let first = answer.ok();
    assert_eq!(first["token"], first["access_token"]);
    assert_eq!(first["expires_at"], json!(app.env.now() + Duration::from_secs(3600)));
    assert_eq!(app.get(path.trim_end_matches('/')).await.ok(), first, "from the store, not from Zoom");

    app.jump(Duration::from_secs(3299));
    assert_eq!(app.get(&path).await.ok()["token"], first["token"]);
    app.jump(Duration::from_secs(1));
    let second = app.get(&path).await.ok();
    assert_ne!(second["token"], first["token"]);
    assert_eq!(app.zoom.count("refreshes").await, 1);

    let key = format!("Token {}", app.another_workspace().await);
    let foreign = Request::get(&path).header("authorization", key).body(Body::empty()).unwrap();
    let foreign = app.send(foreign).await;
    let unknown = app.get(&format!("{ACCOUNTS}01900000-0000-7000-8000-000000000000/access-token/")).await;
    assert_eq!((foreign.status, foreign.text), (404, unknown.text));
}

#[tokio::test]
async fn a_wrong_client_secret_is_mended_by_a_patch() {
    let (app, account) = connected().await;
    let (token, zoom_app) =
        (format!("{ACCOUNTS}{account}/access-token/"), format!("{APPS}{}/", app.zoom_app));
    change_at_zoom(&app, json!({ "client_secret": "rotated" })).await;
    app.jump(Duration::from_secs(3600));
    assert_eq!(app.get(&token).await.refused()["code"], "zoom_oauth_app_unhealthy");
    assert_eq!(app.get(&zoom_app).await.ok()["latchkey_refused_since"], json!(app.env.now()));
    assert_eq!(app.get(&format!("{ACCOUNTS}{account}/")).await.ok()["latchkey_status"], "healthy");

    let patch = async |body: Value| {
        let request = app.request("PATCH", &zoom_app).header("content-type", "application/json");
        app.send(request.body(body.to_string().into()).unwrap()).await
    };
    let complaints = patch(json!({ "client_id": "other", "client_secret": "********" })).await.refused();
    assert_eq!(
        complaints,
        json!({ "client_id": ["It cannot be changed; register another app."],
                "client_secret": ["This is the mask of an answer, not a secret."] })
    );
    let changed = patch(json!({ "client_secret": "rotated" })).await;
    assert!(!changed.text.contains("rotated"));
    assert_eq!(changed.ok()["latchkey_refused_since"], Value::Null);
    // No probe is needed first.
    app.get(&token).await.ok();
}

#[tokio::test]
async fn a_degraded_account_shows_since_when_and_the_cause() {
    let (app, account) = connected().await;
    let path = format!("{ACCOUNTS}{account}/access-token/");
    app.jump(Duration::from_secs(3600));
    app.zoom.control("POST", "faults", json!({ "where": "refresh", "kind": "http_500", "times": 2 })).await;
    let refused = app.get(&path).await;
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("zoom_unavailable")));
    assert!(refused.header("retry-after").parse::<u64>().is_ok(), "{:?}", refused.headers);
    let shown = app.get(&format!("{ACCOUNTS}{account}/")).await.ok();
    assert_eq!((&shown["status"], &shown["latchkey_status"]), (&json!("healthy"), &json!("degraded")));
    assert_eq!(shown["latchkey_status_since"], json!(app.env.now()));
    assert_eq!(shown["latchkey_trouble"], "refresh_uncertain");
    app.jump(PROBE);
    app.get(&path).await.ok();
    assert_eq!(app.get(&format!("{ACCOUNTS}{account}/")).await.ok()["latchkey_status"], "healthy");
}

#[tokio::test]
async fn an_account_that_needs_a_person_says_so() {
    let (app, account) = connected().await;
    app.jump(Duration::from_secs(3600));
    let id = app.zoom.host()["id"].as_str().unwrap();
    app.zoom.control("PATCH", &format!("users/{id}"), json!({ "active": false })).await;
    let refused = app.get(&format!("{ACCOUNTS}{account}/access-token/")).await.refused();
    assert_eq!(refused["code"], "zoom_oauth_credential_unhealthy");
    assert_eq!(app.get(&format!("{ACCOUNTS}{account}/")).await.ok()["status"], "unhealthy");
}
