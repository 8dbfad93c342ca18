//! Rules for every page and every form.

use std::{convert::Infallible, time::Duration};

use api::Bounds;
use axum::{
    body::{Body, Bytes},
    http::{Request, header::COOKIE},
};
use futures_util::stream;
use serde_json::json;

use crate::{
    PLAN,
    signed_in::{SignedIn, first_form},
    test_app::{Plan, TestApp},
};

/// Every page without an id in its address.
pub(crate) const PAGES: &[&str] = &[
    "/",
    "/accounts",
    "/accounts/connect",
    "/connect-links",
    "/bots",
    "/bots/new",
    "/token-links",
    "/token-links/new?for=recall",
    "/token-links/new?for=attendee",
    "/token-links/new?for=meeting_baas",
    "/token-links/new?for=bearer",
    "/token-links/test",
    "/pools",
    "/events",
    "/events?kind=slack",
    "/events?kind=email",
    "/audit",
    "/settings",
    "/setup",
    "/find",
];

#[tokio::test]
async fn every_page_works_in_an_empty_workspace() {
    let browser = SignedIn::new().await;
    for path in PAGES {
        let page = browser.page(path).await;
        assert!(page.contains("<h1") && page.contains("Skip to the content"), "{path}");
        assert!(![">null", ">None", "Some("].iter().any(|word| page.contains(word)), "{path}");
        assert!(
            !page.contains(" style=\"") && !page.contains("onclick"),
            "{path} has what the policy forbids"
        );
    }
}

#[tokio::test]
async fn a_form_without_this_sessions_token_does_nothing() {
    let browser = SignedIn::new().await;
    let answer = first_form(&browser.app, "/sign-in", &[("key", &browser.app.api_key)]).await;
    let other = SignedIn { cookie: crate::signed_in::cookie_of(&answer), app: browser.app };
    let of_another = other.csrf().await;
    let browser = SignedIn { cookie: browser.cookie, app: other.app };
    for csrf in ["", "planted", &of_another] {
        for path in ["/pools", "/sign-out", "/sign-out-everywhere", "/settings/keys", "/bots/new"] {
            let answer = browser.post_with(csrf, path, &[("name", "x")]).await;
            assert_eq!(answer.status, 400, "{path}");
            assert!(answer.text.contains("This form has expired"), "{}", answer.text);
        }
    }
    assert!(browser.app.get("/api/latchkey/v1/pools/").await.ok()["results"].as_array().unwrap().is_empty());
    assert_eq!(browser.get("/accounts").await.status, 200, "and nobody is signed out");
}

/// The sign-in is open to everyone, so it must not use up what the API's callers need.
#[tokio::test]
async fn forms_share_the_memory_limit_of_bodies() {
    let bounds = Bounds { bodies: 4000, ..Bounds::default() };
    let app = TestApp::build(&Plan { bounds: Some(bounds), ..PLAN }).await;
    let long = "x".repeat(1200);
    for path in ["/sign-in", "/sign-in/link"] {
        let refused = first_form(&app, path, &[("key", &long)]).await;
        assert_eq!(refused.status, 503, "{}", refused.text);
        assert!(
            refused.text.contains("The form was not read: the memory for request bodies is in use."),
            "{}",
            refused.text
        );
    }
    let key = app.api_key.clone();
    let browser = SignedIn::with_key(app, &key).await;
    let refused = browser.post("/pools", &[("name", &long)]).await;
    assert!(refused.status != 503 && !refused.text.contains("memory"), "{}", refused.text);
    browser.done("/pools", &[("name", &long[..40])]).await;
}

#[tokio::test]
async fn a_form_before_the_sign_in_has_limits_of_time_and_size() {
    let app = TestApp::build(&PLAN).await;
    let begun = app.env.now();
    let body = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    let request = Request::builder().method("POST").uri("/sign-in").body(body).unwrap();
    let slow = app.meanwhile(app.send(request)).await;
    assert_eq!(slow.status, 400);
    assert!(slow.text.contains("The form did not arrive within 5 s."), "{}", slow.text);
    assert!(app.env.now().since(begun) < Duration::from_secs(10), "on the clock that the test moves");
    let large = first_form(&app, "/sign-in", &[("key", &"x".repeat(256 * 1024))]).await;
    assert_eq!(large.status, 413);
    assert!(large.text.contains("The form is larger than 256 KiB."), "{}", large.text);
}

#[tokio::test]
async fn every_method_that_a_405_allows_works() {
    let browser = SignedIn::new().await;
    for path in console::paths() {
        let path = path.replace('{', "garbage-").replace('}', "");
        let call = async |method: &str| {
            let request = Request::builder().method(method).uri(&path).header(COOKIE, &browser.cookie);
            browser.app.send(request.body(Body::empty()).unwrap()).await
        };
        let refused = call("BREW").await;
        assert_eq!(refused.status, 405, "{path}");
        let allowed: Vec<_> = refused.header("allow").split(',').map(str::trim).collect();
        assert!(allowed.iter().all(|method| !method.is_empty()), "{path}: {allowed:?}");
        // The stream of live events never ends.
        for method in allowed.into_iter().filter(|method| (*method, &*path) != ("GET", "/live")) {
            assert_ne!(call(method).await.status, 405, "{method} {path}");
        }
    }
}

/// A person who mistakes a demo for Zoom types a real password into it.
#[tokio::test]
async fn every_page_of_a_server_that_trusts_a_simulator_says_so() {
    const SAYS: &str =
        "This server trusts a simulator in Zoom's place. Don't sign in to it with a real account.";
    for (folder, frames) in
        [("templates", &["frame.html", "bare.html"][..]), ("../api/templates", &["frame.html"])]
    {
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            let is_framed =
                frames.iter().any(|frame| text.starts_with(&format!("{{% extends \"{frame}\" %}}")));
            let is_part = !text.contains("{% extends") && !text.contains("<html");
            assert!(is_framed || is_part || text.contains(SAYS), "{} is a page of its own", file.display());
        }
    }
    let app = TestApp::build(&Plan { simulated: true, ..PLAN }).await;
    let key = app.api_key.clone();
    let browser = SignedIn::with_key(app, &key).await;
    let stranger =
        async |path| browser.app.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await;
    let mut answers = vec![
        stranger("/sign-in").await,
        stranger("/sign-in/planted").await,
        first_form(&browser.app, "/sign-in", &[("key", "lk_wrong")]).await,
        first_form(&browser.app, "/sign-in/link", &[("link", "wrong")]).await,
        browser.get("/bots/none").await,
        browser.post_with("stale", "/pools", &[]).await,
    ];
    for path in PAGES {
        answers.push(browser.get(path).await);
    }
    for answer in answers {
        assert!(answer.header("content-type").starts_with("text/html"), "{}", answer.text);
        assert_eq!(answer.text.matches(SAYS).count(), 1, "{}", answer.text);
    }
}

#[tokio::test]
async fn names_are_text_on_every_page() {
    let browser = SignedIn::new().await;
    let name = "<script>alert(1)</script>\"'&";
    let user = browser.app.zoom.user("ada@example.test", name).await;
    let account = browser.app.connect(&user).await;
    browser
        .app
        .post(
            "/api/latchkey/v1/pools/",
            json!({ "name": name, "members": [{ "credential": account, "max_joins": 2 }] }),
        )
        .await
        .created();
    let pool = browser.app.get("/api/latchkey/v1/pools/").await.ok()["results"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let link = json!({ "credential": account, "name": name });
    let link = browser.app.post("/api/latchkey/v1/token-links/", link).await.created()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890", "bot_name": name, "metadata": { "x": name }, "zoom": { "credential": account } });
    let bot = browser.app.post("/api/v1/bot/", bot).await.created()["id"].as_str().unwrap().to_owned();
    let invited = json!({ "credential": account, "invited_by": name, "purpose": name });
    browser.app.post("/api/latchkey/v1/connect-links/", invited).await.created();
    let own = [
        format!("/accounts/{account}"),
        format!("/accounts/{account}/disconnect"),
        format!("/bots/{bot}"),
        format!("/token-links/{link}"),
        format!("/pools/{pool}"),
        format!(
            "/accounts?search={}",
            url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>()
        ),
        format!("/find?q={}x", url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>()),
    ];
    for path in PAGES.iter().map(|path| (*path).to_owned()).chain(own) {
        let page = browser.page(&path).await;
        assert!(!page.contains("<script>alert"), "{path}");
    }
}

#[tokio::test]
async fn a_missing_object_links_to_its_list() {
    let browser = SignedIn::new().await;
    let nobodys = "01990000-0000-7000-8000-000000000000";
    for (path, list) in [
        ("/accounts/", "/base/accounts"),
        ("/bots/", "/base/bots"),
        ("/token-links/", "/base/token-links"),
        ("/pools/", "/base/pools"),
        ("/events/", "/base/events"),
    ] {
        let answer = browser.get(&format!("{path}{nobodys}")).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains(&format!("href=\"{list}\"")), "{}", answer.text);
        // Characters with a meaning in API paths are not accepted in an id.
        for odd in ["..%2F..%2Fapi", "x%3Fstatus=ready", "%00"] {
            assert_eq!(browser.get(&format!("{path}{odd}")).await.status, 404, "{path}{odd}");
        }
    }
}

#[tokio::test]
async fn a_missing_scope_is_shown() {
    let app = crate::test_app::TestApp::build(&crate::PLAN).await;
    let key = app.key_with("read").await;
    let browser = SignedIn::with_key(app, &key).await;
    let page = browser.page("/accounts").await;
    assert!(!page.contains("/accounts/connect"), "actions without permission are not offered");
    let answer = browser.post("/pools", &[("name", "x")]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text.contains("lacks the scope admin"), "{}", answer.text);
    let answer = browser.post("/bots/new", &[("meeting_url", "https://zoom.us/j/81234567890")]).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_refused_form_keeps_its_values_and_marks_the_field() {
    let browser = SignedIn::new().await;
    let typed = [("meeting_url", "https://example.test/not-zoom"), ("bot_name", "Typed & kept")];
    let answer = browser.post("/bots/new", &typed).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("value=\"Typed &#38; kept\""), "{}", answer.text);
    assert!(answer.text.contains("aria-describedby=\"wrong-meeting_url\""), "{}", answer.text);
    let answer = browser.post("/settings/keys", &[("name", "kept")]).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.text.contains("value=\"kept\"") && answer.text.contains("wrong-scopes"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn secondary_forms_of_a_page_keep_their_values_too() {
    let browser = SignedIn::new().await;
    let pool = browser.app.post("/api/latchkey/v1/pools/", json!({ "name": "note takers" })).await.created();
    let pool = format!("/pools/{}", pool["id"].as_str().unwrap());
    let long = "Typed & kept ".repeat(20);
    let answer = browser.post(&format!("{pool}/rename"), &[("name", &long)]).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    for kept in ["value=\"Typed &#38; kept ", "aria-describedby=\"wrong-name\"", "id=\"wrong-name\""] {
        assert!(answer.text.contains(kept), "{kept}: {}", answer.text);
    }
    assert!(browser.page(&pool).await.contains("<h1>note takers</h1>"));

    let app = format!("/settings/apps/{}", browser.app.zoom_app);
    let secret = format!("planted{}", "x".repeat(5000));
    let answer = browser.post(&app, &[("webhook_secret", &secret)]).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.text.contains("aria-describedby=\"wrong-webhook_secret\""), "{}", answer.text);
    assert!(!answer.text.contains("planted"), "a secret is not shown again");
    let answer = browser.post(&app, &[("client_secret", ""), ("webhook_secret", " ")]).await;
    assert!(answer.status == 400 && answer.text.contains("No secret was entered."), "{}", answer.text);

    let endpoint = json!({ "url": "https://hooks.example.com/latchkey", "enabled": false });
    let endpoint = browser.app.post("/api/latchkey/v1/webhook-endpoints/", endpoint).await.created();
    let endpoint = format!("/events/{}", endpoint["id"].as_str().unwrap());
    let answer = browser.post(&format!("{endpoint}/replay"), &[("since", "yesterday & before")]).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    for kept in ["value=\"yesterday &#38; before\"", "aria-describedby=\"wrong-since\""] {
        assert!(answer.text.contains(kept), "{kept}: {}", answer.text);
    }

    let page = browser.page("/audit?since=yesterday&until=2026-01-31&bot=b-1").await;
    for kept in
        ["value=\"yesterday\" aria-invalid", "value=\"2026-01-31\"", "value=\"b-1\"", "id=\"wrong-since\""]
    {
        assert!(page.contains(kept), "{kept}: {page}");
    }
    let page = browser.page("/audit?token_link=no-id").await;
    assert!(page.contains("id=\"wrong-token_link\"") && page.contains("There was no search"), "{page}");
}

#[tokio::test]
async fn assets_are_cached_for_ever_and_have_their_types() {
    let browser = SignedIn::new().await;
    let page = browser.page("/").await;
    for (name, kind) in [
        ("console.css", "text/css; charset=utf-8"),
        ("console.js", "text/javascript; charset=utf-8"),
        ("htmx.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let (before, _) = page.split_once(name).unwrap();
        let path = format!("{}{name}", before.rsplit('"').next().unwrap().strip_prefix("/base").unwrap());
        let file = browser.get(&path).await;
        assert_eq!((file.status, file.header("content-type")), (200, kind));
        assert!(file.header("cache-control").contains("immutable"));
    }
}
