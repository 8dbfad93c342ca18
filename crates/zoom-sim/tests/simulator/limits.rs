//! Rate limits and delays of REST.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Connected, Zoom, read, text};

async fn connected() -> (Zoom, Connected, String) {
    let zoom = Zoom::start().await;
    let user = zoom.user("ada").await;
    let app = zoom
        .app(json!({"scopes": ["user:read:user", "meeting:read:meeting", "meeting:write:meeting"]}))
        .await;
    let tokens = zoom.connect(&app).await;
    (zoom, tokens, user)
}

/// Status and headers of an answer.
async fn call(zoom: &Zoom, access: &str) -> (u16, HeaderMap) {
    let response = zoom.try_get("/v2/users/me", access).await.unwrap();
    let headers = response.headers().clone();
    (read(response).await.status, headers)
}

async fn set(zoom: &Zoom, limits: Value) {
    zoom.control("PATCH", "/switches", json!({"rest_limits": limits})).await;
}

fn daily(limit: u32) -> Value {
    json!({"pro": {"light": {"per_second": null, "per_day": limit}}})
}

#[tokio::test]
async fn nothing_is_limited_by_default() {
    let (zoom, tokens, _) = connected().await;
    let (status, headers) = call(&zoom, &tokens.access).await;
    assert_eq!((status, headers.contains_key("x-ratelimit-limit")), (200, false));
    set(&zoom, json!({})).await;
    let limits = zoom.control("GET", "/switches", Value::Null).await["rest_limits"].clone();
    assert_eq!(limits["free"]["light"], json!({"per_second": 4, "per_day": 6000}), "as published");
    let (status, headers) = call(&zoom, &tokens.access).await;
    assert_eq!((status, &headers["x-ratelimit-limit"]), (200, &"30".parse().unwrap()), "pro, light");
    assert_eq!(headers["x-ratelimit-remaining"], "29");
    set(&zoom, Value::Null).await;
    assert!(!call(&zoom, &tokens.access).await.1.contains_key("x-ratelimit-limit"));
}

#[tokio::test]
async fn a_per_second_limit_sends_seconds() {
    let (zoom, tokens, _) = connected().await;
    set(&zoom, json!({"pro": {"light": {"per_second": 2}}})).await;
    // More calls than fit into two windows, so that a slow machine does not matter.
    let mut refused = None;
    for _ in 0..50 {
        let (status, headers) = call(&zoom, &tokens.access).await;
        if status == 429 {
            refused = Some(headers);
            break;
        }
    }
    let headers = refused.expect("one of the calls must be refused");
    for (name, value) in [
        ("x-ratelimit-category", "Light"),
        ("x-ratelimit-type", "QPS"),
        ("x-ratelimit-limit", "2"),
        ("x-ratelimit-remaining", "0"),
        ("retry-after", "1"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert!(headers["x-ratelimit-reset"].to_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    assert_eq!(zoom.stat("rest_429").await, 1);
    let calls = zoom.control("GET", "/stats", Value::Null).await["rest_calls"]["read_user"].clone();
    assert!(calls.as_u64() > Some(2));
}

#[tokio::test]
async fn a_daily_limit_sends_a_date_and_is_per_account() {
    let (zoom, tokens, user) = connected().await;
    let other_app = zoom.app(json!({})).await;
    let same_account = zoom.connect(&other_app).await;
    set(&zoom, daily(2)).await;
    assert_eq!(call(&zoom, &tokens.access).await.0, 200);
    assert_eq!(call(&zoom, &same_account.access).await.0, 200);
    let (status, headers) = call(&zoom, &tokens.access).await;
    assert_eq!((status, &headers["x-ratelimit-type"]), (429, &"Daily-limit".parse().unwrap()));
    let retry = headers["retry-after"].to_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(retry.as_second() % 86_400, 0, "midnight UTC");
    let body = zoom.get("/v2/users/me", &tokens.access).await.body;
    assert_eq!(body["code"], 429);
    assert!(text(&body, "message").contains("daily"));
    assert_eq!(call(&zoom, "nonsense").await.0, 401, "an invalid token is not limited");

    let outsider = json!({"email": "o@partner.test", "account_id": "partner"});
    let outsider = text(&zoom.control("POST", "/users", outsider).await, "id");
    zoom.control("PUT", "/signed-in", json!({"user_id": outsider})).await;
    let outside = zoom.connect(&other_app).await;
    assert_eq!(call(&zoom, &outside.access).await.0, 200, "another account has its own");
    zoom.control("PATCH", &format!("/users/{user}"), json!({"plan": "business"})).await;
    assert_eq!(call(&zoom, &tokens.access).await.0, 200, "a better plan has other limits");
    zoom.control("PATCH", &format!("/users/{user}"), json!({"plan": "pro"})).await;
    assert_eq!(call(&zoom, &tokens.access).await.0, 429);
    zoom.advance(86_400).await;
    let fresh = zoom.connect(&other_app).await;
    assert_eq!(call(&zoom, &fresh.access).await.0, 200);
}

#[tokio::test]
async fn changes_of_a_hosts_meetings_have_a_daily_limit() {
    let (zoom, tokens, _) = connected().await;
    set(&zoom, json!({"meeting_writes_per_day": 1})).await;
    let create = async || zoom.call("POST", "/v2/users/me/meetings", &tokens.access, Value::Null).await;
    assert_eq!(create().await.status, 201);
    assert_eq!((create().await.status, zoom.stat("rest_429").await), (429, 1));
}

#[tokio::test]
async fn invalid_limits_are_refused() {
    let (zoom, ..) = connected().await;
    for limits in [json!(3), json!({"gold": {}}), json!({"pro": {"light": {"per_second": -1}}})] {
        let answer = zoom.ask("PATCH", "/switches", json!({"rest_limits": limits})).await;
        assert_eq!(answer.status, 400, "{limits}");
    }
}

#[tokio::test]
async fn answers_are_delayed_as_configured() {
    let (zoom, tokens, _) = connected().await;
    let late = json!({"rest_delay_ms": 60_000, "token_delay_ms": 60_000});
    zoom.control("PATCH", "/switches", late).await;
    let soon = std::time::Duration::from_millis(200);
    assert!(tokio::time::timeout(soon, zoom.get("/v2/users/me", &tokens.access)).await.is_err());
    assert!(tokio::time::timeout(soon, zoom.post("/oauth/token", &[])).await.is_err());
    zoom.control("PATCH", "/switches", json!({"rest_delay_ms": 1, "token_delay_ms": 1})).await;
    assert_eq!(zoom.get("/v2/users/me", &tokens.access).await.status, 200);
    assert_eq!(zoom.post("/oauth/token", &[]).await.status, 400);
}
