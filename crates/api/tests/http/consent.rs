//! `/oauth/zoom/…`: a browser connects an account.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header::COOKIE},
};
use serde_json::json;

use crate::{
    OFFICE,
    house::{Answer, House, Plan},
    office,
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

async fn accounts(house: &House) -> usize {
    house.get("/api/v2/zoom-oauth-credentials/").await.ok()["results"].as_array().unwrap().len()
}

#[tokio::test]
async fn an_account_is_connected_and_the_invitation_used_up() {
    let house = office().await;
    house.zoom.user("planted@example.test", "<b>Ada</b> & Co").await;
    house.zoom.control("PUT", "signed-in", json!({ "user_id": null })).await;
    let invitation = house.invitation().await;
    let answer = house.get(&invitation).await;
    assert_eq!(answer.status, 303);
    assert_eq!(
        (answer.header("cache-control"), answer.header("referrer-policy")),
        ("no-store", "no-referrer")
    );
    let (cookie, attributes) = answer.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/base/oauth/zoom; Max-Age=1200; HttpOnly; SameSite=Lax; Secure");
    let back = house.zoom.decide(answer.header("location"), "allow").await;
    assert!(back.starts_with("https://latchkey.test/base/oauth/zoom/callback?"), "{back}");
    let page = house.arrive(&back, &format!("first=1; {cookie}; last=2")).await;
    is_a_page(&page, 200, "Connected", "<h1 id=\"connected\">Hana Host is connected</h1>");

    // A reload, or a tab that the browser restores.
    let again = house.arrive(&back, cookie).await;
    is_a_page(&again, 200, "Connected", "<h1 id=\"connected\">Hana Host is connected</h1>");
    let invitation = format!("https://latchkey.test/base{invitation}");
    is_a_page(&house.arrive(&invitation, cookie).await, 410, "Not connected", "was used already");
    assert_eq!((accounts(&house).await, house.zoom.count("token_exchanges").await), (1, 1));
}

#[tokio::test]
async fn a_name_is_text_in_the_page() {
    let house = office().await;
    let user = house.zoom.user("ada@example.test", "<b>Ada</b> & Co").await;
    house.zoom.control("PUT", "signed-in", json!({ "user_id": user["id"] })).await;
    let (location, cookie) = house.depart(&house.invitation().await).await;
    let page = house.arrive(&house.zoom.decide(&location, "allow").await, &cookie).await;
    is_a_page(&page, 200, "Connected", "&#60;b&#62;Ada&#60;/b&#62; &#38; Co is connected");
}

#[tokio::test]
async fn a_plain_http_server_sets_a_cookie_that_it_gets_back() {
    let house = House::build(&Plan { public_base: None, ..OFFICE }).await;
    let answer = house.get(&house.invitation().await).await;
    let (_, attributes) = answer.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/oauth/zoom; Max-Age=1200; HttpOnly; SameSite=Lax");
}

#[tokio::test]
async fn an_invitation_that_is_none_goes_nowhere() {
    let house = office().await;
    let invitation = house.invitation().await;
    for wrong in [
        "/oauth/zoom/authorize",
        "/oauth/zoom/authorize?invitation=",
        "/oauth/zoom/authorize?invitation=garbage.planted",
        "/oauth/zoom/authorize?invitation=%ff%00.x",
        &format!("{invitation}x"),
        invitation.rsplit_once('.').unwrap().0,
    ] {
        let answer = house.get(wrong).await;
        is_a_page(&answer, 404, "Not connected", "this invitation is not known here: ask for a new one");
        assert!(!answer.headers.contains_key("location") && !answer.headers.contains_key("set-cookie"));
        assert!(!answer.text.contains("planted"));
    }
    house.pass(Duration::from_secs(30)).await;
    assert_eq!(house.get(&invitation).await.status, 303, "the right one still goes to Zoom");
}

#[tokio::test]
async fn a_browser_that_did_not_leave_here_connects_nothing() {
    let house = office().await;
    let stranger = "this answer belongs to no invitation opened in this browser: open it again";
    let (location, cookie) = house.depart(&house.invitation().await).await;
    let back = house.zoom.decide(&location, "allow").await;
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
        let page = house.arrive(address, cookie).await;
        is_a_page(&page, 400, "Not connected", stranger);
        assert!(page.text.contains("request_malformed") && !page.text.contains("planted"), "{}", page.text);
    }
    assert_eq!(accounts(&house).await, 0);
    assert_eq!(house.zoom.count("token_exchanges").await, 0, "the code was kept for the right browser");
    assert_eq!(house.arrive(&back, &cookie).await.status, 200);
    assert_eq!(accounts(&house).await, 1);
}

#[tokio::test]
async fn no_at_zoom_is_a_no() {
    let house = office().await;
    let invitation = house.invitation().await;
    let (location, cookie) = house.depart(&invitation).await;
    let page = house.arrive(&house.zoom.decide(&location, "deny").await, &cookie).await;
    let says = "the consent was declined at Zoom: open the invitation again to allow it";
    is_a_page(&page, 424, "Not connected", says);
    assert_eq!(accounts(&house).await, 0);
    // As it says: the invitation still works.
    let (location, cookie) = house.depart(&invitation).await;
    assert_eq!(house.arrive(&house.zoom.decide(&location, "allow").await, &cookie).await.status, 200);
}

#[tokio::test]
async fn a_browser_may_send_its_cookies_in_several_headers() {
    let house = office().await;
    let (location, cookie) = house.depart(&house.invitation().await).await;
    let back = house.zoom.decide(&location, "allow").await;
    let request = Request::builder().uri(house.path_of(&back)).header(COOKIE, "a=b").header(COOKIE, cookie);
    assert_eq!(house.send(request.body(Body::empty()).unwrap()).await.status, 200);
}

#[tokio::test]
async fn every_page_of_a_server_that_trusts_a_simulator_says_so() {
    let house = House::build(&Plan { simulated: true, ..OFFICE }).await;
    let said = |answer: &Answer| answer.text.contains("This server trusts a simulator in Zoom's place.");
    let (location, cookie) = house.depart(&house.invitation().await).await;
    let back = house.zoom.decide(&location, "allow").await;
    for page in [house.arrive(&back, &cookie).await, house.get("/oauth/zoom/authorize?invitation=none").await]
    {
        assert!(page.header("content-type").starts_with("text/html") && said(&page), "{}", page.text);
    }
}

/// What follows links to see what is behind them: a scanner of mails, the preview of a chat.
#[tokio::test]
async fn who_only_looks_has_no_effect() {
    let house = office().await;
    let invitation = house.invitation().await;
    let (location, cookie) = house.depart(&invitation).await;
    let look = async |method: &str, address: &str, cookie: &str| {
        let request = Request::builder().method(method).uri(house.path_of(address)).header(COOKIE, cookie);
        house.send(request.body(Body::empty()).unwrap()).await
    };
    for method in ["HEAD", "GET"] {
        look(method, &house.address(&invitation), "").await;
    }
    let back = house.zoom.decide(&location, "allow").await;
    let answer = look("HEAD", &back, &cookie).await;
    assert_eq!((answer.status, &*answer.text, answer.header("cache-control")), (200, "", "no-store"));
    assert_eq!((accounts(&house).await, house.zoom.count("token_exchanges").await), (0, 0));
    is_a_page(&house.arrive(&back, &cookie).await, 200, "Connected", "is connected");

    let account = house.get("/api/v2/zoom-oauth-credentials/").await.ok()["results"][0]["id"].clone();
    let token = format!("/api/v2/zoom-oauth-credentials/{}/access-token/", account.as_str().unwrap());
    assert_eq!(house.call("HEAD", &token, Body::empty()).await.status, 200);
    assert_eq!(house.get("/api/latchkey/v1/audit/").await.ok()["results"], json!([]), "nobody was given one");
}
