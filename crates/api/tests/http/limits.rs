//! Rate limits.

use std::time::Duration;

use api::Rates;
use serde_json::{Value, json};

use crate::{
    PLAN,
    test_app::{Answer, Plan, TestApp},
};

fn rates() -> Rates {
    let rate = |rate: u32| rate.try_into().unwrap();
    Rates { create_bot: rate(3), lists: rate(2), others: rate(4), key: rate(50) }
}

async fn limited(rates: Rates) -> TestApp {
    TestApp::build(&Plan { rates: Some(rates), ..PLAN }).await
}

/// Calls until it is refused. Returns the number of successful calls, and the refusal.
async fn exhaust(app: &TestApp, key: &str, method: &str, path: &str) -> (u32, Answer) {
    let mut calls = 0;
    loop {
        let answer = app.call_as(key, method, path, Value::Null).await;
        if answer.status == 429 {
            return (calls, answer);
        }
        calls += 1;
        assert!(calls < 1000, "{method} {path} is not limited");
    }
}

#[tokio::test]
async fn each_endpoint_has_the_contracts_limit() {
    let app = limited(Rates::default()).await;
    // The app's first key was used to register the Zoom app.
    let key = app.key_with("read,bots,tokens,admin").await;
    for (method, path, limit) in [
        ("POST", "/api/v1/bot/", 120),
        ("GET", "/api/v1/bot/", 60),
        ("GET", "/api/v2/zoom-oauth-apps/", 60),
        ("GET", "/api/v2/zoom-oauth-credentials/", 60),
        ("GET", "/api/v2/zoom-oauth-app-logs/", 60),
        ("GET", "/api/v2/zoom-oauth-credential-logs/", 300),
        ("GET", "/api/v1/bot/00000000-0000-7000-8000-000000000000/screenshots/", 60),
        ("GET", "/api/v1/bot/00000000-0000-7000-8000-000000000000/", 300),
    ] {
        assert_eq!(exhaust(&app, &key, method, path).await.0, limit, "{method} {path}");
    }
    // 1020 calls and 8 refused ones: the rest of the key's own 1200.
    assert_eq!(exhaust(&app, &key, "GET", "/api/latchkey/v1/credential-events/").await.0, 172);
    assert_eq!(exhaust(&app, &key, "GET", "/api/latchkey/v1/audit/").await.0, 0);
}

#[tokio::test]
async fn a_caller_who_waits_for_retry_after_is_admitted() {
    let app = limited(rates()).await;
    let key = app.api_key.clone();
    let (calls, told) = exhaust(&app, &key, "GET", "/api/v1/bot/").await;
    assert_eq!(calls, 2);
    let wait: u64 = told.header("retry-after").parse().unwrap();
    assert!((59..=61).contains(&wait), "{wait}");
    let detail = format!("Too many requests in one minute. Try again in {wait} s.");
    assert_eq!(told.json(), json!({ "code": "throttled", "detail": detail }));

    app.jump(Duration::from_secs(wait - 2));
    assert_eq!(app.get("/api/v1/bot/").await.status, 429);
    app.jump(Duration::from_secs(2));
    app.get("/api/v1/bot/").await.ok();
}

#[tokio::test]
async fn an_endpoint_is_counted_by_workspace_and_with_either_slash() {
    let app = limited(rates()).await;
    let other = app.key_with("read").await;
    app.get("/api/v1/bot/").await.ok();
    app.call_as(&other, "GET", "/api/v1/bot", Value::Null).await.ok();
    assert_eq!(app.call("HEAD", "/api/v1/bot", axum::body::Body::empty()).await.status, 429);
    assert_eq!(app.call_as(&other, "GET", "/api/v1/bot/", Value::Null).await.status, 429);
    // Another endpoint, another workspace, and a request without a key.
    app.get("/api/v2/zoom-oauth-apps/").await.ok();
    app.call_as(&app.another_workspace().await, "GET", "/api/v1/bot/", Value::Null).await.ok();
    assert_eq!(app.call_as("lk_wrong", "GET", "/api/v1/bot/", Value::Null).await.status, 401);
}

#[tokio::test]
async fn a_key_may_have_a_limit_of_its_own() {
    let app = TestApp::build(&PLAN).await;
    let asked = json!({ "name": "slow", "scopes": ["read"], "requests_per_minute": 3 });
    let slow = app.post("/api/latchkey/v1/api-keys/", asked).await.created();
    let slow = slow["key"].as_str().unwrap();
    for path in ["/api/v1/bot/", "/api/latchkey/v1/credential-events/", "/api/v2/zoom-oauth-apps/"] {
        app.call_as(slow, "GET", path, Value::Null).await.ok();
    }
    assert_eq!(app.call_as(slow, "GET", "/api/v1/bot/", Value::Null).await.status, 429);
    app.get("/api/v1/bot/").await.ok();
}
