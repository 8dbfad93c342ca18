//! API keys: scopes, limits, expiry, and what is shown of them.

use std::time::Duration;

use api::Rates;
use serde_json::{Value, json};

use crate::{
    PLAN, app,
    test_app::{Plan, TestApp},
};

const KEYS: &str = "/api/latchkey/v1/api-keys/";

async fn make(app: &TestApp, asked: Value) -> (String, String) {
    let made = app.post(KEYS, asked).await;
    let body = made.created();
    assert_eq!(made.header("cache-control"), "no-store");
    (body["id"].as_str().unwrap().to_owned(), body["key"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_key_is_shown_once_and_listed_by_its_prefix() {
    let app = app().await;
    let asked = json!({ "name": "metrics", "scopes": ["read"], "requests_per_minute": 30,
                        "expires_at": "2030-01-01T00:00:00Z" });
    app.tick();
    let (id, key) = make(&app, asked).await;
    assert!(key.starts_with("lk_"));
    let listed = app.get(KEYS).await;
    assert!(!listed.text.contains(&key));
    let [newest, first] = listed.ok()["results"].as_array().unwrap().clone().try_into().unwrap();
    assert_eq!(newest["prefix"], format!("{}…", &key[..7]));
    assert_eq!((newest["name"].as_str(), &newest["scopes"]), (Some("metrics"), &json!(["read"])));
    assert_eq!((&newest["requests_per_minute"], &newest["revoked_at"]), (&json!(30), &Value::Null));
    assert_eq!(newest["expires_at"], "2030-01-01T00:00:00.000000Z");
    assert_eq!(first["scopes"], json!(["read", "bots", "tokens", "admin"]));
    assert_eq!(app.get(&format!("{KEYS}{id}/")).await.ok(), newest);
}

#[tokio::test]
async fn a_scope_that_is_missing_is_named() {
    let app = app().await;
    let account = app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    let account = format!("/api/v2/zoom-oauth-credentials/{account}/");
    let bot = app.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890" })).await;
    let bot = format!("/api/v1/bot/{bot}/");
    let calls = [
        ("read", "GET", bot.clone()),
        ("read", "GET", "/api/v1/bot/".into()),
        ("read", "GET", account.clone()),
        ("read", "GET", "/api/latchkey/v1/audit/".into()),
        ("read", "GET", "/api/latchkey/v1/token-links/".into()),
        ("bots", "POST", "/api/v1/bot/".into()),
        ("bots", "POST", format!("{bot}leave_call/")),
        ("bots", "POST", format!("{bot}delete_media/")),
        ("tokens", "GET", format!("{account}access-token/")),
        ("tokens", "POST", "/api/latchkey/v1/token-links/".into()),
        ("tokens", "GET", "/api/latchkey/v1/callback-secret/".into()),
        ("admin", "POST", "/api/latchkey/v1/callback-secret/rotate/".into()),
        ("admin", "POST", "/api/v2/zoom-oauth-apps/".into()),
        ("admin", "POST", "/api/latchkey/v1/connect-links/".into()),
        ("admin", "GET", KEYS.into()),
        ("admin", "DELETE", account),
        ("operator", "GET", "/api/latchkey/v1/workspaces/".into()),
        ("operator", "POST", "/api/latchkey/v1/workspaces/".into()),
    ];
    for scope in ["read", "bots", "tokens", "admin", "operator"] {
        let others: Vec<_> =
            ["read", "bots", "tokens", "admin", "operator"].into_iter().filter(|s| *s != scope).collect();
        let lacking = app.key_with(&others.join(",")).await;
        let holding = app.key_with(scope).await;
        for (_, method, path) in calls.iter().filter(|(needed, ..)| *needed == scope) {
            let refused = app.call_as(&lacking, method, path, Value::Null).await;
            assert_eq!(refused.status, 403, "{method} {path}");
            let detail = format!("This API key lacks the scope {scope}: use one that has it.");
            assert_eq!(refused.json(), json!({ "code": "permission_denied", "detail": detail }));
            let admitted = app.call_as(&holding, method, path, Value::Null).await;
            assert!(![401, 403, 404, 500].contains(&admitted.status), "{method} {path}: {}", admitted.text);
        }
    }
}

/// A URL that gives tokens is as sensitive as a token.
#[tokio::test]
async fn a_bots_urls_are_shown_to_keys_that_may_send_bots() {
    let app = app().await;
    let zoom =
        json!({ "zak_url": "https://example.com/zak?token=planted", "user_email": "ada@example.test" });
    let bot = app.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890", "zoom": zoom })).await;
    let (one, list) = (format!("/api/v1/bot/{bot}/"), "/api/v1/bot/".to_owned());
    let (reader, sender) = (app.key_with("read").await, app.key_with("read,bots").await);
    for path in [&one, &list] {
        let masked = app.call_as(&reader, "GET", path, Value::Null).await;
        assert!(masked.status == 200 && !masked.text.contains("planted"), "{}", masked.text);
        let told = app.call_as(&sender, "GET", path, Value::Null).await;
        assert!(told.text.contains("token=planted"), "{}", told.text);
    }
    let masked = app.call_as(&reader, "GET", &one, Value::Null).await.ok();
    assert_eq!(
        (masked["zoom"]["zak_url"].as_str(), masked["zoom"]["join_token_url"].as_str()),
        (Some("********"), None)
    );
    assert_eq!(masked["zoom"]["user_email"], "ada@example.test");
}

#[tokio::test]
async fn a_revoked_key_is_refused_on_every_server() {
    let app = app().await;
    let other = app.another(&PLAN).await;
    let (id, key) = make(&app, json!({ "name": "k", "scopes": "read" })).await;
    for server in [&app, &other] {
        server.call_as(&key, "GET", "/api/v1/bot/", Value::Null).await.ok();
    }
    let path = format!("{KEYS}{id}/");
    assert_eq!(app.call_as(&app.api_key, "DELETE", &path, Value::Null).await.status, 204);
    for server in [&app, &other] {
        let refused = server.call_as(&key, "GET", "/api/v1/bot/", Value::Null).await;
        assert_eq!(refused.status, 401);
        let expected =
            json!({ "code": "authentication_failed", "detail": "This API key was revoked: make a new one." });
        assert_eq!(refused.json(), expected);
    }
    let listed = app.get(&path).await.ok();
    assert!(listed["revoked_at"].is_string(), "{listed}");
    assert_eq!(app.call_as(&app.api_key, "DELETE", &path, Value::Null).await.status, 204, "once more");
}

#[tokio::test]
async fn a_key_expires() {
    let app = app().await;
    let end = (app.env.now() + Duration::from_secs(60)).to_string();
    let (_, key) = make(&app, json!({ "name": "k", "scopes": ["read"], "expires_at": end })).await;
    app.jump(Duration::from_micros(59_999_999));
    app.call_as(&key, "GET", "/api/v1/bot/", Value::Null).await.ok();
    app.jump(Duration::from_micros(1));
    let refused = app.call_as(&key, "GET", "/api/v1/bot/", Value::Null).await;
    assert_eq!(
        (refused.status, refused.json()["detail"].as_str()),
        (401, Some("This API key has expired: make a new one."))
    );
}

/// It is not written at every call: the time is at most a few minutes old.
#[tokio::test]
async fn the_last_use_is_recorded() {
    let app = app().await;
    let (id, key) = make(&app, json!({ "name": "k", "scopes": ["read"] })).await;
    let used =
        async || app.get(&format!("{KEYS}{id}/")).await.ok()["last_used_at"].as_str().map(str::to_owned);
    assert_eq!(used().await, None);
    let first = app.env.now().to_string();
    app.call_as(&key, "GET", "/api/v1/bot/", Value::Null).await.ok();
    let noted = app.wait_for("the use is noted", used).await;
    assert_eq!(noted, first);
    app.call_as(&key, "GET", "/api/v1/bot/", Value::Null).await.ok();
    app.jump(Duration::from_secs(301));
    app.call_as(&key, "GET", "/api/v1/bot/", Value::Null).await.ok();
    app.wait_for("the next one is", async || used().await.filter(|at| *at > first)).await;
}

#[tokio::test]
async fn errors_of_a_new_key_are_reported() {
    let app = app().await;
    let wrong =
        app.post(KEYS, json!({ "requests_per_minute": 0, "expires_at": "2001-01-01T00:00:00Z" })).await;
    assert_eq!(
        wrong.refused(),
        json!({
            "name": ["This field is required."],
            "scopes": ["This field is required."],
            "requests_per_minute": ["It must be at least 1."],
            "expires_at": ["It must be in the future."],
        })
    );
    for (scopes, complaint) in [
        (json!([]), "It must not be empty."),
        (json!(7), "It must be a list of words."),
        (json!([7]), "It must be a list of words."),
        (json!(["read", "fly"]), "\"fly\" is not a scope; there are read, bots, tokens, admin, operator."),
        (json!("read,operator"), "The calling key lacks the scope operator and cannot give it."),
    ] {
        let wrong = app.post(KEYS, json!({ "name": "k", "scopes": scopes })).await;
        assert_eq!(wrong.refused(), json!({ "scopes": [complaint] }), "{scopes}");
    }
}

/// Neither scopes, nor a later expiry, nor more calls.
#[tokio::test]
async fn a_key_cannot_grant_more_than_it_has() {
    let app = TestApp::build(&Plan { rates: Some(Rates::default()), ..PLAN }).await;
    let administers = app.key_with("admin").await;
    for scope in ["read", "bots", "tokens", "operator"] {
        let refused =
            app.call_as(&administers, "POST", KEYS, json!({ "name": "k", "scopes": ["admin", scope] })).await;
        let complaint = format!("The calling key lacks the scope {scope} and cannot give it.");
        assert_eq!(refused.refused(), json!({ "scopes": [complaint] }));
    }
    // Without a limit of its own it has the server's default.
    let fast = json!({ "name": "k", "scopes": ["admin"], "requests_per_minute": 1201 });
    let refused = app.call_as(&administers, "POST", KEYS, fast).await.refused();
    assert_eq!(
        refused,
        json!({ "requests_per_minute": ["The calling key is limited to 1200 and cannot give more."] })
    );

    let end = (app.env.now() + Duration::from_secs(3600)).to_string();
    let short = json!({ "name": "short", "scopes": ["admin"], "expires_at": end, "requests_per_minute": 50 });
    let (_, short) = make(&app, short).await;
    let later = (app.env.now() + Duration::from_secs(3601)).to_string();
    let wider = json!({ "name": "k", "scopes": ["admin"], "expires_at": later, "requests_per_minute": 51 });
    let refused = app.call_as(&short, "POST", KEYS, wider).await.refused();
    let ends = format!("The calling key expires at {end} and cannot give more.");
    let calls = "The calling key is limited to 50 and cannot give more.";
    assert_eq!(refused, json!({ "expires_at": [ends], "requests_per_minute": [calls] }));
    let take_suppressed =
        app.call_as(&short, "POST", KEYS, json!({ "name": "k", "scopes": ["admin"] })).await.created();
    assert_eq!(
        (&take_suppressed["expires_at"], &take_suppressed["requests_per_minute"]),
        (&json!(end), &json!(50))
    );

    // It cannot have events sent to its own address either, which only `read` may see.
    let endpoint = json!({ "url": "https://example.com/", "enabled": false });
    let endpoints = "/api/latchkey/v1/webhook-endpoints/";
    let made = app.post(endpoints, endpoint.clone()).await.created();
    let one = format!("{endpoints}{}/", made["id"].as_str().unwrap());
    let test = format!("{one}test/");
    let sent = app.call_as(&administers, "POST", &test, Value::Null).await.ok();
    let retry = format!("{one}deliveries/{}/retry/", sent["event"].as_str().unwrap());
    let reads_too = app.key_with("admin,read").await;
    for (method, path, body, status) in [
        ("POST", endpoints, endpoint, 201),
        ("PATCH", &one, json!({ "url": "https://example.com/mine" }), 200),
        ("PATCH", &one, json!({ "event_types": ["*"] }), 200),
        ("POST", &format!("{one}replay/"), json!({ "since": "2026-01-31T12:00:00Z" }), 200),
        ("POST", &retry, Value::Null, 200),
    ] {
        let refused = app.call_as(&administers, method, path, body.clone()).await;
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.text);
        assert_eq!(refused.json()["detail"], "This API key lacks the scope read: use one that has it.");
        let admitted = app.call_as(&reads_too, method, path, body).await;
        assert_eq!(admitted.status, status, "{method} {path}: {}", admitted.text);
    }
    for path in ["/api/v1/bot/", "/api/latchkey/v1/events/", "/api/latchkey/v1/audit/", endpoints, &*one] {
        assert_eq!(app.call_as(&administers, "GET", path, Value::Null).await.status, 403, "{path}");
    }

    // It may rotate the callback secret, which only `tokens` may read.
    let rotate = "/api/latchkey/v1/callback-secret/rotate/";
    let rotated = app.call_as(&administers, "POST", rotate, Value::Null).await.ok();
    assert_eq!(rotated["secret"], "********");
    let read = app.get("/api/latchkey/v1/callback-secret/").await.ok();
    assert!(read["secret"].as_str().unwrap().starts_with("whsec_"));
}
