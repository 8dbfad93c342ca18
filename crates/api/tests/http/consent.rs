//! `/oauth/zoom/…`: a browser connects an account.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header::COOKIE},
};
use serde_json::json;

use crate::{
    PLAN, app,
    test_app::{Answer, Plan, TestApp},
    webhook_endpoints::{self, event_content::reconnect_link},
};

fn is_a_page(answer: &Answer, status: u16, title: &str, says: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'";
    assert_eq!(answer.header("content-security-policy"), policy);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(!answer.text.contains("simulator"));
    assert!(answer.text.contains(title) && answer.text.contains(says), "{}", answer.text);
}

async fn accounts(app: &TestApp) -> usize {
    app.get("/api/v2/zoom-oauth-credentials/").await.ok()["results"].as_array().unwrap().len()
}

#[tokio::test]
async fn an_account_is_connected_and_the_invitation_used_up() {
    let app = app().await;
    app.zoom.user("planted@example.test", "<b>Ada</b> & Co").await;
    app.zoom.control("PUT", "signed-in", json!({ "user_id": null })).await;
    let invitation = app.invitation().await;
    let answer = app.get(&format!("{invitation}&go=zoom")).await;
    assert_eq!(answer.status, 303);
    assert_eq!(
        (answer.header("cache-control"), answer.header("referrer-policy")),
        ("no-store", "no-referrer")
    );
    let (cookie, attributes) = answer.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/base/oauth/zoom; Max-Age=1200; HttpOnly; SameSite=Lax; Secure");
    let back = app.zoom.decide(answer.header("location"), "allow").await;
    assert!(back.starts_with("https://latchkey.test/base/oauth/zoom/callback?"), "{back}");
    let page = app.finish_consent(&back, &format!("first=1; {cookie}; last=2")).await;
    is_a_page(&page, 200, "Connected", "<h1 id=\"connected\">Hana Host is connected</h1>");

    // A reload, or a tab that the browser restored.
    let again = app.finish_consent(&back, cookie).await;
    is_a_page(&again, 200, "Connected", "<h1 id=\"connected\">Hana Host is connected</h1>");
    let invitation = format!("https://latchkey.test/base{invitation}");
    is_a_page(&app.finish_consent(&invitation, cookie).await, 410, "Not connected", "was already used");
    assert_eq!((accounts(&app).await, app.zoom.count("token_exchanges").await), (1, 1));
}

#[tokio::test]
async fn a_name_is_text_in_the_page() {
    let app = app().await;
    let user = app.zoom.user("ada@example.test", "<b>Ada</b> & Co").await;
    app.zoom.control("PUT", "signed-in", json!({ "user_id": user["id"] })).await;
    let (location, cookie) = app.begin_consent(&app.invitation().await).await;
    let page = app.finish_consent(&app.zoom.decide(&location, "allow").await, &cookie).await;
    is_a_page(&page, 200, "Connected", "&#60;b&#62;Ada&#60;/b&#62; &#38; Co is connected");
}

#[tokio::test]
async fn a_plain_http_server_sets_a_cookie_that_it_gets_back() {
    let app = TestApp::build(&Plan { public_base: None, ..PLAN }).await;
    let answer = app.get(&format!("{}&go=zoom", app.invitation().await)).await;
    let (_, attributes) = answer.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/oauth/zoom; Max-Age=1200; HttpOnly; SameSite=Lax");
}

#[tokio::test]
async fn an_unknown_invitation_is_refused() {
    let app = app().await;
    let invitation = app.invitation().await;
    for wrong in [
        "/oauth/zoom/authorize",
        "/oauth/zoom/authorize?invitation=",
        "/oauth/zoom/authorize?invitation=garbage.planted",
        "/oauth/zoom/authorize?invitation=%ff%00.x",
        &format!("{invitation}x"),
        invitation.rsplit_once('.').unwrap().0,
    ] {
        let answer = app.get(wrong).await;
        is_a_page(&answer, 404, "Not connected", "this invitation is unknown: ask for a new one");
        assert!(!answer.headers.contains_key("location") && !answer.headers.contains_key("set-cookie"));
        assert!(!answer.text.contains("planted"));
    }
    app.pass(Duration::from_secs(30)).await;
    let begun = app.get(&format!("{invitation}&go=zoom")).await;
    assert_eq!(begun.status, 303, "the right one still goes to Zoom");
}

#[tokio::test]
async fn a_browser_without_the_sessions_cookie_connects_nothing() {
    let app = app().await;
    let stranger =
        "this answer belongs to no invitation that was opened in this browser: open the invitation again";
    let (location, cookie) = app.begin_consent(&app.invitation().await).await;
    let back = app.zoom.decide(&location, "allow").await;
    let (before, state) = back.split_once("state=").unwrap();
    let other_state = format!("{before}state=planted{state}");
    for (address, cookie) in [
        (other_state.as_str(), cookie.as_str()),
        (&back, ""),
        (&back, "latchkey_consent=planted"),
        (&back, "latchkey_consent="),
        (&back, &format!("x{cookie}")),
        ("https://latchkey.test/base/oauth/zoom/callback", &cookie),
    ] {
        let page = app.finish_consent(address, cookie).await;
        is_a_page(&page, 400, "Not connected", stranger);
        assert!(page.text.contains("request_malformed") && !page.text.contains("planted"), "{}", page.text);
    }
    assert_eq!(accounts(&app).await, 0);
    assert_eq!(app.zoom.count("token_exchanges").await, 0, "the code was kept for the right browser");
    assert_eq!(app.finish_consent(&back, &cookie).await.status, 200);
    assert_eq!(accounts(&app).await, 1);
}

#[tokio::test]
async fn a_declined_consent_connects_nothing() {
    let app = app().await;
    let invitation = app.invitation().await;
    let (location, cookie) = app.begin_consent(&invitation).await;
    let page = app.finish_consent(&app.zoom.decide(&location, "deny").await, &cookie).await;
    let says = "the consent was declined at Zoom: open the invitation again to allow it";
    is_a_page(&page, 424, "Not connected", says);
    assert_eq!(accounts(&app).await, 0);
    // As the page says, the invitation still works.
    let (location, cookie) = app.begin_consent(&invitation).await;
    assert_eq!(app.finish_consent(&app.zoom.decide(&location, "allow").await, &cookie).await.status, 200);
}

#[tokio::test]
async fn a_browser_may_send_its_cookies_in_several_headers() {
    let app = app().await;
    let (location, cookie) = app.begin_consent(&app.invitation().await).await;
    let back = app.zoom.decide(&location, "allow").await;
    let request = Request::builder().uri(app.path_of(&back)).header(COOKIE, "a=b").header(COOKIE, cookie);
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, 200);
}

#[tokio::test]
async fn every_page_of_a_server_that_trusts_a_simulator_says_so() {
    let app = TestApp::build(&Plan { simulated: true, ..PLAN }).await;
    let said = |answer: &Answer| answer.text.contains("This server trusts a simulator in Zoom's place.");
    let (location, cookie) = app.begin_consent(&app.invitation().await).await;
    let back = app.zoom.decide(&location, "allow").await;
    for page in
        [app.finish_consent(&back, &cookie).await, app.get("/oauth/zoom/authorize?invitation=none").await]
    {
        assert!(page.header("content-type").starts_with("text/html") && said(&page), "{}", page.text);
    }
}

/// Programs that open links: mail scanners and link previews of chats.
#[tokio::test]
async fn link_previews_have_no_effect() {
    let app = webhook_endpoints::app().await;
    let invitation = app.invitation().await;
    let (location, cookie) = app.begin_consent(&invitation).await;
    let look = async |method: &str, address: &str, cookie: &str| {
        let request = Request::builder().method(method).uri(app.path_of(address)).header(COOKIE, cookie);
        app.send(request.body(Body::empty()).unwrap()).await
    };
    for method in ["HEAD", "GET"] {
        look(method, &app.address(&invitation), "").await;
    }
    let back = app.zoom.decide(&location, "allow").await;
    let answer = look("HEAD", &back, &cookie).await;
    assert_eq!((answer.status, &*answer.text, answer.header("cache-control")), (200, "", "no-store"));
    assert_eq!((accounts(&app).await, app.zoom.count("token_exchanges").await), (0, 0));
    is_a_page(&app.finish_consent(&back, &cookie).await, 200, "Connected", "is connected");

    let account = app.get("/api/v2/zoom-oauth-credentials/").await.ok()["results"][0]["id"].clone();
    let account = account.as_str().unwrap();
    let token = format!("/api/v2/zoom-oauth-credentials/{account}/access-token/");
    assert_eq!(app.call("HEAD", &token, Body::empty()).await.status, 200);
    assert_eq!(app.get("/api/latchkey/v1/audit/").await.ok()["results"], json!([]), "no token was given");

    // The link in an event: chats and mails preview it.
    let link = reconnect_link(&app, account).await;
    for (method, address) in [("HEAD", &*link), ("GET", &link), ("HEAD", &format!("{link}&go=zoom"))] {
        assert_eq!(look(method, &app.address(address), "").await.status, 200, "{method} {address}");
    }
    assert_eq!(invitations(&app).await, 1, "the invitation from above");
}

async fn invitations(app: &TestApp) -> usize {
    app.get(LINKS).await.ok()["results"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_link_to_reconnect_makes_one_invitation_however_often_it_is_followed() {
    let app = webhook_endpoints::app().await;
    let account = app.connect(app.zoom.host()).await;
    let before = invitations(&app).await;
    let link = reconnect_link(&app, &account).await;
    is_a_page(&app.get(&link).await, 200, "Connect your Zoom account", "the Zoom account of Hana Host");
    for round in 1..=2 {
        app.begin_consent(&link).await;
        let (location, cookie) = app.begin_consent(&link).await;
        assert_eq!(invitations(&app).await, before + round);
        let back = app.zoom.decide(&location, "allow").await;
        is_a_page(&app.finish_consent(&back, &cookie).await, 200, "Connected", "Hana Host is connected");
    }
    assert_eq!(accounts(&app).await, 1, "the same account");
}

#[tokio::test]
async fn old_invitations_are_deleted() {
    let app = app().await;
    let (_, invitation) = link(&app, json!({ "oauth_app": app.zoom_app, "expires_in_seconds": 60 })).await;
    let authorizations = &app.broker.accounts.authorizations;
    app.jump(Duration::from_secs(30 * 24 * 3600));
    authorizations.forget_ended().await.unwrap();
    is_a_page(&app.get(&invitation).await, 410, "Not connected", "this invitation has expired");
    app.jump(Duration::from_secs(60));
    authorizations.forget_ended().await.unwrap();
    assert_eq!(invitations(&app).await, 0);
    is_a_page(&app.get(&invitation).await, 404, "Not connected", "this invitation is unknown");
}

const LINKS: &str = "/api/latchkey/v1/connect-links/";

async fn link(app: &TestApp, body: serde_json::Value) -> (String, String) {
    let made = app.post(LINKS, body).await.created();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), app.path_of(&text("url")))
}

#[tokio::test]
async fn the_inviter_and_the_purpose_are_shown_before_zooms_consent() {
    let app = app().await;
    let asked = json!({
        "oauth_app": app.zoom_app, "invited_by": "<i>Ada</i> & Co", "purpose": "Notes of \"our\" meetings",
        "return_url": "https://app.example/done?x=1",
    });
    let (_, invitation) = link(&app, asked).await;
    let page = app.get(&invitation).await;
    is_a_page(&page, 200, "Connect your Zoom account", "&#60;i&#62;Ada&#60;/i&#62; &#38; Co asks to connect");
    assert!(page.text.contains("Notes of &#34;our&#34; meetings") && page.text.contains("Added apps"));
    assert!(!page.headers.contains_key("set-cookie"), "no authorization has begun");
    let (_, rest) = page.text.split_once("id=\"go\" href=\"").unwrap();
    let go = rest.split_once('"').unwrap().0.replace("&#38;", "&");
    let begun = app.get(&app.path_of(&go)).await;
    let cookie = begun.header("set-cookie").split(';').next().unwrap().to_owned();
    let back = app.zoom.decide(begun.header("location"), "allow").await;
    for _ in 0..2 {
        let page = app.finish_consent(&back, &cookie).await;
        is_a_page(
            &page,
            200,
            "Connected",
            "href=\"https://app.example/done?x=1\">Continue to app.example</a>",
        );
    }
    // By default the workspace's name is shown.
    let page = app.get(&app.invitation().await).await;
    is_a_page(&page, 200, "Connect your Zoom account", "default asks to connect your Zoom account");
}

#[tokio::test]
async fn browsers_are_redirected_only_to_configured_origins() {
    let app = app().await;
    for url in
        ["https://evil.test/", "javascript:alert(1)", "https://app.example.evil.test/", "http://app.example/"]
    {
        let asked = json!({ "oauth_app": app.zoom_app, "return_url": url });
        let refused = app.post(LINKS, asked).await.refused();
        assert!(refused["return_url"][0].is_string(), "{url}: {refused}");
    }
    let asked = json!({ "oauth_app": app.zoom_app, "return_url": "https://evil.test/" });
    let refused = app.post(LINKS, asked).await.refused();
    assert!(refused["return_url"][0].as_str().unwrap().contains("api.return_origins"), "{refused}");
}

#[tokio::test]
async fn an_invitation_for_one_account_refuses_other_users() {
    let app = app().await;
    let ada = app.zoom.user("ada@example.test", "Ada Lovelace").await;
    let account = app.connect(&ada).await;
    let (_, invitation) = link(&app, json!({ "credential": account })).await;
    let page = app.get(&invitation).await;
    is_a_page(&page, 200, "Connect your Zoom account", "asks to connect the Zoom account of Ada Lovelace");

    // Another user is signed in at Zoom.
    app.zoom.control("PUT", "signed-in", json!({ "user_id": app.zoom.host()["id"] })).await;
    let (location, cookie) = app.begin_consent(&invitation).await;
    let back = app.zoom.decide(&location, "allow").await;
    let refused = app.finish_consent(&back, &cookie).await;
    let says = "this invitation is for Ada Lovelace, and you are signed in to Zoom as Hana Host: nothing was connected";
    is_a_page(&refused, 403, "Not connected", says);
    assert!(refused.text.contains("other_user"));
    assert_eq!(accounts(&app).await, 1, "the other user's grant is not stored");
    assert_eq!(app.tokens_in_the_store().await, 2);

    // The right user still can.
    app.zoom.control("PUT", "signed-in", json!({ "user_id": ada["id"] })).await;
    let (location, cookie) = app.begin_consent(&invitation).await;
    let back = app.zoom.decide(&location, "allow").await;
    is_a_page(&app.finish_consent(&back, &cookie).await, 200, "Connected", "Ada Lovelace is connected");
    assert_eq!(accounts(&app).await, 1);
}

#[tokio::test]
async fn accounts_without_consent_and_of_other_workspaces_get_no_link() {
    let app = app().await;
    let unknown = "01900000-0000-7000-8000-000000000000";
    let refused = app.post(LINKS, json!({ "credential": unknown })).await.refused();
    assert_eq!(refused, json!({ "credential": ["This workspace has no such account."] }));
    let account = app.connect(app.zoom.host()).await;
    let refused = app.post(LINKS, json!({ "credential": account, "oauth_app": unknown })).await.refused();
    let words = "The account is connected with another app: leave this out.";
    assert_eq!(refused, json!({ "oauth_app": [words] }));
}

#[tokio::test]
async fn links_are_listed_withdrawn_and_expire() {
    let app = app().await;
    let (withdrawn, invitation) = link(&app, json!({ "oauth_app": app.zoom_app })).await;
    app.pass(Duration::from_secs(1)).await;
    let (short, other) = link(&app, json!({ "oauth_app": app.zoom_app, "expires_in_seconds": 60 })).await;
    let address = format!("{LINKS}{withdrawn}/");
    for _ in 0..2 {
        assert_eq!(app.call("DELETE", &address, Body::empty()).await.status, 204);
    }
    is_a_page(&app.get(&invitation).await, 410, "Not connected", "this invitation was withdrawn");
    app.pass(Duration::from_secs(61)).await;
    is_a_page(&app.get(&other).await, 410, "Not connected", "this invitation has expired");
    let listed = app.get(LINKS).await.ok();
    let states: Vec<_> =
        listed["results"].as_array().unwrap().iter().map(|row| (&row["id"], &row["state"])).collect();
    assert_eq!(states, [(&json!(short), &json!("expired")), (&json!(withdrawn), &json!("revoked"))]);
    assert!(!listed.to_string().contains("invitation="), "{listed}");

    let (used, invitation) = link(&app, json!({ "oauth_app": app.zoom_app })).await;
    let (location, cookie) = app.begin_consent(&invitation).await;
    app.finish_consent(&app.zoom.decide(&location, "allow").await, &cookie).await;
    let refused = app.call("DELETE", &format!("{LINKS}{used}/"), Body::empty()).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("connect_link_used")));
}
