//! Several tenants in one installation.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app;

const WORKSPACES: &str = "/api/latchkey/v1/workspaces/";

#[tokio::test]
async fn an_operator_creates_workspaces_but_cannot_access_them() {
    let app = app().await;
    let operator = app.key_with("operator").await;
    app.jump(Duration::from_secs(1));
    let made = app.call_as(&operator, "POST", WORKSPACES, json!({ "name": "Zoë’s team" })).await;
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.created();
    assert_eq!(made["name"], "Zoë’s team");
    assert_eq!(made["api_key"]["scopes"], json!(["read", "bots", "tokens", "admin"]));
    let theirs = made["api_key"]["key"].as_str().unwrap();

    let listed = app.call_as(&operator, "GET", WORKSPACES, Value::Null).await;
    assert!(!listed.text.contains(theirs));
    let [first, second] = listed.ok()["results"].as_array().unwrap().clone().try_into().unwrap();
    assert_eq!((first["name"].as_str(), &second["id"]), (Some("default"), &made["id"]));
    let path = format!("{WORKSPACES}{}/", made["id"].as_str().unwrap());
    assert_eq!(app.call_as(&operator, "GET", &path, Value::Null).await.ok(), second);
    let nobody = format!("{WORKSPACES}00000000-0000-7000-8000-000000000000/");
    assert_eq!(app.call_as(&operator, "GET", &nobody, Value::Null).await.status, 404);
    let wrong = app.call_as(&operator, "POST", WORKSPACES, json!({})).await.refused();
    assert_eq!(wrong, json!({ "name": ["This field is required."] }));

    // The new key opens the new workspace, which is empty; the operator's key does not open it.
    app.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890" })).await;
    assert_eq!(app.call_as(theirs, "GET", "/api/v1/bot/", Value::Null).await.ok()["count"], 0);
    assert_eq!(app.call_as(&operator, "GET", "/api/v1/bot/", Value::Null).await.status, 403);
    assert_eq!(app.call_as(theirs, "GET", WORKSPACES, Value::Null).await.status, 403);
}

#[tokio::test]
async fn workspaces_sign_with_secrets_of_their_own() {
    let app = app().await;
    let theirs = app.another_workspace().await;
    let secret = "/api/latchkey/v1/callback-secret/";
    let other = app.call_as(&theirs, "GET", secret, Value::Null).await.ok();
    assert_ne!(app.get(secret).await.ok()["secret"], other["secret"]);
}

#[tokio::test]
async fn an_operator_limits_the_bots_of_a_workspace() {
    let app = app().await;
    let operator = app.key_with("operator").await;
    let made = json!({ "name": "theirs", "bot_limit": 3 });
    let made = app.call_as(&operator, "POST", WORKSPACES, made).await.created();
    assert_eq!(made["bot_limit"], 3);
    let path = format!("{WORKSPACES}{}/", made["id"].as_str().unwrap());
    let change = async |body| app.call_as(&operator, "PATCH", &path, body).await;
    assert_eq!(change(json!({ "bot_limit": 5 })).await.ok()["bot_limit"], 5);
    assert_eq!(change(json!({})).await.ok()["bot_limit"], 5);
    assert_eq!(change(json!({ "bot_limit": null })).await.ok()["bot_limit"], Value::Null);
    assert_eq!(change(json!({ "bot_limit": -1 })).await.status, 400);
    assert!(change(json!({ "bot_limits": 1 })).await.text.contains("bot_limit?"));
    let nobody = format!("{WORKSPACES}00000000-0000-7000-8000-000000000000/");
    assert_eq!(app.call_as(&operator, "PATCH", &nobody, json!({ "bot_limit": 1 })).await.status, 404);
    let theirs = made["api_key"]["key"].as_str().unwrap();
    assert_eq!(app.call_as(theirs, "PATCH", &path, json!({ "bot_limit": 9 })).await.status, 403);
}
