//! Installs from Zoom's Marketplace: nobody was invited, so no account is connected until the operator adopts it.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::{
    app,
    test_app::{Answer, CLIENT_ID, TestApp},
};

const ACCOUNTS: &str = "/api/v2/zoom-oauth-credentials/";
const PARKED: &str = "/api/latchkey/v1/parked-consents/";
const PLAIN: &str = "https://latchkey.test/base/oauth/zoom/callback";

/// An app whose Zoom app is on the Marketplace, and that app's own address.
async fn listed() -> (TestApp, String) {
    let app = app().await;
    let own = format!("{PLAIN}/{}", app.zoom_app);
    let redirects = json!({ "redirect_uris": [PLAIN, own] });
    app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), redirects).await;
    (app, own)
}

/// A user installs the app. Returns the page after Zoom's redirect to `address`.
async fn install(app: &TestApp, address: &str) -> Answer {
    let code = app.zoom.code(CLIENT_ID, address).await;
    come(app, &format!("{address}?code={code}")).await
}

async fn come(app: &TestApp, address: &str) -> Answer {
    // Installs have a rate limit.
    app.jump(Duration::from_secs(1));
    app.finish_consent(address, "").await
}

async fn parked(app: &TestApp) -> Vec<Value> {
    app.get(PARKED).await.ok()["results"].as_array().unwrap().clone()
}

async fn adopt(app: &TestApp, id: &Value) -> Answer {
    app.call("POST", &format!("{PARKED}{}/adopt/", id.as_str().unwrap()), Body::empty()).await
}

async fn discard(app: &TestApp, id: &Value) -> Answer {
    app.call("DELETE", &format!("{PARKED}{}/", id.as_str().unwrap()), Body::empty()).await
}

async fn accounts(app: &TestApp) -> Vec<Value> {
    app.get(ACCOUNTS).await.ok()["results"].as_array().unwrap().clone()
}

async fn works(app: &TestApp, account: &Value) -> bool {
    let id = account["id"].as_str().unwrap();
    let validated = app.call("POST", &format!("{ACCOUNTS}{id}/validate/"), Body::empty()).await;
    assert_eq!(validated.status, 200);
    app.get(&format!("{ACCOUNTS}{id}/")).await.ok()["latchkey_status"] == "healthy"
}

#[tokio::test]
async fn an_install_waits_for_the_operator_and_becomes_an_account() {
    let (app, own) = listed().await;
    let page = install(&app, &own).await;
    assert_eq!((page.status, page.header("cache-control")), (202, "no-store"), "{}", page.text);
    assert!(page.text.contains("<h1 id=\"parked\">Hana Host waits for the operator</h1>"), "{}", page.text);
    assert!(accounts(&app).await.is_empty());
    let waiting = parked(&app).await;
    let (id, since) = (waiting[0]["id"].clone(), app.env.now());
    assert_eq!(
        waiting,
        [json!({
            "id": id, "oauth_app": app.zoom_app, "user_id": app.zoom.host()["id"],
            "account_id": app.zoom.host()["account_id"], "display_name": "Hana Host",
            "missing_scopes": [], "replaces": null,
            "created_at": since, "expires_at": since + Duration::from_secs(30 * 86_400),
        })]
    );
    // Its access token has expired in the meantime.
    app.zoom.control("POST", "clock", json!({ "advance_seconds": 86_400 })).await;
    app.jump(Duration::from_secs(86_400));
    let made = adopt(&app, &id).await.created();
    assert_eq!((&made["status"], &made["user_id"]), (&json!("healthy"), &app.zoom.host()["id"]));
    assert!(works(&app, &made).await);
    assert!(parked(&app).await.is_empty());
    assert_eq!(adopt(&app, &id).await.status, 404, "once");
}

#[tokio::test]
async fn a_reloaded_page_shows_the_same_and_uses_no_second_code() {
    let (app, own) = listed().await;
    let code = app.zoom.code(CLIENT_ID, &own).await;
    let address = format!("{own}?code={code}");
    let head = Request::builder().method("HEAD").uri(app.path_of(&address)).body(Body::empty()).unwrap();
    assert_eq!((app.send(head).await.status, app.zoom.count("token_exchanges").await), (200, 0));
    for _ in 0..2 {
        let page = come(&app, &address).await;
        assert_eq!(page.status, 202, "{}", page.text);
        assert!(page.text.contains("Hana Host waits for the operator"));
    }
    assert_eq!((parked(&app).await.len(), app.zoom.count("token_exchanges").await), (1, 1));
    app.jump(Duration::from_secs(600));
    assert_eq!(come(&app, &address).await.status, 410);
    assert_eq!(app.zoom.count("token_exchanges").await, 1);
}

#[tokio::test]
async fn a_known_user_keeps_the_id_and_reads_what_happened() {
    let (app, own) = listed().await;
    let account = app.connect(app.zoom.host()).await;
    app.tick();
    install(&app, &own).await;
    let waiting = parked(&app).await;
    assert_eq!(waiting[0]["replaces"], json!(account));
    let log = app.get(&format!("/api/v2/zoom-oauth-credential-logs/?credential={account}")).await.ok();
    let told = log["results"][0]["message"].as_str().unwrap();
    let expected = format!(
        "the user installed the app again at Zoom, which honours only the newest grant: adopt parked consent {}",
        waiting[0]["id"].as_str().unwrap()
    );
    assert_eq!(told, expected);
    let made = adopt(&app, &waiting[0]["id"]).await.created();
    assert_eq!(made["id"], json!(account));
    assert!(works(&app, &made).await, "the grant is the valid one");
}

#[tokio::test]
async fn the_newest_consent_of_a_user_is_the_only_one_that_waits() {
    let (app, own) = listed().await;
    install(&app, &own).await;
    let first = parked(&app).await[0]["id"].clone();
    install(&app, &own).await;
    let waiting = parked(&app).await;
    assert!(waiting.len() == 1 && waiting[0]["id"] != first);
    let account = app.connect(app.zoom.host()).await;
    assert!(parked(&app).await.is_empty(), "an invitation needs no further approval");
    assert_eq!(adopt(&app, &waiting[0]["id"]).await.status, 404, "a dead grant replaces nothing");
    assert!(works(&app, &json!({ "id": account })).await);
}

#[tokio::test]
async fn the_app_is_the_only_one_or_named_by_the_address() {
    let (app, own) = listed().await;
    assert_eq!(install(&app, PLAIN).await.status, 202, "there is one app");
    let second = json!({ "kind": "user_level", "client_id": "second", "client_secret": "planted-second",
                         "webhook_secret": "planted-webhook" });
    app.post("/api/v2/zoom-oauth-apps/", second).await.created();
    let before = app.zoom.count("token_exchanges").await;
    let page = install(&app, PLAIN).await;
    assert_eq!(page.status, 404);
    let says = "each app has its own address, which ends in /oauth/zoom/callback/ and the app&#39;s id";
    assert!(page.text.contains(says), "{}", page.text);
    let unknown = format!("{PLAIN}/01900000-0000-7000-8000-000000000000?code=planted-code");
    assert_eq!(come(&app, &unknown).await.status, 404);
    assert_eq!(come(&app, &format!("{PLAIN}/garbage?code=planted-code")).await.status, 404);
    assert_eq!(app.zoom.count("token_exchanges").await, before, "no code was used up");
    assert_eq!(install(&app, &own).await.status, 202);
}

#[tokio::test]
async fn an_unknown_code_parks_nothing() {
    let (app, own) = listed().await;
    for address in [own.as_str(), PLAIN] {
        let page = come(&app, &format!("{address}?code=planted-code")).await;
        assert_eq!(page.status, 424, "{}", page.text);
        assert!(!page.text.contains("planted"));
    }
    // Without a code and a state there is nothing to park.
    for query in ["", "?error=access_denied", "?code="] {
        assert_eq!(come(&app, &format!("{own}{query}")).await.status, 400);
    }
    assert!(parked(&app).await.is_empty());
    let zoom_app = app.get(&format!("/api/v2/zoom-oauth-apps/{}/", app.zoom_app)).await.ok();
    assert_eq!(zoom_app["latchkey_refused_since"], Value::Null);
}

#[tokio::test]
async fn discarded_consents_are_revoked_at_zoom_and_the_others_expire() {
    let (app, own) = listed().await;
    install(&app, &own).await;
    let id = parked(&app).await[0]["id"].clone();
    assert_eq!(discard(&app, &id).await.status, 204);
    assert_eq!(discard(&app, &id).await.status, 404);
    assert_eq!(app.zoom.count("revocations").await, 1);

    install(&app, &own).await;
    let id = parked(&app).await[0]["id"].clone();
    app.jump(Duration::from_secs(30 * 86_400));
    assert!(parked(&app).await.is_empty());
    assert_eq!(adopt(&app, &id).await.status, 404);
}

#[tokio::test]
async fn another_workspace_neither_sees_nor_adopts_it() {
    let (app, own) = listed().await;
    install(&app, &own).await;
    let id = parked(&app).await[0]["id"].clone();
    let key = app.another_workspace().await;
    let call = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Token {key}"));
        app.send(request.body(Body::empty()).unwrap()).await
    };
    let path = format!("{PARKED}{}", id.as_str().unwrap());
    assert_eq!(call("GET", PARKED).await.ok()["results"], json!([]));
    assert_eq!(call("POST", &format!("{path}/adopt")).await.status, 404);
    assert_eq!(call("DELETE", &path).await.status, 404);
    assert_eq!(parked(&app).await.len(), 1);
}
