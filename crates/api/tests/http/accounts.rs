//! Zoom apps, the accounts connected to them, and invitations.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{app, test_app::TestApp};

const APPS: &str = "/api/v2/zoom-oauth-apps/";
const CONNECT: &str = "/api/latchkey/v1/connect-links/";

fn zoom_app(changes: &Value) -> Value {
    let mut zoom_app = json!({ "kind": "account_level", "client_id": "another", "client_secret": "planted-another-secret",
                          "webhook_secret": "planted-another-webhook" });
    zoom_app.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    zoom_app
}

async fn listed(app: &TestApp, path: &str) -> Vec<Value> {
    let page = app.get(path).await.ok();
    assert_eq!((&page["next"], &page["previous"]), (&Value::Null, &Value::Null));
    page["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_apps_secrets_are_never_returned() {
    let app = app().await;
    let first = listed(&app, APPS).await;
    app.pass(Duration::from_secs(1)).await;
    let answer = app.post(APPS, zoom_app(&json!({}))).await;
    assert!(!answer.text.contains("planted"));
    let made = answer.created();
    assert_eq!(
        made,
        json!({
            "id": made["id"], "kind": "account_level", "client_id": "another", "account_id": null,
            "client_secret": "********",
            "webhook_secret": "********", "webhook_last_validation": null,
            "latchkey_former_webhook_secret_ends_at": null, "latchkey_refused_since": null,
            "created_at": app.env.now(),
        })
    );
    assert_eq!(app.get(&format!("{APPS}{}/", made["id"].as_str().unwrap())).await.ok(), made);
    assert_eq!(listed(&app, APPS).await, [std::slice::from_ref(&made), &first].concat(), "newest first");
    for (query, found) in [
        ("client_id=another", vec![made.clone()]),
        ("kind=user_level", first),
        ("kind=account_level&client_id=another", vec![made]),
        ("kind=user_level&client_id=another", vec![]),
        ("client_id=nothing", vec![]),
    ] {
        assert_eq!(listed(&app, &format!("{APPS}?{query}")).await, found, "{query}");
    }
}

#[tokio::test]
async fn an_incomplete_masked_or_duplicate_app_is_refused() {
    let app = app().await;
    let required = "This field is required.";
    assert_eq!(
        app.post(APPS, json!({})).await.refused(),
        json!({ "kind": [required], "client_id": [required], "client_secret": [required], "webhook_secret": [required] })
    );
    let masked = "This is the mask of an answer, not a secret.";
    for (change, complaints) in [
        (
            json!({ "kind": "server" }),
            json!({ "kind": ["It must be user_level, account_level or server_to_server."] }),
        ),
        (json!({ "client_secret": "********" }), json!({ "client_secret": [masked] })),
        (json!({ "webhook_secret": "********" }), json!({ "webhook_secret": [masked] })),
        (json!({ "client_id": 5 }), json!({ "client_id": ["It must be text."] })),
        (
            json!({ "client_secret": "x".repeat(201) }),
            json!({ "client_secret": ["It must not be longer than 200 characters."] }),
        ),
        (
            json!({ "client_id": "client-of-the-tests" }),
            json!({ "client_id": ["This workspace already has an app with this client id."] }),
        ),
    ] {
        assert_eq!(app.post(APPS, zoom_app(&change)).await.refused(), complaints, "{change}");
    }
    assert_eq!(listed(&app, APPS).await.len(), 1, "nothing of them is stored");
}

#[tokio::test]
async fn a_connected_account_is_shown_without_its_tokens() {
    let app = app().await;
    let ada = app.zoom.user("ada@example.test", "Ada Lovelace").await;
    let host = app.connect(app.zoom.host()).await;
    app.pass(Duration::from_secs(1)).await;
    let account = app.connect(&ada).await;
    let shown = app.get(&format!("/api/v2/zoom-oauth-credentials/{account}/")).await.ok();
    assert_eq!(
        shown,
        json!({
            "id": account, "oauth_app": app.zoom_app, "status": "healthy", "latchkey_status": "healthy",
            "latchkey_status_since": shown["created_at"],
            "latchkey_trouble": null, "latchkey_missing_scopes": [],
            "latchkey_missing_meeting_scopes": ["meeting:read:list_meetings"],
            "kind": "user_oauth",
            "user_id": ada["id"], "account_id": ada["account_id"], "display_name": "Ada Lovelace",
            "latchkey_email": "ada@example.test", "latchkey_refresh_at": shown["latchkey_refresh_at"],
            "latchkey_used_at": shown["created_at"],
            "access_token_callback_url": null, "meeting_sync_status": "not_started",
            "created_at": shown["created_at"],
        })
    );
    let due: model::Timestamp = serde_json::from_value(shown["latchkey_refresh_at"].clone()).unwrap();
    assert!(due > app.env.now(), "{due}");
    assert_eq!(app.connect(&ada).await, account, "a second consent of the same user keeps the id");
    for (query, count) in
        [("", 2), ("?status=healthy", 2), ("?status=unhealthy", 0), ("?latchkey_search=LOVE", 1)]
    {
        let found = listed(&app, &format!("/api/v2/zoom-oauth-credentials/{query}")).await;
        assert_eq!(found.len(), count, "{query}");
    }
    let found = listed(&app, "/api/v2/zoom-oauth-credentials/").await;
    let ids: Vec<_> = found.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [account.as_str(), &host], "newest first");
}

#[tokio::test]
async fn an_invitation_names_its_app() {
    let app = app().await;
    let answer = app.post(CONNECT, json!({ "oauth_app": app.zoom_app })).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let made = answer.created();
    let begins = format!(
        "https://latchkey.test/base/oauth/zoom/authorize?invitation={}.",
        made["id"].as_str().unwrap()
    );
    assert!(made["url"].as_str().unwrap().starts_with(&begins), "{made}");
    assert_eq!(made["redirect_uri"], "https://latchkey.test/base/oauth/zoom/callback");
    assert_eq!(made["expires_at"], json!(app.env.now() + Duration::from_secs(86_400)));
    for (body, complaint) in [
        (json!({}), "This field is required."),
        (json!({ "oauth_app": "x" }), "It must be the id of a registered app."),
        (json!({ "oauth_app": "01900000-0000-7000-8000-000000000000" }), "This workspace has no such app."),
    ] {
        assert_eq!(
            app.post(CONNECT, body.clone()).await.refused(),
            json!({ "oauth_app": [complaint] }),
            "{body}"
        );
    }
}
