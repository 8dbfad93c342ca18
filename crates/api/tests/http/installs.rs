//! Installs from Zoom's Marketplace: nobody was invited, so nobody is connected before the operator says so.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::{
    house::{Answer, CLIENT_ID, House},
    office,
};

const ACCOUNTS: &str = "/api/v2/zoom-oauth-credentials/";
const PARKED: &str = "/api/latchkey/v1/parked-consents/";
const PLAIN: &str = "https://latchkey.test/base/oauth/zoom/callback";

/// A house whose app is on the Marketplace: the app's own address.
async fn listed() -> (House, String) {
    let house = office().await;
    let own = format!("{PLAIN}/{}", house.app);
    let redirects = json!({ "redirect_uris": [PLAIN, own] });
    house.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), redirects).await;
    (house, own)
}

/// Somebody installs the app: what the browser shows that Zoom sends to `address`.
async fn install(house: &House, address: &str) -> Answer {
    let code = house.zoom.code(CLIENT_ID, address).await;
    come(house, &format!("{address}?code={code}")).await
}

async fn come(house: &House, address: &str) -> Answer {
    // Installs have a pace.
    house.jump(Duration::from_secs(1));
    house.arrive(address, "").await
}

async fn parked(house: &House) -> Vec<Value> {
    house.get(PARKED).await.ok()["results"].as_array().unwrap().clone()
}

async fn adopt(house: &House, id: &Value) -> Answer {
    house.call("POST", &format!("{PARKED}{}/adopt/", id.as_str().unwrap()), Body::empty()).await
}

async fn discard(house: &House, id: &Value) -> Answer {
    house.call("DELETE", &format!("{PARKED}{}/", id.as_str().unwrap()), Body::empty()).await
}

async fn accounts(house: &House) -> Vec<Value> {
    house.get(ACCOUNTS).await.ok()["results"].as_array().unwrap().clone()
}

async fn works(house: &House, account: &Value) -> bool {
    let id = account["id"].as_str().unwrap();
    let validated = house.call("POST", &format!("{ACCOUNTS}{id}/validate/"), Body::empty()).await;
    assert_eq!(validated.status, 200);
    house.get(&format!("{ACCOUNTS}{id}/")).await.ok()["latchkey_status"] == "healthy"
}

#[tokio::test]
async fn an_install_waits_for_the_operator_and_becomes_an_account() {
    let (house, own) = listed().await;
    let page = install(&house, &own).await;
    assert_eq!((page.status, page.header("cache-control")), (202, "no-store"), "{}", page.text);
    assert!(page.text.contains("<h1 id=\"parked\">Hana Host waits for the operator</h1>"), "{}", page.text);
    assert!(accounts(&house).await.is_empty());
    let waiting = parked(&house).await;
    let (id, since) = (waiting[0]["id"].clone(), house.env.now());
    assert_eq!(
        waiting,
        [json!({
            "id": id, "oauth_app": house.app, "user_id": house.zoom.host()["id"],
            "account_id": house.zoom.host()["account_id"], "display_name": "Hana Host",
            "missing_scopes": [], "replaces": null,
            "created_at": since, "expires_at": since + Duration::from_secs(30 * 86_400),
        })]
    );
    // Its access token has ended meanwhile.
    house.zoom.control("POST", "clock", json!({ "advance_seconds": 86_400 })).await;
    house.jump(Duration::from_secs(86_400));
    let made = adopt(&house, &id).await.created();
    assert_eq!((&made["status"], &made["user_id"]), (&json!("healthy"), &house.zoom.host()["id"]));
    assert!(works(&house, &made).await);
    assert!(parked(&house).await.is_empty());
    assert_eq!(adopt(&house, &id).await.status, 404, "once");
}

#[tokio::test]
async fn a_page_that_is_loaded_again_says_the_same_and_spends_no_second_code() {
    let (house, own) = listed().await;
    let code = house.zoom.code(CLIENT_ID, &own).await;
    let address = format!("{own}?code={code}");
    let head = Request::builder().method("HEAD").uri(house.path_of(&address)).body(Body::empty()).unwrap();
    assert_eq!((house.send(head).await.status, house.zoom.count("token_exchanges").await), (200, 0));
    for _ in 0..2 {
        let page = come(&house, &address).await;
        assert_eq!(page.status, 202, "{}", page.text);
        assert!(page.text.contains("Hana Host waits for the operator"));
    }
    assert_eq!((parked(&house).await.len(), house.zoom.count("token_exchanges").await), (1, 1));
    house.jump(Duration::from_secs(600));
    assert_eq!(come(&house, &address).await.status, 410);
    assert_eq!(house.zoom.count("token_exchanges").await, 1);
}

#[tokio::test]
async fn whoever_is_connected_already_keeps_the_id_and_reads_what_happened() {
    let (house, own) = listed().await;
    let account = house.connect(house.zoom.host()).await;
    house.tick();
    install(&house, &own).await;
    let waiting = parked(&house).await;
    assert_eq!(waiting[0]["replaces"], json!(account));
    let log = house.get(&format!("/api/v2/zoom-oauth-credential-logs/?credential={account}")).await.ok();
    let told = log["results"][0]["message"].as_str().unwrap();
    let expected = format!(
        "the user installed the app again at Zoom, which honours only the newest grant: adopt parked consent {}",
        waiting[0]["id"].as_str().unwrap()
    );
    assert_eq!(told, expected);
    let made = adopt(&house, &waiting[0]["id"]).await.created();
    assert_eq!(made["id"], json!(account));
    assert!(works(&house, &made).await, "the grant is the living one");
}

#[tokio::test]
async fn the_newest_consent_of_a_user_is_the_only_one_that_waits() {
    let (house, own) = listed().await;
    install(&house, &own).await;
    let first = parked(&house).await[0]["id"].clone();
    install(&house, &own).await;
    let waiting = parked(&house).await;
    assert!(waiting.len() == 1 && waiting[0]["id"] != first);
    let account = house.connect(house.zoom.host()).await;
    assert!(parked(&house).await.is_empty(), "an invitation is the operator's word");
    assert_eq!(adopt(&house, &waiting[0]["id"]).await.status, 404, "a dead grant replaces nothing");
    assert!(works(&house, &json!({ "id": account })).await);
}

#[tokio::test]
async fn the_app_is_the_only_one_or_named_by_the_address() {
    let (house, own) = listed().await;
    assert_eq!(install(&house, PLAIN).await.status, 202, "there is one app");
    let second = json!({ "kind": "user_level", "client_id": "second", "client_secret": "planted-second",
                         "webhook_secret": "planted-webhook" });
    house.post("/api/v2/zoom-oauth-apps/", second).await.created();
    let before = house.zoom.count("token_exchanges").await;
    let page = install(&house, PLAIN).await;
    assert_eq!(page.status, 404);
    let says = "each app has an address of its own, which ends in /oauth/zoom/callback/ and the app&#39;s id";
    assert!(page.text.contains(says), "{}", page.text);
    let unknown = format!("{PLAIN}/01900000-0000-7000-8000-000000000000?code=planted-code");
    assert_eq!(come(&house, &unknown).await.status, 404);
    assert_eq!(come(&house, &format!("{PLAIN}/garbage?code=planted-code")).await.status, 404);
    assert_eq!(house.zoom.count("token_exchanges").await, before, "no code was spent");
    assert_eq!(install(&house, &own).await.status, 202);
}

#[tokio::test]
async fn a_code_that_zoom_does_not_know_parks_nothing_and_blames_nobody() {
    let (house, own) = listed().await;
    for address in [own.as_str(), PLAIN] {
        let page = come(&house, &format!("{address}?code=planted-code")).await;
        assert_eq!(page.status, 424, "{}", page.text);
        assert!(!page.text.contains("planted"));
    }
    // Without code and state there is nothing to park.
    for query in ["", "?error=access_denied", "?code="] {
        assert_eq!(come(&house, &format!("{own}{query}")).await.status, 400);
    }
    assert!(parked(&house).await.is_empty());
    let app = house.get(&format!("/api/v2/zoom-oauth-apps/{}/", house.app)).await.ok();
    assert_eq!(app["latchkey_refused_since"], Value::Null);
}

#[tokio::test]
async fn what_is_not_wanted_is_ended_at_zoom_and_what_nobody_wants_expires() {
    let (house, own) = listed().await;
    install(&house, &own).await;
    let id = parked(&house).await[0]["id"].clone();
    assert_eq!(discard(&house, &id).await.status, 204);
    assert_eq!(discard(&house, &id).await.status, 404);
    assert_eq!(house.zoom.count("revocations").await, 1);

    install(&house, &own).await;
    let id = parked(&house).await[0]["id"].clone();
    house.jump(Duration::from_secs(30 * 86_400));
    assert!(parked(&house).await.is_empty());
    assert_eq!(adopt(&house, &id).await.status, 404);
}

#[tokio::test]
async fn another_workspace_neither_sees_nor_adopts_it() {
    let (house, own) = listed().await;
    install(&house, &own).await;
    let id = parked(&house).await[0]["id"].clone();
    let key = house.another_workspace().await;
    let call = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Token {key}"));
        house.send(request.body(Body::empty()).unwrap()).await
    };
    let path = format!("{PARKED}{}", id.as_str().unwrap());
    assert_eq!(call("GET", PARKED).await.ok()["results"], json!([]));
    assert_eq!(call("POST", &format!("{path}/adopt")).await.status, 404);
    assert_eq!(call("DELETE", &path).await.status, 404);
    assert_eq!(parked(&house).await.len(), 1);
}
