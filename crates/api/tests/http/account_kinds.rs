//! Accounts that are connected without an invitation.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::{
    app,
    test_app::{Answer, TestApp},
};

const APPS: &str = "/api/v2/zoom-oauth-apps/";
const ACCOUNTS: &str = "/api/v2/zoom-oauth-credentials/";
const LINKS: &str = "/api/latchkey/v1/token-links/";

/// A call with another workspace's key.
async fn with_key(app: &TestApp, key: &str, method: &str, path: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Token {key}"))
        .header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

fn s2s(account: &Value) -> Value {
    json!({ "kind": "server_to_server", "client_id": "s2s", "client_secret": "planted-s2s-secret",
            "account_id": account })
}

/// An app with a server-to-server app in it, and that app's id.
pub(crate) async fn with_server_app() -> (TestApp, String) {
    with_server_app_that_may(&["user:read:zak:admin", "user:read:user:admin"]).await
}

async fn with_server_app_that_may(scopes: &[&str]) -> (TestApp, String) {
    let app = app().await;
    let zoom_app = json!({ "client_id": "s2s", "client_secret": "planted-s2s-secret", "kind": "server_to_server",
                      "scopes": scopes });
    app.zoom.control("POST", "apps", zoom_app).await;
    let made = app.post(APPS, s2s(&app.zoom.host()["account_id"])).await.created();
    let zoom_app = made["id"].as_str().unwrap().to_owned();
    (app, zoom_app)
}

#[tokio::test]
async fn a_server_to_server_app_is_connected_by_one_call_and_mints_for_the_links_user() {
    let (app, zoom_app) = with_server_app().await;
    let asked = json!({ "oauth_app": zoom_app, "server_to_server": {} });
    let made = app.post(ACCOUNTS, asked.clone()).await.created();
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        made,
        json!({
            "id": id, "oauth_app": zoom_app, "status": "healthy", "latchkey_status": "healthy",
            "latchkey_status_since": made["created_at"], "latchkey_trouble": null,
            "latchkey_missing_scopes": [],
            "latchkey_missing_meeting_scopes": ["user:read:list_users:admin", "meeting:read:list_meetings:admin"],
            "kind": "server_to_server", "user_id": null,
            "account_id": app.zoom.host()["account_id"], "display_name": app.zoom.host()["account_id"],
            "latchkey_email": null, "latchkey_refresh_at": made["latchkey_refresh_at"],
            "latchkey_used_at": made["created_at"],
            "access_token_callback_url": null, "meeting_sync_status": "not_started",
            "created_at": made["created_at"],
        })
    );
    assert_eq!(app.post(ACCOUNTS, asked).await.created()["id"], id, "an app has one account");

    let link = json!({ "credential": id, "user": "Host@example.test" });
    let link = app.post(LINKS, link).await.created();
    let host = &app.zoom.host()["id"];
    assert_eq!((&link["user"], &link["user_address"]), (host, &json!("host@example.test")));
    let kept = json!([{ "credential": id, "user": host, "address": "host@example.test" }]);
    assert_eq!(link["accounts"], kept, "the id is what is stored");
    let fetch = async |id: &str, link: &Value| {
        let mut request = Request::builder().uri(app.path_of(link["url"].as_str().unwrap()));
        for (name, value) in app.signature(id).await {
            request = request.header(name, value);
        }
        app.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(fetch("msg_1", &link).await.status, 200);
    let of_nobody = json!({ "credential": id, "user": "nobody@example.test" });
    let unknown = "Zoom says: the app's Zoom account has no user with the address nobody@example.test.";
    assert_eq!(app.post(LINKS, of_nobody).await.refused(), json!({ "user": [unknown] }));
    let of_nobody = json!({ "credential": id, "user": "KDcuGIm1QgePTO8WbOqwIQ" });
    let of_nobody = app.post(LINKS, of_nobody).await.created();
    let refused = fetch("msg_2", &of_nobody).await;
    assert_eq!(refused.status, 424);
    assert_eq!(refused.text, "user_unknown: name an active user of the Zoom account that the app belongs to");
}

#[tokio::test]
async fn the_user_must_be_known_when_a_link_or_a_bot_is_created() {
    let (app, zoom_app) = with_server_app().await;
    let server = app.post(ACCOUNTS, json!({ "oauth_app": zoom_app, "server_to_server": {} })).await.created();
    let user = app.connect(app.zoom.host()).await;
    let name_one = "A server-to-server app acts for every user of its Zoom account: name one, by e-mail address or Zoom id.";
    let not_here = "This account belongs to one user; only a server-to-server app has several.";
    let unreadable = "It must be an e-mail address or Zoom's id of a user.";
    for (credential, named, complaint) in [
        (&server["id"], Value::Null, name_one),
        (&json!(user), json!("host@example.test"), not_here),
        (&server["id"], json!("me"), unreadable),
        (&server["id"], json!("../meetings"), unreadable),
    ] {
        let named = json!({ "credential": credential, "user": named });
        assert_eq!(app.post(LINKS, named.clone()).await.refused(), json!({ "user": [complaint] }));
        let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890", "zoom": named });
        let refused = app.post("/api/v1/bot/", bot).await.refused();
        assert_eq!(refused, json!({ "zoom": { "user": [complaint] } }));
    }
    let zoom = json!({ "credential": server["id"], "user": "host@example.test" });
    let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890", "zoom": zoom });
    let zoom = app.post("/api/v1/bot/", bot).await.created()["zoom"].clone();
    assert_eq!((&zoom["user"], &zoom["user_address"]), (&app.zoom.host()["id"], &json!("host@example.test")));
}

#[tokio::test]
async fn naming_a_user_by_address_needs_a_scope_and_by_id_does_not() {
    let (app, zoom_app) = with_server_app_that_may(&["user:read:zak:admin"]).await;
    let server = app.post(ACCOUNTS, json!({ "oauth_app": zoom_app, "server_to_server": {} })).await.created();
    let link = |user: &Value| json!({ "credential": server["id"], "user": user });
    let refused = app.post(LINKS, link(&json!("host@example.test"))).await.refused();
    let words = refused["user"][0].as_str().unwrap();
    assert!(words.contains("user:read:user:admin") && words.contains("Zoom's id"), "{words}");
    let link = app.post(LINKS, link(&app.zoom.host()["id"])).await.created();
    assert_eq!((&link["user"], &link["user_address"]), (&app.zoom.host()["id"], &Value::Null));
}

#[tokio::test]
async fn a_pool_stores_members_by_id_and_removes_them_by_id_or_address() {
    const POOLS: &str = "/api/latchkey/v1/pools/";
    let (app, zoom_app) = with_server_app().await;
    let server = app.post(ACCOUNTS, json!({ "oauth_app": zoom_app, "server_to_server": {} })).await.created();
    let (id, host) = (server["id"].as_str().unwrap(), app.zoom.host()["id"].as_str().unwrap());
    let member = json!({ "credential": id, "user": "Host@example.test", "max_joins": 2 });
    let pool = app.post(POOLS, json!({ "name": "p", "members": [member] })).await.created();
    let shown = &pool["members"][0];
    assert_eq!((&shown["user"], &shown["user_address"]), (&json!(host), &json!("host@example.test")));
    let path = format!("{POOLS}{}/members/", pool["id"].as_str().unwrap());
    for name in ["host@example.test", host] {
        let put = app.post(&path, member.clone()).await.ok();
        assert_eq!(put["members"].as_array().unwrap().len(), 1);
        let gone = app.call("DELETE", &format!("{path}{id}/?user={name}"), Body::empty()).await;
        assert_eq!(gone.status, 204, "{}", gone.text);
    }
}

#[tokio::test]
async fn a_refusal_by_zoom_is_reported_at_once_and_nothing_is_stored() {
    let app = app().await;
    let made = app.post(APPS, s2s(&json!("another-account"))).await.created();
    assert_eq!(made["account_id"], "another-account");
    let refused =
        app.post(ACCOUNTS, json!({ "oauth_app": made["id"], "server_to_server": {} })).await.refused();
    assert_eq!(refused["code"], "zoom_oauth_error");
    assert_eq!(
        refused["detail"],
        "Zoom refused the app's own credentials; check that the app is active at Zoom, and PATCH its client_secret here"
    );
    let fault = json!({ "where": "token", "kind": "http_500", "times": 9 });
    app.zoom.control("POST", "faults", fault).await;
    let away = app.post(ACCOUNTS, json!({ "oauth_app": made["id"], "server_to_server": {} })).await;
    assert_eq!((away.status, away.header("retry-after")), (503, "5"), "{}", away.text);
    assert_eq!(app.get(ACCOUNTS).await.ok()["results"], json!([]));
}

#[tokio::test]
async fn an_account_is_connected_in_exactly_one_way() {
    let (app, zoom_app) = with_server_app().await;
    let required = "This field is required.";
    let one =
        "Give exactly one of authorization_code, refresh_token, access_token_callback_url, server_to_server.";
    for (body, complaints) in [
        (json!({}), json!({ "oauth_app": [required], "non_field_errors": [one] })),
        (json!({ "oauth_app": zoom_app }), json!({ "non_field_errors": [one] })),
        (
            json!({ "oauth_app": app.zoom_app, "server_to_server": {} }),
            json!({ "oauth_app": ["Its kind is not server_to_server: register one of that kind."] }),
        ),
        (
            json!({ "oauth_app": zoom_app, "server_to_server": true }),
            json!({ "server_to_server": ["It must be an object."] }),
        ),
    ] {
        assert_eq!(app.post(ACCOUNTS, body.clone()).await.refused(), complaints, "{body}");
    }
    let invitation =
        app.post("/api/latchkey/v1/connect-links/", json!({ "oauth_app": zoom_app })).await.refused();
    assert!(invitation["oauth_app"][0].as_str().unwrap().contains("needs no consent"));
    for (change, complaint) in [
        (json!({ "account_id": null }), json!({ "account_id": [required] })),
        (
            json!({ "kind": "user_level", "webhook_secret": "planted-webhook" }),
            json!({ "account_id": ["Only a server_to_server app has one."] }),
        ),
    ] {
        let mut body = s2s(&json!("an-account"));
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(app.post(APPS, body).await.refused(), complaint);
    }
}

#[tokio::test]
async fn another_workspaces_app_is_unknown() {
    let (app, zoom_app) = with_server_app().await;
    let other = app.another_workspace().await;
    let asked = json!({ "oauth_app": zoom_app, "server_to_server": {} });
    let refused = with_key(&app, &other, "POST", ACCOUNTS, asked).await.refused();
    assert_eq!(refused, json!({ "oauth_app": ["This workspace has no such app."] }));
    let server = app.post(ACCOUNTS, json!({ "oauth_app": zoom_app, "server_to_server": {} })).await.created();
    let link = json!({ "credential": server["id"], "user": "host@example.test" });
    let refused = with_key(&app, &other, "POST", LINKS, link).await.refused();
    assert_eq!(refused, json!({ "credential": ["This workspace has no such account."] }));
}
