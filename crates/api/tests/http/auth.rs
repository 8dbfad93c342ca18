//! Authentication.

use axum::{
    body::Body,
    http::{HeaderValue, Request, header::AUTHORIZATION},
};
use serde_json::json;

use crate::{
    app,
    tenants::{METHODS, WITHOUT_A_CALLER},
    test_app::{Answer, TestApp},
};

async fn with(app: &TestApp, authorization: Option<HeaderValue>) -> Answer {
    let mut request = Request::builder().uri("/api/v1/bot/");
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_key_may_be_written_in_several_ways() {
    let app = app().await;
    let key = &app.api_key;
    for written in [
        format!("Token {key}"),
        format!("token {key}"),
        format!("TOKEN  {key}"),
        format!("Bearer {key}"),
        key.clone(),
    ] {
        let answer = with(&app, Some(written.parse().unwrap())).await;
        assert_eq!(answer.status, 200, "{}", written.replace(key, "…"));
    }
}

#[tokio::test]
async fn without_a_key_every_request_is_refused_alike() {
    let app = app().await;
    let key = &app.api_key;
    let answer = with(&app, None).await;
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
        let answer = with(&app, Some(wrong.parse().unwrap())).await;
        assert_eq!(answer.status, 401, "{}", wrong.replace(key, "…"));
        assert_eq!(
            answer.json(),
            json!({ "code": "authentication_failed", "detail": "This server does not know this API key: check that it is complete and belongs to this server." })
        );
    }
    assert_eq!(with(&app, Some(HeaderValue::from_bytes(b"Token \xff").unwrap())).await.status, 401);
}

/// No route is public by accident. A client without a key does not even learn what is wrong with its request.
#[tokio::test]
async fn the_key_is_checked_first() {
    let app = app().await;
    let public = [
        "/oauth/zoom/authorize",
        "/oauth/zoom/callback",
        // Its token authenticates it.
        "/oauth/zoom/reconnect",
        "/livez",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs/error-codes",
        "/docs/sub-codes",
    ];
    for path in api::paths() {
        if public.contains(&path.as_str()) || WITHOUT_A_CALLER.contains(&path.as_str()) {
            continue;
        }
        let garbage = path.replace('{', "garbage-").replace('}', "");
        let mut statuses = Vec::new();
        for method in METHODS {
            let request = Request::builder().method(method).uri(&garbage).body(Body::from("{")).unwrap();
            statuses.push(app.send(request).await.status);
        }
        assert!(statuses.iter().all(|status| [401, 405].contains(status)), "{path}: {statuses:?}");
        assert!(statuses.contains(&401), "{path} has no method");
    }
}
