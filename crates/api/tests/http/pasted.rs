//! Ids and secrets are taken as people paste them: what stands around them goes, what stands inside is named.

use axum::{body::Body, http::header};
use serde_json::{Value, json};

use crate::{
    OFFICE,
    house::{Answer, CLIENT_ID, CLIENT_SECRET, House, Plan},
};

const APPS: &str = "/api/v2/zoom-oauth-apps/";
const LINKS: &str = "/api/latchkey/v1/token-links/";
const OVERLAP: &str = "webhook_secret_overlap_seconds";
const AROUND: [&str; 5] = ["\n", "\r\n", "\u{a0}", "\u{feff}", " \u{200b}\t"];
const INSIDE: [char; 5] = [' ', '\n', '\0', '\u{200b}', '\u{a0}'];

fn app(kind: &str) -> Value {
    let account_id = (kind == "server_to_server").then_some("planted-account");
    json!({ "kind": kind, "client_id": "planted-client", "client_secret": "planted-secret",
            "webhook_secret": "planted-webhook", "account_id": account_id })
}

async fn change(house: &House, id: &Value, body: Value) -> Answer {
    let path = format!("{APPS}{}/", id.as_str().unwrap());
    let request = house.request("PATCH", &path).header(header::CONTENT_TYPE, "application/json");
    house.send(request.body(Body::from(body.to_string())).unwrap()).await
}

/// An office that shows what it has stored.
async fn open_office() -> House {
    House::build(&Plan { show_app_secrets: true, ..OFFICE }).await
}

#[tokio::test]
async fn what_stands_around_an_id_or_a_secret_is_not_stored() {
    let house = open_office().await;
    for around in AROUND {
        let mut body = app("server_to_server");
        for field in ["client_id", "client_secret", "webhook_secret", "account_id"] {
            body[field] = json!(format!("{around}{}{around}", body[field].as_str().unwrap()));
        }
        let made = house.post(APPS, body).await.created();
        for (field, stored) in app("server_to_server").as_object().unwrap() {
            assert_eq!(made[field], *stored, "{around:?}");
        }
        let new = json!({ "client_secret": format!("{around}planted-2{around}"),
                          "webhook_secret": format!("{around}planted-3{around}") });
        let changed = change(&house, &made["id"], new).await.ok();
        assert_eq!(
            (&changed["client_secret"], &changed["webhook_secret"]),
            (&json!("planted-2"), &json!("planted-3"))
        );
        let gone =
            house.call("DELETE", &format!("{APPS}{}/", made["id"].as_str().unwrap()), Body::empty()).await;
        assert_eq!(gone.status, 204);
    }
}

#[tokio::test]
async fn what_stands_inside_is_refused_and_named() {
    let house = open_office().await;
    let id = json!(house.app);
    for inside in INSIDE {
        for field in ["client_id", "client_secret", "webhook_secret", "account_id"] {
            let mut body = app("server_to_server");
            body[field] = json!(format!("ab{inside}c"));
            let refused = house.post(APPS, body).await;
            let words = format!("its character 3 is U+{:04X}", u32::from(inside));
            assert_eq!(refused.status, 400);
            assert!(refused.json()[field][0].as_str().unwrap().contains(&words), "{}", refused.text);
            assert!(refused.json().as_object().unwrap().len() == 1, "{}", refused.text);
        }
        for field in ["client_secret", "webhook_secret"] {
            let refused = change(&house, &id, json!({ field: format!("ab{inside}c") })).await;
            assert_eq!(refused.status, 400);
            assert!(refused.json()[field][0].as_str().unwrap().contains("character 3"), "{}", refused.text);
        }
    }
    let kept = house.get(&format!("{APPS}{}/", house.app)).await.ok();
    assert_eq!((&kept["client_id"], &kept["client_secret"]), (&json!(CLIENT_ID), &json!(CLIENT_SECRET)));
}

#[tokio::test]
async fn a_signing_secret_is_read_by_the_same_rule() {
    let house = open_office().await;
    let account = house.connect(house.zoom.host()).await;
    let link = |secret: &str| json!({ "credential": account, "signing_secret": secret });
    house.post(LINKS, link("whsec_MDEyMzQ1Njc4OWFiY2RlZg==\r\n")).await.created();
    let refused = house.post(LINKS, link("whsec_MDEyMzQ1Njc4\nOWFiY2RlZg==")).await;
    assert!(refused.json()["signing_secret"][0].as_str().unwrap().contains("U+000A"), "{}", refused.text);
}

#[tokio::test]
async fn a_webhook_secret_is_replaced_with_an_overlap() {
    let house = open_office().await;
    let (id, ends) = (json!(house.app), "latchkey_former_webhook_secret_ends_at");
    let day = json!(house.env.now() + std::time::Duration::from_secs(24 * 3600));
    let changed = change(&house, &id, json!({ "webhook_secret": "planted-2" })).await.ok();
    assert_eq!((&changed["webhook_secret"], &changed[ends]), (&json!("planted-2"), &day));
    let leaked = json!({ "webhook_secret": "planted-3", OVERLAP: 0 });
    assert_eq!(change(&house, &id, leaked).await.ok()[ends], Value::Null);
    for (body, complaint) in [
        (json!({ OVERLAP: 60 }), "It goes with webhook_secret."),
        (json!({ "webhook_secret": "planted-4", OVERLAP: 86401 }), "It must not be more than a day: 86400."),
        (json!({ "webhook_secret": "planted-4", OVERLAP: "a day" }), "It must be a whole number of seconds."),
    ] {
        let refused = change(&house, &id, body).await;
        assert_eq!((refused.status, &refused.json()[OVERLAP][0]), (400, &json!(complaint)));
    }
}
