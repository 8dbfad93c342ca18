//! Who may call.

use axum::{
    body::Body,
    http::{HeaderValue, Request, header::AUTHORIZATION},
};
use serde_json::json;

use crate::{
    house::{Answer, House},
    office,
};

async fn with(house: &House, authorization: Option<HeaderValue>) -> Answer {
    let mut request = Request::builder().uri("/api/v1/bot/");
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    house.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_key_may_be_written_in_several_ways() {
    let house = office().await;
    let key = &house.api_key;
    for written in [
        format!("Token {key}"),
        format!("token {key}"),
        format!("TOKEN  {key}"),
        format!("Bearer {key}"),
        key.clone(),
    ] {
        let answer = with(&house, Some(written.parse().unwrap())).await;
        assert_eq!(answer.status, 200, "{}", written.replace(key, "…"));
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_told() {
    let house = office().await;
    let key = &house.api_key;
    let answer = with(&house, None).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), "Token");
    assert_eq!(
        answer.json(),
        json!({ "code": "not_authenticated", "detail": "Send an API key: `Authorization: Token <key>`." })
    );
    for wrong in [
        String::new(),
        "Token".into(),
        "Token ".into(),
        "Token lk_wrong".into(),
        format!("Basic {key}"),
        format!("Token {key}x"),
        format!("Token {key} {key}"),
        format!("Token {}", &key[..key.len() - 1]),
    ] {
        let answer = with(&house, Some(wrong.parse().unwrap())).await;
        assert_eq!(answer.status, 401, "{}", wrong.replace(key, "…"));
        assert_eq!(
            answer.json(),
            json!({ "code": "authentication_failed", "detail": "This API key is not known here." })
        );
    }
    assert_eq!(with(&house, Some(HeaderValue::from_bytes(b"Token \xff").unwrap())).await.status, 401);
}

/// Not even what is wrong with a request is told to somebody without a key.
#[tokio::test]
async fn the_key_is_looked_at_first() {
    let house = office().await;
    for (method, path) in [
        ("POST", "/api/v1/bot/"),
        ("GET", "/api/v1/bot/garbage/"),
        ("GET", "/api/v1/bot/garbage/screenshots/"),
        ("POST", "/api/v1/bot/garbage/leave_call/"),
        ("GET", "/api/v2/zoom-oauth-apps/garbage/"),
        ("POST", "/api/v2/zoom-oauth-apps/"),
        ("GET", "/api/v2/zoom-oauth-credentials/"),
        ("POST", "/api/latchkey/v1/connect-links/"),
        ("POST", "/api/latchkey/v1/token-links/"),
        ("DELETE", "/api/latchkey/v1/token-links/garbage/"),
        ("GET", "/api/latchkey/v1/callback-secret/"),
        ("GET", "/api/latchkey/v1/bot/garbage/screenshots/garbage/"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::from("{")).unwrap();
        assert_eq!(house.send(request).await.status, 401, "{method} {path}");
    }
}
