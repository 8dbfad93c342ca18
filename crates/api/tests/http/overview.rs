//! A workspace in numbers, and the installation's own settings.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header::ACCEPT},
};
use serde_json::{Value, json};

use crate::{app, test_app::CLIENT_ID};

#[tokio::test]
async fn only_the_callers_workspace_is_counted() {
    let app = app().await;
    let path = "/api/latchkey/v1/overview/";
    let nothing = json!({
        "accounts": [], "cannot_sign_in": [], "refreshes": { "done": 0, "failed": 0, "failures": [] }, "bots": [],
        "time_to_join": { "bots": 0, "median_ms": null, "p95_ms": null },
    });
    assert_eq!(app.get(path).await.ok(), nothing);
    let account = app.connect(app.zoom.host()).await;
    let later = app.env.now() + Duration::from_secs(7200);
    app.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890", "join_at": later, "zoom": { "credential": account } }))
        .await;
    let shown = app.get(path).await.ok();
    assert_eq!(shown["bots"], json!([{ "status": "ready", "bots": 1 }]));
    assert_eq!(
        (&shown["accounts"][0]["latchkey_status"], &shown["accounts"][0]["accounts"]),
        (&json!("healthy"), &json!(1))
    );
    assert!(shown["accounts"][0]["next_refresh_at"].is_string(), "{shown}");
    let stranger = app.another_workspace().await;
    assert_eq!(app.call_as(&stranger, "GET", path, Value::Null).await.ok(), nothing);
}

#[tokio::test]
async fn accounts_that_have_tokens_and_let_no_bot_in_are_counted_by_cause() {
    let app = app().await;
    let hindered = async || app.get("/api/latchkey/v1/overview/").await.ok()["cannot_sign_in"].clone();
    app.connect(app.zoom.host()).await;
    assert_eq!(hindered().await, json!([]));
    let at_zoom = format!("apps/{CLIENT_ID}");
    app.zoom.control("PATCH", &at_zoom, json!({ "scopes": ["user:read:user"] })).await;
    let mut poor = Vec::new();
    for email in ["a@example.test", "b@example.test"] {
        poor.push(app.connect(&app.zoom.user(email, "Somebody").await).await);
    }
    let shown = hindered().await;
    assert!(poor.iter().any(|id| shown[0]["credential"] == **id), "{shown}");
    assert_eq!(
        shown,
        json!([{
            "cause": "scopes_missing", "oauth_app": app.zoom_app, "missing_scopes": ["user:read:zak"],
            "accounts": 2, "credential": shown[0]["credential"],
        }])
    );
    let wrong = json!({ "client_secret": "wrong" });
    let path = format!("/api/v2/zoom-oauth-apps/{}/", app.zoom_app);
    app.call("PATCH", &path, Body::from(wrong.to_string())).await.ok();
    let checked = format!("/api/v2/zoom-oauth-credentials/{}/validate/", poor[0]);
    app.call("POST", &checked, Body::empty()).await;
    let shown = hindered().await;
    assert_eq!(
        (&shown[0]["cause"], &shown[0]["accounts"], &shown[0]["missing_scopes"], &shown[1]),
        (&json!("app_refused"), &json!(3), &json!([]), &Value::Null),
        "{shown}"
    );
}

#[tokio::test]
async fn refreshes_are_counted_by_how_they_ended() {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    let check = format!("/api/v2/zoom-oauth-credentials/{account}/validate/");
    let token = format!("/api/v2/zoom-oauth-credentials/{account}/access-token/");
    app.jump(Duration::from_secs(3600));
    assert_eq!(app.meanwhile(app.get(&token)).await.status, 200);
    let done = app.get("/api/latchkey/v1/overview/").await.ok()["refreshes"].clone();
    assert!(done["done"].as_u64().unwrap() >= 1 && done["failed"] == 0, "{done}");
    let user = app.zoom.host()["id"].as_str().unwrap();
    app.zoom.control("DELETE", &format!("users/{user}/apps/{CLIENT_ID}"), Value::Null).await;
    app.meanwhile(app.call("POST", &check, Body::empty())).await;
    let after = app.get("/api/latchkey/v1/overview/").await.ok()["refreshes"].clone();
    let failures = json!([{ "code": "credential_needs_consent", "refreshes": 1 }]);
    assert_eq!((&after["failed"], &after["failures"]), (&json!(1), &failures), "{after}");
}

#[tokio::test]
async fn the_key_ring_shows_only_ids() {
    let app = app().await;
    let shown = app.get("/api/latchkey/v1/installation/").await.ok();
    let [key] = shown["keys"].as_array().unwrap().as_slice() else { panic!("{shown}") };
    assert_eq!(key["state"], "active");
    assert_eq!(key.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "seals_from", "state"]);
    assert_eq!(shown["kept_days"]["bots"], 90);
}

#[tokio::test]
async fn an_unknown_address_is_a_page_for_a_browser_and_json_for_a_program() {
    let app = app().await;
    let ask = async |kinds: &str| {
        let request = Request::builder().uri("/nowhere/at/all").header(ACCEPT, kinds);
        app.send(request.body(Body::empty()).unwrap()).await
    };
    let page = ask("text/html,application/xhtml+xml,*/*;q=0.8").await;
    assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(
        page.text.contains("There is no such page") && page.text.contains("href=\"/base/\""),
        "{}",
        page.text
    );
    let json = ask("*/*").await;
    assert_eq!((json.status, json.header("content-type")), (404, "application/json"));
}
