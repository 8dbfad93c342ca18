//! Pasted ids and secrets: characters around them are removed, wrong characters inside are reported.

use axum::{body::Body, http::header};
use serde_json::{Value, json};

use crate::{
    PLAN,
    test_app::{Answer, CLIENT_ID, CLIENT_SECRET, Plan, TestApp},
};

const APPS: &str = "/api/v2/zoom-oauth-apps/";
const LINKS: &str = "/api/latchkey/v1/token-links/";
const OVERLAP: &str = "webhook_secret_overlap_seconds";
const AROUND: [&str; 5] = ["\n", "\r\n", "\u{a0}", "\u{feff}", " \u{200b}\t"];
const INSIDE: [char; 5] = [' ', '\n', '\0', '\u{200b}', '\u{a0}'];

fn zoom_app(kind: &str) -> Value {
    let account_id = (kind == "server_to_server").then_some("planted-account");
    json!({ "kind": kind, "client_id": "planted-client", "client_secret": "planted-secret",
            "webhook_secret": "planted-webhook", "account_id": account_id })
}

async fn change(app: &TestApp, id: &Value, body: Value) -> Answer {
    let path = format!("{APPS}{}/", id.as_str().unwrap());
    let request = app.request("PATCH", &path).header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

/// A server that shows stored secrets.
async fn showing_secrets() -> TestApp {
    TestApp::build(&Plan { show_app_secrets: true, ..PLAN }).await
}

#[tokio::test]
async fn characters_around_an_id_or_a_secret_are_not_stored() {
    let app = showing_secrets().await;
    for around in AROUND {
        let mut body = zoom_app("server_to_server");
        for field in ["client_id", "client_secret", "webhook_secret", "account_id"] {
            body[field] = json!(format!("{around}{}{around}", body[field].as_str().unwrap()));
        }
        let made = app.post(APPS, body).await.created();
        for (field, stored) in zoom_app("server_to_server").as_object().unwrap() {
            assert_eq!(made[field], *stored, "{around:?}");
        }
        let new = json!({ "client_secret": format!("{around}planted-2{around}"),
                          "webhook_secret": format!("{around}planted-3{around}") });
        let changed = change(&app, &made["id"], new).await.ok();
        assert_eq!(
            (&changed["client_secret"], &changed["webhook_secret"]),
            (&json!("planted-2"), &json!("planted-3"))
        );
        let gone =
            app.call("DELETE", &format!("{APPS}{}/", made["id"].as_str().unwrap()), Body::empty()).await;
        assert_eq!(gone.status, 204);
    }
}

#[tokio::test]
async fn wrong_characters_inside_are_refused_and_named() {
    let app = showing_secrets().await;
    let id = json!(app.zoom_app);
    for inside in INSIDE {
        for field in ["client_id", "client_secret", "webhook_secret", "account_id"] {
            let mut body = zoom_app("server_to_server");
            body[field] = json!(format!("ab{inside}c"));
            let refused = app.post(APPS, body).await;
            let words = format!("its character 3 is U+{:04X}", u32::from(inside));
            assert_eq!(refused.status, 400);
            assert!(refused.json()[field][0].as_str().unwrap().contains(&words), "{}", refused.text);
            assert!(refused.json().as_object().unwrap().len() == 1, "{}", refused.text);
        }
        for field in ["client_secret", "webhook_secret"] {
            let refused = change(&app, &id, json!({ field: format!("ab{inside}c") })).await;
            assert_eq!(refused.status, 400);
            assert!(refused.json()[field][0].as_str().unwrap().contains("character 3"), "{}", refused.text);
        }
    }
    let kept = app.get(&format!("{APPS}{}/", app.zoom_app)).await.ok();
    assert_eq!((&kept["client_id"], &kept["client_secret"]), (&json!(CLIENT_ID), &json!(CLIENT_SECRET)));
}

#[tokio::test]
async fn a_signing_secret_is_read_by_the_same_rule() {
    let app = showing_secrets().await;
    let account = app.connect(app.zoom.host()).await;
    let link = |secret: &str| json!({ "credential": account, "signing_secret": secret });
    app.post(LINKS, link("whsec_MDEyMzQ1Njc4OWFiY2RlZg==\r\n")).await.created();
    let refused = app.post(LINKS, link("whsec_MDEyMzQ1Njc4\nOWFiY2RlZg==")).await;
    assert!(refused.json()["signing_secret"][0].as_str().unwrap().contains("U+000A"), "{}", refused.text);
}

#[tokio::test]
async fn a_webhook_secret_is_replaced_with_an_overlap() {
    let app = showing_secrets().await;
    let (id, ends) = (json!(app.zoom_app), "latchkey_former_webhook_secret_ends_at");
    let day = json!(app.env.now() + std::time::Duration::from_secs(24 * 3600));
    let changed = change(&app, &id, json!({ "webhook_secret": "planted-2" })).await.ok();
    assert_eq!((&changed["webhook_secret"], &changed[ends]), (&json!("planted-2"), &day));
    let leaked = json!({ "webhook_secret": "planted-3", OVERLAP: 0 });
    assert_eq!(change(&app, &id, leaked).await.ok()[ends], Value::Null);
    for (body, complaint) in [
        (json!({ OVERLAP: 60 }), "It is only allowed together with webhook_secret."),
        (json!({ "webhook_secret": "planted-4", OVERLAP: 86401 }), "It must not be more than a day: 86400."),
        (json!({ "webhook_secret": "planted-4", OVERLAP: "a day" }), "It must be a whole number of seconds."),
    ] {
        let refused = change(&app, &id, body).await;
        assert_eq!((refused.status, &refused.json()[OVERLAP][0]), (400, &json!(complaint)));
    }
}
