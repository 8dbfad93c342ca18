//! Zoom's webhooks: from the simulated Zoom over the network to a refused token.

use std::{convert::Infallible, task::Poll};

use axum::{
    body::{Body, Bytes},
    http::Request,
};
use futures_util::stream;
use serde_json::{Value, json};

use crate::{
    PLAN, app,
    test_app::{Answer, CLIENT_ID, Plan, TestApp},
};

/// An app whose Zoom app has its webhook at `below` the app's own path.
pub(crate) async fn told(below: &str) -> TestApp {
    let app = TestApp::build(&Plan { public_base: None, ..PLAN }).await;
    let url = app.address(&format!("/api/v2/zoom-oauth-apps/{}/{below}", app.zoom_app));
    let webhook = json!({ "url": url, "secret_token": "planted-webhook-secret" });
    let webhook = app.zoom.control("PUT", &format!("apps/{CLIENT_ID}/webhook"), webhook).await;
    assert_eq!(webhook["last_validation"]["reason"], Value::Null);
    assert_eq!(webhook["validated"], true);
    app
}

/// Makes Zoom send an event. Returns this server's answer.
async fn send(app: &TestApp, event: &str, signed: &str) -> (u64, String) {
    let body = json!({ "event": event, "user_id": app.zoom.host()["id"], "signed": signed });
    let sent = app.zoom.control("POST", &format!("apps/{CLIENT_ID}/webhook/send"), body).await;
    let attempt = &sent["attempts"][0];
    (attempt["status"].as_u64().unwrap(), attempt["answer"].as_str().unwrap().to_owned())
}

async fn fetch(app: &TestApp, link: &str, id: &str) -> Answer {
    let mut request = Request::builder().uri(app.path_of(link));
    for (name, value) in app.signature(id).await {
        request = request.header(name, value);
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

async fn account(app: &TestApp, id: &str) -> Value {
    app.get(&format!("/api/v2/zoom-oauth-credentials/{id}/")).await.ok()
}

#[tokio::test]
async fn an_account_ends_when_its_user_removes_the_app_and_can_be_reconnected() {
    let app = told("webhook").await;
    let zoom_app = app.get(&format!("/api/v2/zoom-oauth-apps/{}/", app.zoom_app)).await.ok();
    assert_eq!(zoom_app["webhook_last_validation"], json!(app.env.now()));
    let (user, removal) = (app.zoom.host()["id"].as_str().unwrap(), "removes the app");
    let id = app.connect(app.zoom.host()).await;
    let link = app.token_link(&id).await;
    assert_eq!(fetch(&app, &link, "before").await.status, 200);

    app.zoom.control("DELETE", &format!("users/{user}/apps/{CLIENT_ID}"), json!({})).await;
    let arrived = async || {
        let deliveries = app.zoom.control("GET", "webhooks", Value::Null).await;
        let delivery = deliveries.as_array()?.iter().find(|one| one["event"] == "app_deauthorized")?.clone();
        (delivery["state"] == "delivered").then_some(delivery)
    };
    let delivery = app.wait_for(removal, arrived).await;
    assert_eq!(delivery["attempts"][0]["status"], 204);
    let refused = fetch(&app, &link, "after").await;
    assert_eq!(
        (refused.status, &*refused.text),
        (424, "credential_disconnected: connect the Zoom account again")
    );
    assert_eq!(account(&app, &id).await["latchkey_status"], "disconnected:app_deauthorized");
    assert_eq!(app.tokens_in_the_store().await, 0);

    assert_eq!(app.connect(app.zoom.host()).await, id, "the same account");
    assert_eq!(account(&app, &id).await["status"], "healthy");
    app.pass(std::time::Duration::from_secs(1)).await;
    assert_eq!(fetch(&app, &link, "again").await.status, 200);
    let again = format!("webhooks/{}/repeat", delivery["id"]);
    assert_eq!(app.zoom.control("POST", &again, json!({})).await["state"], "delivered");
    assert_eq!(account(&app, &id).await["status"], "healthy", "a repeated event is harmless");
}

#[tokio::test]
async fn a_deactivated_user_gives_no_token() {
    let app = told("webhook/").await;
    let id = app.connect(app.zoom.host()).await;
    let user = format!("users/{}", app.zoom.host()["id"].as_str().unwrap());
    app.zoom.control("PATCH", &user, json!({ "active": false })).await;
    let gone = async || {
        (account(&app, &id).await["latchkey_status"] == "disconnected:user_deactivated").then_some(())
    };
    app.wait_for("the account is disconnected", gone).await;
}

#[tokio::test]
async fn forged_stale_and_malformed_requests_get_only_a_code() {
    let app = told("webhook").await;
    let id = app.connect(app.zoom.host()).await;
    let invalid = r#"{"code":"signature_invalid"}"#;
    assert_eq!(send(&app, "app_deauthorized", "forged").await, (401, invalid.to_owned()));
    let stale = r#"{"code":"signature_stale"}"#.to_owned();
    assert_eq!(send(&app, "app_deauthorized", "stale").await, (401, stale));
    assert_eq!(send(&app, "user.updated", "genuine").await, (204, String::new()));

    let path = format!("/api/v2/zoom-oauth-apps/{}/webhook", app.zoom_app);
    let now = app.env.now().as_second().to_string();
    let post = async |path: &str, body: Vec<u8>| {
        let request =
            Request::post(path).header("x-zm-signature", "v0=x").header("x-zm-request-timestamp", &now);
        let answer = app.send(request.body(Body::from(body)).unwrap()).await;
        (answer.status, answer.text)
    };
    let nobody = path.replace(&app.zoom_app, "01900000-0000-7000-8000-000000000000");
    for (path, body) in [
        (&path, b"{}".to_vec()),
        (&path, b"\xff".to_vec()),
        (&path, vec![b'x'; 1024 * 1024 + 1]),
        (&nobody, b"{}".to_vec()),
        (&path.replace(&app.zoom_app, "nonsense"), b"{}".to_vec()),
    ] {
        assert_eq!(post(path, body).await, (401, invalid.to_owned()), "{path}");
    }
    let bare = app.send(Request::post(&path).body(Body::empty()).unwrap()).await;
    assert_eq!((bare.status, &*bare.text), (401, r#"{"code":"signature_missing"}"#));
    assert_eq!(app.get(&path).await.status, 405);
    assert_eq!(account(&app, &id).await["status"], "healthy");
}

/// Unauthenticated bodies take memory: none is read for an unknown app, or with a wrong time.
#[tokio::test]
async fn no_body_is_read_if_the_request_can_be_refused_without_it() {
    let app = app().await;
    let path = format!("/api/v2/zoom-oauth-apps/{}/webhook", app.zoom_app);
    let nobody = path.replace(&app.zoom_app, "01900000-0000-7000-8000-000000000000");
    let now = app.env.now().as_second();
    for (path, timestamp, code) in [
        (&nobody, now.to_string(), "signature_invalid"),
        (&path, "yesterday".into(), "signature_invalid"),
        (&path, (now - 301).to_string(), "signature_stale"),
        (&path, (now + 301).to_string(), "signature_stale"),
        (&path, "1".into(), "signature_stale"),
    ] {
        let body = Body::from_stream(stream::poll_fn(|_| -> Poll<Option<Result<Bytes, Infallible>>> {
            panic!("the body must not be read")
        }));
        let request = Request::post(path).header("x-zm-signature", "v0=x");
        let request = request.header("x-zm-request-timestamp", &timestamp).body(body).unwrap();
        let refused = app.send(request).await;
        assert_eq!((refused.status, refused.json()), (401, json!({ "code": code })), "{path} {timestamp}");
    }
}
