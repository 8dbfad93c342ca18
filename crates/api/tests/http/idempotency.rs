//! `Idempotency-Key`: a repeated call runs once.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::{
    PLAN, app,
    test_app::{Answer, CLIENT_ID, Plan, TestApp},
};

const MEETING: &str = "https://zoom.us/j/81234567890";

async fn send_as(
    app: &TestApp,
    key: &str,
    (method, path): (&str, &str),
    idempotency_key: &str,
    body: &Value,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Token {key}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("Idempotency-Key", idempotency_key);
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn post(app: &TestApp, path: &str, idempotency_key: &str, body: &Value) -> Answer {
    send_as(app, &app.api_key, ("POST", path), idempotency_key, body).await
}

async fn bots(app: &TestApp) -> u64 {
    app.get("/api/v1/bot/").await.ok()["count"].as_u64().unwrap()
}

#[tokio::test]
async fn a_call_that_is_sent_again_is_answered_again_on_any_server() {
    let app = app().await;
    let other = app.another(&PLAN).await;
    let bot = json!({ "meeting_url": MEETING });
    let first = post(&app, "/api/v1/bot/", "key-1", &bot).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, ""));
    app.jump(Duration::from_secs(3599));
    // With and without a trailing slash it is the same path.
    for (server, path) in [(&app, "/api/v1/bot/"), (&other, "/api/v1/bot/"), (&other, "/api/v1/bot")] {
        let again = post(server, path, "key-1", &bot).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
        assert_eq!((&again.text, again.header("content-type")), (&first.text, "application/json"));
    }
    assert_eq!(bots(&app).await, 1);
    app.jump(Duration::from_secs(1));
    assert_eq!(post(&other, "/api/v1/bot/", "key-1", &bot).await.header("idempotent-replayed"), "");
    assert_eq!(bots(&app).await, 2, "an hour has passed");
}

#[tokio::test]
async fn a_call_is_identified_by_caller_path_and_key() {
    let app = app().await;
    let bot = json!({ "meeting_url": MEETING });
    let first = post(&app, "/api/v1/bot/", "key-1", &bot).await.created();
    // Another key of the same workspace, another workspace, another path, another idempotency key.
    for key in [app.key_with("bots").await, app.another_workspace().await] {
        let other = send_as(&app, &key, ("POST", "/api/v1/bot/"), "key-1", &bot).await.created();
        assert_ne!(other["id"], first["id"]);
    }
    let leave = format!("/api/v1/bot/{}/leave_call/", first["id"].as_str().unwrap());
    post(&app, &leave, "key-1", &json!({})).await.ok();
    post(&app, "/api/v1/bot/", "key-2", &bot).await.created();
    // On a GET and on a token link the header has no effect: there, the replayed id is refused.
    let link = app.path_of(&app.token_link(&app.connect(&app.zoom.host().clone()).await).await);
    let mut request = Request::builder().uri(&link).header("Idempotency-Key", "key-1");
    for (name, value) in app.signature("msg_1").await {
        request = request.header(name, value);
    }
    let key = format!("Token {}", app.api_key);
    let request = request.header(header::AUTHORIZATION, key).body(Body::empty()).unwrap();
    assert_eq!(app.send(request).await.status, 200);
    assert_eq!(send_as(&app, &app.api_key, ("POST", &link), "key-1", &Value::Null).await.status, 401);
    let get = send_as(&app, &app.api_key, ("GET", "/api/v1/bot/"), "key-1", &json!({})).await;
    assert_eq!((get.status, get.header("idempotent-replayed")), (200, ""));
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let app = app().await;
    post(&app, "/api/v1/bot/", "key-1", &json!({ "meeting_url": MEETING })).await.created();
    let other = json!({ "meeting_url": MEETING, "bot_name": "Other" });
    for (path, body) in [("/api/v1/bot/", other), ("/api/v1/bot/?a=b", json!({ "meeting_url": MEETING }))] {
        let refused = post(&app, path, "key-1", &body).await.refused();
        let detail = "This Idempotency-Key was used for another request.";
        assert_eq!(refused, json!({ "code": "idempotency_key_reuse", "detail": detail }));
    }
    assert_eq!(bots(&app).await, 1);
    for key in ["", "with space", "ü", &"x".repeat(256)] {
        let request = app.request("POST", "/api/v1/bot/").header("Idempotency-Key", key.as_bytes());
        let refused = app.send(request.body(Body::empty()).unwrap()).await.refused();
        assert_eq!(refused["code"], "idempotency_key_invalid", "{key:?}");
    }
    let longest = "~".repeat(255);
    post(&app, "/api/v1/bot/", &longest, &json!({ "meeting_url": MEETING })).await.created();
}

#[tokio::test]
async fn one_of_several_concurrent_identical_calls_runs() {
    let app = app().await;
    let (bot, other) = (json!({ "meeting_url": MEETING }), app.another(&PLAN).await);
    let calls = (0..8).map(|n| post(if n % 2 == 0 { &app } else { &other }, "/api/v1/bot/", "key-1", &bot));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(bots(&app).await, 1);
    let done: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!done.is_empty() && done.iter().all(|answer| answer.text == done[0].text));
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        let detail = "A request with this Idempotency-Key is still in progress.";
        assert_eq!((refused.status, refused.json()), (409, json!({ "code": "conflict", "detail": detail })));
    }
}

/// The caller's timeout is shorter than Zoom's delay: the work continues, and a repeated request gets its answer.
#[tokio::test]
async fn a_caller_who_disconnected_gets_the_answer_later() {
    let app = Arc::new(app().await);
    let asked = code(&app).await;
    let path = "/api/v2/zoom-oauth-credentials/";
    app.zoom.control("POST", "faults", json!({ "where": "token", "kind": "hold_after" })).await;
    let call = tokio_util::task::TaskTracker::new().spawn({
        let (app, asked) = (Arc::clone(&app), asked.clone());
        async move { post(&app, path, "key-1", &asked).await }
    });
    let at_zoom = async || (app.zoom.count("token_exchanges").await == 1).then_some(());
    app.wait_for("the call has come as far as Zoom", at_zoom).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    app.zoom.control("DELETE", "faults/held", json!({})).await;
    let answered = async || {
        let answer = post(&app, path, "key-1", &asked).await;
        (answer.status != 409).then_some(answer)
    };
    let answer = app.wait_for("it has an answer", answered).await;
    assert_eq!((answer.status, answer.header("idempotent-replayed")), (201, "true"), "{}", answer.text);
    assert_eq!(app.zoom.count("token_exchanges").await, 1);
}

/// A request to connect an account by a code, which works once.
async fn code(app: &TestApp) -> Value {
    let redirect_uri = app.address("/oauth/zoom/callback");
    let code = app.zoom.code(CLIENT_ID, &redirect_uri).await;
    json!({ "oauth_app": app.zoom_app, "authorization_code": { "code": code, "redirect_uri": redirect_uri } })
}

/// The answers contain secrets that are shown once: they are stored sealed, and only the same key can read them.
#[tokio::test]
async fn secrets_in_answers_are_replayed_and_sealed() {
    let app = app().await;
    let asked = json!({ "name": "k", "scopes": ["read"] });
    let first = post(&app, "/api/latchkey/v1/api-keys/", "key-1", &asked).await;
    let again = post(&app, "/api/latchkey/v1/api-keys/", "key-1", &asked).await;
    assert_eq!((again.header("cache-control"), &again.text), ("no-store", &first.text));
    let key = first.created()["key"].as_str().unwrap().to_owned();
    let stored = app.bytes_of_the_store();
    assert!(!stored.windows(key.len()).any(|window| window == key.as_bytes()));
    app.call_as(&key, "GET", "/api/v1/bot/", Value::Null).await.ok();
}

#[tokio::test]
async fn permanent_errors_are_replayed_and_temporary_ones_are_not() {
    let app = app().await;
    let wrong = post(&app, "/api/v1/bot/", "key-1", &json!({})).await;
    let again = post(&app, "/api/v1/bot/", "key-1", &json!({})).await;
    assert_eq!((again.refused(), again.header("idempotent-replayed")), (wrong.refused(), "true"));

    // These answers are not stored: a caller with a wrong key, or above its limit, is refused each time.
    let stranger = send_as(&app, "lk_wrong", ("POST", "/api/v1/bot/"), "key-1", &json!({})).await;
    assert_eq!((stranger.status, stranger.header("idempotent-replayed")), (401, ""));
    let rates = api::Rates { create_bot: 1.try_into().unwrap(), ..api::Rates::default() };
    let hurried = app.another(&Plan { rates: Some(rates), ..PLAN }).await;
    let bot = json!({ "meeting_url": MEETING });
    post(&hurried, "/api/v1/bot/", "key-2", &bot).await.created();
    let throttled = post(&hurried, "/api/v1/bot/", "key-3", &bot).await;
    assert_eq!((throttled.status, throttled.header("idempotent-replayed")), (429, ""));
    app.jump(Duration::from_secs(61));
    assert_eq!(post(&hurried, "/api/v1/bot/", "key-3", &bot).await.status, 201);

    // Zoom is unavailable: a retry may succeed.
    let code = code(&app).await;
    app.zoom.control("POST", "faults", json!({ "where": "token", "kind": "http_500", "times": 1 })).await;
    let path = "/api/v2/zoom-oauth-credentials/";
    let away = post(&app, path, "key-4", &code).await;
    assert_eq!(away.status, 503, "{}", away.text);
    let luckier = post(&app, path, "key-4", &code).await;
    assert_eq!((luckier.status, luckier.header("idempotent-replayed")), (201, ""), "{}", luckier.text);
}
