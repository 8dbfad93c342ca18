//! What all routes have in common.

use std::collections::HashSet;

use axum::{body::Body, http::Request};
use serde_json::json;

use crate::office;

const ROUTES: [(&str, &str); 23] = [
    ("GET", "/api/v1/bot"),
    ("POST", "/api/v1/bot"),
    ("GET", "/api/v1/bot/x"),
    ("POST", "/api/v1/bot/x/leave_call"),
    ("GET", "/api/v1/bot/x/screenshots"),
    ("GET", "/api/v2/zoom-oauth-apps"),
    ("POST", "/api/v2/zoom-oauth-apps"),
    ("GET", "/api/v2/zoom-oauth-apps/x"),
    ("GET", "/api/v2/zoom-oauth-credentials"),
    ("GET", "/api/v2/zoom-oauth-credentials/x"),
    ("DELETE", "/api/v2/zoom-oauth-apps/x"),
    ("POST", "/api/v2/zoom-oauth-credentials/x/sync-meetings"),
    ("GET", "/api/v2/zoom-meetings-to-credentials"),
    ("GET", "/api/latchkey/v1/settings"),
    ("POST", "/api/latchkey/v1/connect-links"),
    ("GET", "/api/latchkey/v1/token-links"),
    ("POST", "/api/latchkey/v1/token-links"),
    ("DELETE", "/api/latchkey/v1/token-links/x"),
    ("GET", "/api/latchkey/v1/callback-secret"),
    ("GET", "/oauth/zoom/authorize"),
    ("GET", "/healthz"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
];

#[tokio::test]
async fn every_path_works_with_and_without_its_last_slash() {
    let house = office().await;
    let mut ids = HashSet::new();
    for (method, path) in ROUTES {
        let mut answers = Vec::new();
        for path in [path.to_owned(), format!("{path}/")] {
            let answer = house.call(method, &path, Body::empty()).await;
            assert!(!matches!(answer.status, 301..=308 | 405), "{method} {path}: {}", answer.status);
            assert!(ids.insert(answer.header("x-request-id").to_owned()), "an id of its own");
            answers.push((answer.status, answer.text));
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
    assert!(ids.iter().all(|id| id.len() == 16), "{ids:?}");
}

#[tokio::test]
async fn a_path_that_is_none_and_a_method_that_does_not_fit() {
    let house = office().await;
    for path in ["/", "/api/v1/bots/", "/api/v1/bot/x/y/z/", "//api/v1/bot/", "/t/", "/planted?x=planted"] {
        let answer = house.get(path).await;
        assert_eq!((answer.status, answer.json()), (404, json!({ "detail": "Not found." })), "{path}");
        assert_eq!(answer.header("x-request-id").len(), 16);
    }
    for (method, path) in [
        ("DELETE", "/api/v1/bot/"),
        ("PUT", "/api/v1/bot/x/"),
        ("DELETE", "/api/v1/bot/x/"),
        ("GET", "/api/v1/bot/x/leave_call/"),
        ("POST", "/healthz"),
        ("POST", "/oauth/zoom/callback"),
        ("BREW", "/api/v1/bot/"),
    ] {
        let answer = house.call(method, path, Body::empty()).await;
        let detail = "This path does not take this method.";
        let expected = json!({ "code": "method_not_allowed", "detail": detail });
        assert_eq!((answer.status, answer.json()), (405, expected), "{method} {path}");
        assert_eq!(answer.header("x-request-id").len(), 16);
        assert_ne!(answer.header("allow"), "", "{method} {path}");
    }
}

/// A 405 names the methods that work (RFC 9110), and each of them does, on every route.
#[tokio::test]
async fn every_method_that_a_405_allows_works() {
    let house = office().await;
    for path in api::paths() {
        let path = path.replace('{', "garbage-").replace('}', "");
        let refused = house.call("BREW", &path, Body::empty()).await;
        assert_eq!(refused.status, 405, "{path}");
        let allowed: Vec<_> = refused.header("allow").split(',').map(str::trim).collect();
        assert!(allowed.iter().all(|method| !method.is_empty()), "{path}: {allowed:?}");
        for method in allowed {
            let answer = house.call(method, &path, Body::empty()).await;
            assert_ne!(answer.status, 405, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn health_is_told_to_everybody() {
    let house = office().await;
    for path in ["/livez", "/healthz"] {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = house.send(request).await.ok();
        assert_eq!(answer, json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }), "{path}");
    }
    let request = Request::builder().uri("/readyz").body(Body::empty()).unwrap();
    let answer = house.send(request).await.ok();
    assert_eq!(answer["status"], "ready", "{answer}");
    let findings = answer["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["ok"] == true), "{answer}");
    assert!(findings.iter().any(|finding| finding["name"] == "database_writes"), "{answer}");
}

#[tokio::test]
async fn the_callback_secret_is_one_that_signs() {
    let house = office().await;
    let answer = house.get("/api/latchkey/v1/callback-secret/").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.ok()["secret"].as_str().unwrap().starts_with("whsec_"));
}
