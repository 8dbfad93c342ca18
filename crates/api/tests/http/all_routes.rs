//! Behaviour that all routes share.

use std::collections::HashSet;

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::app;

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
async fn every_path_works_with_and_without_a_trailing_slash() {
    let app = app().await;
    let mut ids = HashSet::new();
    for (method, path) in ROUTES {
        let mut answers = Vec::new();
        for path in [path.to_owned(), format!("{path}/")] {
            let answer = app.call(method, &path, Body::empty()).await;
            assert!(!matches!(answer.status, 301..=308 | 405), "{method} {path}: {}", answer.status);
            assert!(ids.insert(answer.header("x-request-id").to_owned()), "each answer has its own id");
            answers.push((answer.status, answer.text));
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
    assert!(ids.iter().all(|id| id.len() == 16), "{ids:?}");
}

#[tokio::test]
async fn unknown_paths_and_unsupported_methods_are_refused() {
    let app = app().await;
    for path in ["/", "/api/v1/bots/", "/api/v1/bot/x/y/z/", "//api/v1/bot/", "/t/", "/planted?x=planted"] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.json()), (404, json!({ "detail": "Not found." })), "{path}");
        assert_eq!(answer.header("x-request-id").len(), 16);
    }
    for (method, path) in [
        ("DELETE", "/api/v1/bot/"),
        ("PUT", "/api/v1/bot/x/"),
        ("DELETE", "/api/v1/bot/x/screenshots/"),
        ("GET", "/api/v1/bot/x/leave_call/"),
        ("POST", "/healthz"),
        ("POST", "/oauth/zoom/callback"),
        ("BREW", "/api/v1/bot/"),
    ] {
        let answer = app.call(method, path, Body::empty()).await;
        let detail = "This path does not support this method; `Allow` lists the methods that it supports.";
        let expected = json!({ "code": "method_not_allowed", "detail": detail });
        assert_eq!((answer.status, answer.json()), (405, expected), "{method} {path}");
        assert_eq!(answer.header("x-request-id").len(), 16);
        assert_ne!(answer.header("allow"), "", "{method} {path}");
    }
}

/// A 405 lists the methods that are supported (RFC 9110), and each of them works, on every route.
#[tokio::test]
async fn every_method_that_a_405_allows_works() {
    let app = app().await;
    for path in api::paths() {
        let path = path.replace('{', "garbage-").replace('}', "");
        let refused = app.call("BREW", &path, Body::empty()).await;
        assert_eq!(refused.status, 405, "{path}");
        let allowed: Vec<_> = refused.header("allow").split(',').map(str::trim).collect();
        assert!(allowed.iter().all(|method| !method.is_empty()), "{path}: {allowed:?}");
        for method in allowed {
            let answer = app.call(method, &path, Body::empty()).await;
            assert_ne!(answer.status, 405, "{method} {path}");
        }
    }
}

/// If a filter were ignored, the answer would contain all rows, and the caller would act on them.
#[tokio::test]
async fn an_unknown_filter_is_refused() {
    let app = app().await;
    for (list, known) in [
        ("/api/v1/bot/", "?status=done&platform[]=zoom&metadata__k=v&page=1"),
        ("/api/v2/zoom-oauth-apps/", "?client_id=x&ordering=-created_at"),
        ("/api/v2/zoom-oauth-credentials/", "?user_id=x&created_at_after=2026-01-01"),
        ("/api/v2/zoom-meetings-to-credentials/", "?meeting_id=123456789"),
        ("/api/v2/zoom-oauth-credential-logs/", "?created_at_before=2026-01-01"),
        ("/api/v2/zoom-oauth-app-logs/", ""),
        ("/api/latchkey/v1/credential-events/", ""),
        ("/api/latchkey/v1/audit/", "?since=2026-01-01"),
        ("/api/latchkey/v1/token-links/", ""),
        ("/api/latchkey/v1/pools/", ""),
        ("/api/latchkey/v1/parked-consents/", ""),
        ("/api/latchkey/v1/api-keys/", ""),
    ] {
        app.get(&format!("{list}{known}")).await.ok();
    }
    let made =
        async |path: &str, body| app.post(path, body).await.created()["id"].as_str().unwrap().to_owned();
    let things = [
        ("/bot/{id}/", app.bot(json!({ "meeting_url": "https://zoom.us/j/123456789" })).await),
        ("/pools/{id}/", made("/api/latchkey/v1/pools/", json!({ "name": "p" })).await),
        (
            "/webhook-endpoints/{id}/",
            made("/api/latchkey/v1/webhook-endpoints/", json!({ "url": "https://example.com/" })).await,
        ),
    ];
    let everything = app.key_with("read,bots,tokens,admin,operator").await;
    let lists = lists();
    assert!(lists.len() >= 20, "{lists:?}");
    for list in lists {
        let owner = things.iter().find(|(path, _)| list.contains(path));
        let path = owner.map_or_else(|| list.clone(), |(_, id)| list.replace("{id}", id));
        let path = format!("{path}?stauts=done");
        let refused = app.call_as(&everything, "GET", &path, Value::Null).await.refused();
        let words = refused["stauts"][0].as_str().unwrap();
        assert!(words.starts_with("This list has no "), "{list}: {words}");
    }
}

/// The path of every operation that answers with a list.
fn lists() -> Vec<String> {
    let document = api::document();
    let is_list = |operation: &Value| {
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        let named = schema["$ref"].as_str().and_then(|name| document.pointer(name.strip_prefix('#')?));
        named.unwrap_or(schema)["properties"]["results"].is_object()
    };
    let paths = document["paths"].as_object().unwrap().iter();
    paths.filter(|(_, methods)| is_list(&methods["get"])).map(|(path, _)| path.clone()).collect()
}

/// `curl -d` marks every body as a form.
#[tokio::test]
async fn json_with_a_forms_content_type_is_refused() {
    let app = app().await;
    let body = json!({ "kind": "user_level", "client_id": "id" }).to_string();
    for body in [body.clone(), format!("\n {body}"), "[1]".into(), "{".into()] {
        let request = app.request("POST", "/api/v2/zoom-oauth-apps/");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = app.send(request.body(Body::from(body)).unwrap()).await;
        let detail = "The body is JSON, but its Content-Type says that it is a form: send `Content-Type: application/json`.";
        assert_eq!((answer.status, answer.json()), (400, json!({ "code": "parse_error", "detail": detail })));
    }
}

#[tokio::test]
async fn a_placeholder_from_a_guide_is_not_accepted_as_a_secret() {
    let app = app().await;
    let asked = json!({ "kind": "server_to_server", "client_id": "…", "client_secret": "...",
                        "webhook_secret": "<secret>", "account_id": "…" });
    let words = json!(["This is the placeholder of an example: give your own value."]);
    let refused = app.post("/api/v2/zoom-oauth-apps/", asked).await.refused();
    assert_eq!(
        refused,
        json!({ "client_id": words, "client_secret": words, "webhook_secret": words, "account_id": words })
    );
    let asked = json!({ "kind": "server_to_server", "client_id": "id", "client_secret": "planted",
                        "account_id": "********" });
    let refused = app.post("/api/v2/zoom-oauth-apps/", asked).await.refused();
    assert_eq!(refused, json!({ "account_id": ["This is the mask of an answer, not a secret."] }));
}

#[tokio::test]
async fn health_is_public() {
    let app = app().await;
    for path in ["/livez", "/healthz"] {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = app.send(request).await.ok();
        assert_eq!(answer, json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }), "{path}");
    }
    let request = Request::builder().uri("/readyz").body(Body::empty()).unwrap();
    let answer = app.send(request).await.ok();
    assert_eq!(answer["status"], "ready", "{answer}");
    let findings = answer["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["ok"] == true), "{answer}");
    assert!(findings.iter().any(|finding| finding["name"] == "database_writes"), "{answer}");
}

#[tokio::test]
async fn the_callback_secret_can_sign() {
    let app = app().await;
    let answer = app.get("/api/latchkey/v1/callback-secret/").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.ok()["secret"].as_str().unwrap().starts_with("whsec_"));
}
