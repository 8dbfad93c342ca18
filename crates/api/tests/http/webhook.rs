//! Zoom's webhooks, from the simulated Zoom over the network to a token that is refused.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::{
    OFFICE,
    house::{Answer, CLIENT_ID, House, Plan},
};

/// A house whose app has its webhook at Zoom, `below` the app's own path.
pub(crate) async fn told(below: &str) -> House {
    let house = House::build(&Plan { public_base: None, ..OFFICE }).await;
    let url = house.address(&format!("/api/v2/zoom-oauth-apps/{}/{below}", house.app));
    let webhook = json!({ "url": url, "secret_token": "planted-webhook-secret" });
    let webhook = house.zoom.control("PUT", &format!("apps/{CLIENT_ID}/webhook"), webhook).await;
    assert_eq!(webhook["last_validation"]["reason"], Value::Null);
    assert_eq!(webhook["validated"], true);
    house
}

/// Zoom sends an event on demand: what we answered.
async fn send(house: &House, event: &str, signed: &str) -> (u64, String) {
    let body = json!({ "event": event, "user_id": house.zoom.host()["id"], "signed": signed });
    let sent = house.zoom.control("POST", &format!("apps/{CLIENT_ID}/webhook/send"), body).await;
    let attempt = &sent["attempts"][0];
    (attempt["status"].as_u64().unwrap(), attempt["answer"].as_str().unwrap().to_owned())
}

async fn fetch(house: &House, link: &str, id: &str) -> Answer {
    let mut request = Request::builder().uri(house.path_of(link));
    for (name, value) in house.signature(id).await {
        request = request.header(name, value);
    }
    house.send(request.body(Body::empty()).unwrap()).await
}

async fn account(house: &House, id: &str) -> Value {
    house.get(&format!("/api/v2/zoom-oauth-credentials/{id}/")).await.ok()
}

#[tokio::test]
async fn a_user_who_removes_the_app_is_gone_at_once_and_may_come_back() {
    let house = told("webhook").await;
    let app = house.get(&format!("/api/v2/zoom-oauth-apps/{}/", house.app)).await.ok();
    assert_eq!(app["webhook_last_validation"], json!(house.env.now()));
    let (user, removal) = (house.zoom.host()["id"].as_str().unwrap(), "removes the app");
    let id = house.connect(house.zoom.host()).await;
    let link = house.token_link(&id).await;
    assert_eq!(fetch(&house, &link, "before").await.status, 200);

    house.zoom.control("DELETE", &format!("users/{user}/apps/{CLIENT_ID}"), json!({})).await;
    let arrived = async || {
        let deliveries = house.zoom.control("GET", "webhooks", Value::Null).await;
        let delivery = deliveries.as_array()?.iter().find(|one| one["event"] == "app_deauthorized")?.clone();
        (delivery["state"] == "delivered").then_some(delivery)
    };
    let delivery = house.wait_for(removal, arrived).await;
    assert_eq!(delivery["attempts"][0]["status"], 204);
    let refused = fetch(&house, &link, "after").await;
    assert_eq!(
        (refused.status, &*refused.text),
        (424, "credential_disconnected: connect the Zoom account again")
    );
    assert_eq!(account(&house, &id).await["latchkey_status"], "disconnected:app_deauthorized");
    assert_eq!(house.tokens_in_the_store().await, 0);

    assert_eq!(house.connect(house.zoom.host()).await, id, "the same account");
    assert_eq!(account(&house, &id).await["status"], "healthy");
    house.pass(std::time::Duration::from_secs(1)).await;
    assert_eq!(fetch(&house, &link, "again").await.status, 200);
    let again = format!("webhooks/{}/repeat", delivery["id"]);
    assert_eq!(house.zoom.control("POST", &again, json!({})).await["state"], "delivered");
    assert_eq!(account(&house, &id).await["status"], "healthy", "a repetition is harmless");
}

#[tokio::test]
async fn a_deactivated_user_gives_no_token() {
    let house = told("webhook/").await;
    let id = house.connect(house.zoom.host()).await;
    let user = format!("users/{}", house.zoom.host()["id"].as_str().unwrap());
    house.zoom.control("PATCH", &user, json!({ "active": false })).await;
    let gone = async || {
        (account(&house, &id).await["latchkey_status"] == "disconnected:user_deactivated").then_some(())
    };
    house.wait_for("the account is disconnected", gone).await;
}

#[tokio::test]
async fn forged_stale_and_odd_requests_are_told_one_code_and_nothing_more() {
    let house = told("webhook").await;
    let id = house.connect(house.zoom.host()).await;
    let invalid = r#"{"code":"signature_invalid"}"#;
    assert_eq!(send(&house, "app_deauthorized", "forged").await, (401, invalid.to_owned()));
    let stale = r#"{"code":"signature_stale"}"#.to_owned();
    assert_eq!(send(&house, "app_deauthorized", "stale").await, (401, stale));
    assert_eq!(send(&house, "user.updated", "genuine").await, (204, String::new()));

    let path = format!("/api/v2/zoom-oauth-apps/{}/webhook", house.app);
    let post = async |path: &str, body: Vec<u8>| {
        let request =
            Request::post(path).header("x-zm-signature", "v0=x").header("x-zm-request-timestamp", "1");
        let answer = house.send(request.body(Body::from(body)).unwrap()).await;
        (answer.status, answer.text)
    };
    let nobody = path.replace(&house.app, "01900000-0000-7000-8000-000000000000");
    for (path, body) in [
        (&path, b"{}".to_vec()),
        (&path, b"\xff".to_vec()),
        (&path, vec![b'x'; 1024 * 1024 + 1]),
        (&nobody, b"{}".to_vec()),
        (&path.replace(&house.app, "nonsense"), b"{}".to_vec()),
    ] {
        assert_eq!(post(path, body).await, (401, invalid.to_owned()), "{path}");
    }
    let bare = house.send(Request::post(&path).body(Body::empty()).unwrap()).await;
    assert_eq!((bare.status, &*bare.text), (401, r#"{"code":"signature_missing"}"#));
    assert_eq!(house.get(&path).await.status, 405);
    assert_eq!(account(&house, &id).await["status"], "healthy");
}
