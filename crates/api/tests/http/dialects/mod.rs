//! Tokens for every platform: each dialect in its platform's protocol, every kind of token, and all refusals.

mod attendee;
mod kinds_of_tokens;
mod limits_of_a_link;
mod meeting_baas;
mod reports;
mod secrets_in_urls;

use axum::{body::Body, http::Request};
use model::Secret;
use serde_json::{Value, json};
use token_links::attendee_signature::{AttendeeKey, canonical};

use crate::{
    app,
    test_app::{Answer, TestApp},
};

const LINKS: &str = "/api/latchkey/v1/token-links/";

/// An app with an account of the host.
async fn with_account() -> (TestApp, String) {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    (app, account)
}

/// A new link, and its path.
async fn link(app: &TestApp, asked: Value) -> (Value, String) {
    let made = app.post(LINKS, asked).await.created();
    let path = app.path_of(made["url"].as_str().unwrap());
    (made, path)
}

/// A signed fetch, like Recall's.
async fn fetch(app: &TestApp, path: &str, id: &str) -> Answer {
    let mut request = Request::builder().uri(path);
    for (name, value) in app.signature(id).await {
        request = request.header(name, value);
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

/// A fetch with nothing but the address.
async fn bare(app: &TestApp, path: &str) -> Answer {
    app.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await
}

/// A project's secret, as Attendee shows it.
const PROJECT: &str = "Tk9ULUEtUkVBTC1TRUNSRVQtYXR0ZW5kZWUtdmVjMDE=";

/// Attendee's request for a bot in a meeting, in the order and spelling of its Python code.
fn ask(bot: &str, meeting: &str) -> String {
    format!(
        r#"{{"bot_id": "{bot}", "bot_metadata": {{"note": "Z\u00fcrich", "Order": 2}}, "callback_type": "zoom_tokens", "meeting_url": "https://zoom.us/j/{meeting}?pwd=abc.1"}}"#
    )
}

/// A call from Attendee with this signature, or the correct one.
async fn call(app: &TestApp, path: &str, body: &str, signature: Option<&str>) -> Answer {
    let key = AttendeeKey::parse(&Secret::new(PROJECT)).unwrap();
    let right = canonical(body.as_bytes()).map(|text| key.sign(&text)).unwrap_or_default();
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header("content-type", "application/json")
        .header("user-agent", "Attendee-Callback/1.0")
        .header("x-webhook-signature", signature.unwrap_or(&right));
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn attendee(account: &str, changes: &Value) -> Value {
    let mut asked = json!({ "credential": account, "dialect": "attendee", "signing_secret": PROJECT });
    asked.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    asked
}

/// Checks a refusal in the object that Attendee logs.
fn refused(answer: &Answer, status: u16, code: &str, retryable: bool) {
    let error = &answer.json()["error"];
    assert_eq!(
        (answer.status, &error["code"], &error["retryable"]),
        (status, &json!(code), &json!(retryable))
    );
    assert!(!error["message"].as_str().unwrap().is_empty());
}
