//! The content of events about accounts, pools, token links and servers.

use axum::body::Body;
use model::{PoolId, SeatId};
use serde_json::json;
use store::SeatRequest;

use super::{ENDPOINTS, EVENTS, HOUR, MINUTE, Receiver, app, endpoint, path, until_heard};
use crate::{
    PLAN,
    test_app::{CLIENT_ID, Plan, TestApp},
};

#[tokio::test]
async fn refusals_of_a_token_link_are_reported_once_with_their_number() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    endpoint(&app, &url, json!({ "event_types": ["token_link.refused"] })).await;
    let (people, slack_url) = Receiver::start().await;
    endpoint(&app, &slack_url, json!({ "kind": "slack" })).await;
    let account = app.connect(app.zoom.host()).await;
    let link = app.path_of(&app.token_link(&account).await);
    let unsigned = async |path: &str| assert!(app.get(path).await.status >= 400);
    for _ in 0..3 {
        unsigned(&link).await;
    }
    // A request without the complete address causes no event.
    unsigned(&format!("{}x", &link[..link.len() - 1])).await;
    app.links.refusals.tell().await;
    let told = until_heard(&app, &receiver, 1).await[0].json()["data"].clone();
    assert_eq!((&told["count"], &told["data"]["sub_code"]), (&json!(3), &json!("signature_missing")));
    assert!(link.contains(told["token_link"]["id"].as_str().unwrap()), "{told}");
    assert!(told["message"].as_str().unwrap().contains("webhook-*"), "{told}");
    let said = until_heard(&app, &people, 1).await[0].json();
    let page = app.address(&format!("/console/token-links/{}", told["token_link"]["id"].as_str().unwrap()));
    assert!(said["text"].as_str().unwrap().ends_with(&format!("See: {page}")), "{said}");

    for _ in 0..5 {
        unsigned(&link).await;
        app.links.refusals.tell().await;
    }
    // Another server, or this one after a restart, has its own memory and the same store.
    let another = app.another(&Plan { networks: &["127.0.0.0/8"], ..PLAN }).await;
    assert!(another.get(&link).await.status >= 400);
    another.links.refusals.tell().await;
    app.jump(11 * MINUTE);
    app.links.refusals.tell().await;
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[1].json()["data"]["count"], 5);
}

#[tokio::test]
async fn an_account_that_needs_consent_is_reported_once() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    endpoint(&app, &url, json!({})).await;
    let account = app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    until_heard(&app, &receiver, 1).await;
    let gone = app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    assert_eq!(gone.status, 204);
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(receiver.kinds(), ["zoom_oauth_credential.healthy", "zoom_oauth_credential.disconnected"]);
    let data = &heard[1].json()["data"];
    assert_eq!(data["zoom_oauth_credential"]["id"], *account);
    assert_eq!(
        (&data["data"]["sub_code"], &data["advice"]),
        (&json!("asked"), &json!("connect the Zoom account again"))
    );
}

#[tokio::test]
async fn an_account_in_trouble_says_why_what_is_at_stake_and_where_it_is_connected_again() {
    let app = app().await;
    let ((receiver, url), (people, slack_url)) = (Receiver::start().await, Receiver::start().await);
    let kinds = ["zoom_oauth_credential.degraded", "zoom_oauth_credential.needs_reauth"];
    endpoint(&app, &url, json!({ "event_types": kinds })).await;
    endpoint(&app, &slack_url, json!({ "event_types": kinds, "kind": "slack" })).await;
    let user = app.zoom.user("ada@example.test", "Ada").await;
    let account = app.connect(&user).await;
    let bot = scheduled_bot(&app, &account).await;
    let validate = format!("/api/v2/zoom-oauth-credentials/{account}/validate/");
    // The refresh is tried twice: the lost answer could have been the good one.
    app.zoom.control("POST", "faults", json!({ "where": "refresh", "kind": "http_500", "times": 2 })).await;
    app.call("POST", &validate, Body::empty()).await;
    until_heard(&app, &receiver, 1).await;
    app.call("POST", &validate, Body::empty()).await.ok();
    let user = user["id"].as_str().unwrap();
    app.zoom.control("DELETE", &format!("users/{user}/apps/{CLIENT_ID}"), json!(null)).await;
    for _ in 0..2 {
        app.tick();
        app.call("POST", &validate, Body::empty()).await;
    }
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(receiver.kinds(), kinds);
    for (heard, cause) in heard.iter().zip(["refresh_uncertain", "revoked"]) {
        let data = &heard.json()["data"];
        assert_eq!(data["data"]["sub_code"], cause);
        assert!(data["message"].is_string() && data["advice"].is_string(), "{data}");
        assert_eq!(
            (&data["at_stake"]["count"], &data["at_stake"]["bots"][0]["id"]),
            (&json!(1), &json!(bot))
        );
        let opened = app.get(&app.path_of(data["connect_link"].as_str().unwrap())).await;
        assert!(opened.text.contains("asks to connect the Zoom account of Ada"), "{}", opened.text);
    }
    for said in until_heard(&app, &people, 2).await {
        let text = said.json()["text"].as_str().unwrap().to_owned();
        assert!(text.contains("At stake: 1 bot is scheduled") && text.contains("Connect it: http"), "{text}");
    }
}

/// Disconnects an account. Returns the link in the event that leads its owner back.
pub(crate) async fn reconnect_link(app: &TestApp, account: &str) -> String {
    let (receiver, url) = Receiver::start().await;
    endpoint(app, &url, json!({ "event_types": ["zoom_oauth_credential.disconnected"] })).await;
    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    let heard = until_heard(app, &receiver, 1).await;
    app.path_of(heard[0].json()["data"]["connect_link"].as_str().unwrap())
}

/// A bot that is scheduled in an hour and signs in with this account.
async fn scheduled_bot(app: &TestApp, account: &str) -> String {
    let bot = json!({ "meeting_url": "https://zoom.us/j/123456789", "join_at": app.env.now() + HOUR,
                      "zoom": { "credential": account } });
    app.bot(bot).await
}

#[tokio::test]
async fn an_account_says_what_is_at_stake_and_where_it_is_connected_again() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "event_types": ["zoom_oauth_credential.disconnected"] })).await;
    let account = app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    let other = app.connect(&app.zoom.user("bob@example.test", "Bob").await).await;
    let bot = scheduled_bot(&app, &account).await;
    scheduled_bot(&app, &other).await;
    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    let heard = until_heard(&app, &receiver, 1).await;
    assert!(heard[0].is_signed_by(made["secret"].as_str().unwrap(), app.env.now()));
    let data = heard[0].json()["data"].clone();
    assert_eq!((&data["at_stake"]["count"], &data["at_stake"]["bots"][0]["id"]), (&json!(1), &json!(bot)));

    let link = app.path_of(data["connect_link"].as_str().unwrap());
    let shown = app.get(&path(&made, "deliveries/")).await.text + &app.get(EVENTS).await.text;
    assert!(!shown.contains("reconnect"), "only the receivers of the event get the link: {shown}");
    let opened = app.get(&link).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    assert!(opened.text.contains("asks to connect the Zoom account of Ada"), "{}", opened.text);
    let (location, _) = app.begin_consent(&link).await;
    assert!(location.contains("/oauth/authorize"), "{location}");
    for wrong in ["/oauth/zoom/reconnect", &link[..link.len() - 4], &*link.replace(&account, &other)] {
        assert_eq!(app.get(wrong).await.status, 404, "{wrong}");
    }
    app.jump(8 * 24 * HOUR);
    assert_eq!(app.get(&link).await.status, 404, "it has expired");
}

#[tokio::test]
async fn slack_is_sent_text_for_people() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let url = url.replace("/hook?token=planted-in-the-query", "/services/T0PLANTED/B0PLANTED/PLANTED");
    let made = endpoint(&app, &url, json!({ "kind": "slack" })).await;
    assert!(made["url"].as_str().unwrap().ends_with("/services/********/********/********"), "{made}");
    assert!(!made["secret"].as_str().unwrap().starts_with("whsec_"), "nothing is signed");
    let account = app.connect(&app.zoom.user("ada@example.test", "<!channel> Ada").await).await;
    scheduled_bot(&app, &account).await;
    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    let heard = until_heard(&app, &receiver, 1).await;
    assert!(!heard[0].headers.contains_key("webhook-signature"));
    let text = heard[0].json()["text"].as_str().unwrap().to_owned();
    for part in [
        "*The Zoom account &lt;!channel&gt; Ada is disconnected*",
        "At stake: 1 bot is scheduled",
        "Connect it: http",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let shown = app.get(ENDPOINTS).await.text + &app.get(&path(&made, "deliveries/")).await.text;
    assert!(!shown.contains("PLANTED"), "{shown}");
    for field in [
        json!({ "secret": "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC0wMDAwMDAwMQ==" }),
        json!({ "svix_headers": true }),
    ] {
        let mut body = json!({ "url": url, "kind": "slack" });
        body.as_object_mut().unwrap().extend(field.as_object().unwrap().clone());
        app.post(ENDPOINTS, body).await.refused();
    }
    app.post(ENDPOINTS, json!({ "url": url, "kind": "pager" })).await.refused();
}

#[tokio::test]
async fn a_pool_that_fills_up_is_reported() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    endpoint(&app, &url, json!({ "event_types": ["pool.nearly_full", "pool.full"] })).await;
    let account = app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    let pool = json!({ "name": "takers", "members": [{ "credential": account, "max_joins": 5 }] });
    let pool: PoolId =
        app.post("/api/latchkey/v1/pools/", pool).await.created()["id"].as_str().unwrap().parse().unwrap();
    let (workspace, now) = (app.workspace().await, app.env.now());
    for holder in ["1", "2", "3", "4", "4", "5", "6"] {
        let request = SeatRequest {
            id: SeatId::generate(&app.env),
            pool,
            meeting: Some(format!("9876543210{holder}").parse().unwrap()),
            holder,
            hosting: false,
            host: None,
            without: &[],
            now,
            until: now + HOUR,
        };
        app.store.take_seat(workspace, &request).await.unwrap();
    }
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(receiver.kinds(), ["pool.nearly_full", "pool.full"]);
    let data = &heard[1].json()["data"];
    assert_eq!(
        (&data["pool"]["name"], &data["seats"], &data["taken"]),
        (&json!("takers"), &json!(5), &json!(5))
    );
}

#[tokio::test]
async fn a_server_whose_clock_is_off_reports_it_once() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    endpoint(&app, &url, json!({ "event_types": ["clock.off"] })).await;
    // Zoom's clock is set two minutes ahead, and something calls Zoom.
    app.zoom.control("POST", "clock", json!({ "advance_seconds": 120 })).await;
    app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    // The next check.
    app.jump(MINUTE / 2);
    let heard = until_heard(&app, &receiver, 1).await;
    assert!(heard[0].json()["data"]["message"].is_string(), "{}", heard[0].body);
    app.pass(2 * MINUTE).await;
    assert_eq!(receiver.kinds(), ["clock.off"]);
}
