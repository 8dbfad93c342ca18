//! How often callers may come.

use std::time::Duration;

use api::Rates;
use serde_json::{Value, json};

use crate::{
    OFFICE,
    house::{Answer, House, Plan},
};

fn rates() -> Rates {
    let rate = |rate: u32| rate.try_into().unwrap();
    Rates { create_bot: rate(3), lists: rate(2), others: rate(4), key: rate(50) }
}

async fn limited(rates: Rates) -> House {
    House::build(&Plan { rates: Some(rates), ..OFFICE }).await
}

/// Calls until it is told to wait: how often it got through, and what it was told.
async fn exhaust(house: &House, key: &str, method: &str, path: &str) -> (u32, Answer) {
    let mut calls = 0;
    loop {
        let answer = house.call_as(key, method, path, Value::Null).await;
        if answer.status == 429 {
            return (calls, answer);
        }
        calls += 1;
        assert!(calls < 1000, "{method} {path} is not limited");
    }
}

#[tokio::test]
async fn each_endpoint_has_the_contracts_limit() {
    let house = limited(Rates::default()).await;
    // The house's first key has registered the app.
    let key = house.key_with("read,bots,tokens,admin").await;
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
        assert_eq!(exhaust(&house, &key, method, path).await.0, limit, "{method} {path}");
    }
    // 1020 calls, and 8 that were refused: what is left of the key's own 1200.
    assert_eq!(exhaust(&house, &key, "GET", "/api/latchkey/v1/events/").await.0, 172);
    assert_eq!(exhaust(&house, &key, "GET", "/api/latchkey/v1/audit/").await.0, 0);
}

#[tokio::test]
async fn whoever_waits_as_told_is_let_in() {
    let house = limited(rates()).await;
    let key = house.api_key.clone();
    let (calls, told) = exhaust(&house, &key, "GET", "/api/v1/bot/").await;
    assert_eq!(calls, 2);
    let wait: u64 = told.header("retry-after").parse().unwrap();
    assert!((59..=61).contains(&wait), "{wait}");
    let detail = format!("Too many requests in one minute. Try again in {wait} s.");
    assert_eq!(told.json(), json!({ "code": "throttled", "detail": detail }));

    house.jump(Duration::from_secs(wait - 2));
    assert_eq!(house.get("/api/v1/bot/").await.status, 429);
    house.jump(Duration::from_secs(2));
    house.get("/api/v1/bot/").await.ok();
}

#[tokio::test]
async fn an_endpoint_is_counted_by_workspace_and_with_either_slash() {
    let house = limited(rates()).await;
    let other = house.key_with("read").await;
    house.get("/api/v1/bot/").await.ok();
    house.call_as(&other, "GET", "/api/v1/bot", Value::Null).await.ok();
    assert_eq!(house.call("HEAD", "/api/v1/bot", axum::body::Body::empty()).await.status, 429);
    assert_eq!(house.call_as(&other, "GET", "/api/v1/bot/", Value::Null).await.status, 429);
    // Another endpoint, another workspace, and nobody at all.
    house.get("/api/v2/zoom-oauth-apps/").await.ok();
    house.call_as(&house.another_workspace().await, "GET", "/api/v1/bot/", Value::Null).await.ok();
    assert_eq!(house.call_as("lk_wrong", "GET", "/api/v1/bot/", Value::Null).await.status, 401);
}

#[tokio::test]
async fn a_key_may_have_a_limit_of_its_own() {
    let house = House::build(&OFFICE).await;
    let asked = json!({ "name": "slow", "scopes": ["read"], "requests_per_minute": 3 });
    let slow = house.post("/api/latchkey/v1/api-keys/", asked).await.created();
    let slow = slow["key"].as_str().unwrap();
    for path in ["/api/v1/bot/", "/api/latchkey/v1/events/", "/api/v2/zoom-oauth-apps/"] {
        house.call_as(slow, "GET", path, Value::Null).await.ok();
    }
    assert_eq!(house.call_as(slow, "GET", "/api/v1/bot/", Value::Null).await.status, 429);
    house.get("/api/v1/bot/").await.ok();
}
