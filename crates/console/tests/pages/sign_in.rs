//! Signing in and out.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header::COOKIE},
};
use tenants::ConsoleSessions;

use crate::{
    PLAN,
    signed_in::{SignedIn, cookie_of, first_form},
    test_app::TestApp,
};

async fn with_cookie(app: &TestApp, path: &str, cookie: &str) -> crate::test_app::Answer {
    app.send(Request::builder().uri(path).header(COOKIE, cookie).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_signed_out_browser_is_led_to_the_sign_in_and_back() {
    let app = TestApp::build(&PLAN).await;
    for path in ["/", "/accounts?status=unhealthy", "/bots/01990000-0000-7000-8000-000000000000", "/settings"]
    {
        let answer = with_cookie(&app, path, "").await;
        assert_eq!(answer.status, 303, "{path}");
        let to = answer.header("location").to_owned();
        let next = url::form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>();
        assert_eq!(to, format!("/base/sign-in?next={next}"));
    }
    // A part of a page that is fetched again redirects the whole page.
    let request =
        Request::builder().uri("/accounts").header("hx-request", "true").body(Body::empty()).unwrap();
    let answer = app.send(request).await;
    assert_eq!(answer.header("hx-redirect"), "/base/sign-in?next=%2Faccounts");
    let answer =
        first_form(&app, "/sign-in", &[("key", &app.api_key), ("next", "/accounts?status=unhealthy")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/base/accounts?status=unhealthy"));
    let (_, attributes) = answer.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/base; Max-Age=43200; HttpOnly; SameSite=Lax; Secure");
    let page = with_cookie(&app, "/accounts", &cookie_of(&answer)).await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "same-origin"));
}

#[tokio::test]
async fn a_sign_in_leads_nowhere_else() {
    let app = TestApp::build(&PLAN).await;
    for next in ["https://evil.test/", "//evil.test/", "/\\evil.test"] {
        let answer = first_form(&app, "/sign-in", &[("key", &app.api_key), ("next", next)]).await;
        assert_eq!(answer.header("location"), "/base/", "{next}");
    }
}

#[tokio::test]
async fn a_sign_in_by_link_returns_to_the_requested_page() {
    let app = TestApp::build(&PLAN).await;
    let sessions = ConsoleSessions::new(app.store.clone(), app.env.clone());
    let key = app.store.api_keys(app.workspace().await).await.unwrap().remove(0);
    let open = async |cookie: &str| {
        let link = sessions.make_link(&key).await.unwrap();
        let body = Body::from(format!("link={}", link.expose()));
        let request = Request::builder().method("POST").uri("/sign-in/link").header(COOKIE, cookie);
        app.send(request.body(body).unwrap()).await
    };
    let asked = with_cookie(&app, "/sign-in?next=%2Faccounts%3Fstatus%3Dunhealthy%26search%3Dada", "").await;
    let (_, attributes) = asked.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/base; Max-Age=900; HttpOnly; SameSite=Lax; Secure");
    let opened = open(&cookie_of(&asked)).await;
    assert_eq!(
        (opened.status, opened.header("location")),
        (303, "/base/accounts?status=unhealthy&search=ada")
    );
    for planted in [
        "",
        "latchkey_back=https%3A%2F%2Fevil.test",
        "latchkey_back=%2F%2Fevil.test",
        "latchkey_back=%2Fx%0D%0Ay",
    ] {
        assert_eq!(open(planted).await.header("location"), "/base/", "{planted}");
    }
}

#[tokio::test]
async fn a_wrong_key_signs_nobody_in_and_is_not_shown_again() {
    let app = TestApp::build(&PLAN).await;
    let answer = first_form(&app, "/sign-in", &[("key", "lk_planted"), ("next", "/bots")]).await;
    assert_eq!(answer.status, 401);
    assert!(!answer.headers.contains_key("set-cookie"));
    assert!(
        answer.text.contains("This server does not know this API key")
            && answer.text.contains("value=\"/bots\"")
    );
    assert!(!answer.text.contains("planted"), "{}", answer.text);
    let request = Request::builder().method("POST").uri("/sign-in").header("sec-fetch-site", "cross-site");
    let body = Body::from(format!("key={}", app.api_key));
    let answer = app.send(request.body(body).unwrap()).await;
    assert_eq!((answer.status, answer.headers.contains_key("set-cookie")), (400, false), "from another site");
}

#[tokio::test]
async fn a_session_ends_with_its_key_and_after_twelve_hours() {
    let browser = SignedIn::new().await;
    let key = browser.app.key_with("read").await;
    let reader = first_form(&browser.app, "/sign-in", &[("key", &key)]).await;
    let reader = cookie_of(&reader);
    assert_eq!(with_cookie(&browser.app, "/accounts", &reader).await.status, 200);
    let keys = browser.app.get("/api/latchkey/v1/api-keys/").await.ok();
    let id =
        keys["results"].as_array().unwrap().iter().find(|key| key["name"] == "read").unwrap()["id"].clone();
    browser.done(&format!("/settings/keys/{}/revoke", id.as_str().unwrap()), &[]).await;
    assert_eq!(with_cookie(&browser.app, "/accounts", &reader).await.status, 303, "the key is revoked");
    browser.app.jump(Duration::from_secs(12 * 3600 - 60));
    assert_eq!(browser.get("/accounts").await.status, 200);
    browser.app.jump(Duration::from_secs(61));
    assert_eq!(browser.get("/accounts").await.status, 303);
}

#[tokio::test]
async fn signing_out_ends_this_browser_and_everywhere_all_of_the_key() {
    let browser = SignedIn::new().await;
    let other = cookie_of(&first_form(&browser.app, "/sign-in", &[("key", &browser.app.api_key)]).await);
    let third = cookie_of(&first_form(&browser.app, "/sign-in", &[("key", &browser.app.api_key)]).await);
    assert_eq!(browser.done("/sign-out", &[]).await, "/sign-in");
    assert_eq!(browser.get("/accounts").await.status, 303);
    assert_eq!(with_cookie(&browser.app, "/accounts", &other).await.status, 200, "another browser stays");
    let browser = SignedIn { cookie: other.clone(), ..browser };
    let answer = browser.post("/sign-out-everywhere", &[]).await;
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    for cookie in [&other, &third] {
        assert_eq!(with_cookie(&browser.app, "/accounts", cookie).await.status, 303);
    }
}

#[tokio::test]
async fn a_link_signs_in_one_browser_once_and_opening_it_uses_nothing_up() {
    let app = TestApp::build(&PLAN).await;
    let sessions = ConsoleSessions::new(app.store.clone(), app.env.clone());
    let key = app.store.api_keys(app.workspace().await).await.unwrap().remove(0);
    let link = sessions.make_link(&key).await.unwrap();
    let path = format!("/sign-in/{}", link.expose());
    for _ in 0..2 {
        let page = with_cookie(&app, &path, "").await;
        assert_eq!(page.status, 200);
        assert!(!page.headers.contains_key("set-cookie") && page.text.contains("It works once"));
    }
    let opened = first_form(&app, "/sign-in/link", &[("link", link.expose())]).await;
    assert_eq!((opened.status, opened.header("location")), (303, "/base/"));
    assert_eq!(with_cookie(&app, "/accounts", &cookie_of(&opened)).await.status, 200);
    let again = first_form(&app, "/sign-in/link", &[("link", link.expose())]).await;
    assert_eq!((again.status, again.headers.contains_key("set-cookie")), (410, false));
    assert_eq!(with_cookie(&app, &path, "").await.status, 410);
    let late = sessions.make_link(&key).await.unwrap();
    app.jump(Duration::from_secs(15 * 60));
    assert_eq!(first_form(&app, "/sign-in/link", &[("link", late.expose())]).await.status, 410);
    // A link is not a session, and a session is not a link.
    let link = sessions.make_link(&key).await.unwrap();
    let cookie = format!("latchkey_session={}", link.expose());
    assert_eq!(with_cookie(&app, "/accounts", &cookie).await.status, 303);
}
