//! Errors link to their page, and the page exists.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::{
    app,
    test_app::{Answer, TestApp},
};

/// The address in an error, without `https://latchkey.test/base`.
fn page_of(refused: &Answer) -> (String, String) {
    let body: Value = serde_json::from_str(&refused.text).unwrap();
    let docs = body["docs"].as_str().unwrap_or_else(|| panic!("no link: {}", refused.text));
    let (page, code) = docs.strip_prefix("https://latchkey.test/base").unwrap().split_once('#').unwrap();
    assert_eq!(code, body["code"].as_str().unwrap());
    (page.to_owned(), code.to_owned())
}

async fn page(app: &TestApp, path: &str) -> Answer {
    app.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_link_of_an_error_leads_to_what_its_code_means() {
    let app = app().await;
    let link = json!({ "dialect": "bearer", "credential": app.connect(app.zoom.host()).await });
    let link = app.post("/api/latchkey/v1/token-links/", link).await.created();
    let token_link = app.path_of(link["url"].as_str().unwrap());
    let repeated = || app.request("POST", "/api/v1/bot/").header("Idempotency-Key", "x");
    let unread = || app.send(repeated().body(Body::from("[")).unwrap());
    for (refused, advice) in [
        (page(&app, "/api/v1/bot/").await, "Authorization: Token &lt;key&gt;"),
        (page(&app, &format!("/api/v1/bot/?{}", "x".repeat(17_000))).await, "shorten the query"),
        (page(&app, &token_link).await, "send what proves that the request is yours"),
        (unread().await, "send one JSON object"),
        // A stored answer that is replayed.
        (unread().await, "send one JSON object"),
    ] {
        let (path, code) = page_of(&refused);
        let page = page(&app, &path).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let (_, section) = page.text.split_once(&format!("<h3 id=\"{code}\">")).unwrap();
        assert!(section.split("<h3").next().unwrap().contains(advice), "{code}: {section}");
    }
}

#[tokio::test]
async fn every_code_is_on_a_page() {
    let app = app().await;
    let errors = page(&app, "/docs/error-codes/").await.text;
    let document = page(&app, "/openapi.json").await.ok().to_string();
    let mut codes: Vec<&str> = model::Code::ALL.iter().map(|code| code.as_str()).collect();
    // All codes in the document, on whatever page.
    let shown = document.split(r#"{"code":""#).skip(1).filter_map(|rest| rest.split_once('"'));
    codes.extend(shown.filter(|(_, rest)| rest.starts_with(r#","detail":"#)).map(|(code, _)| code));
    assert!(codes.contains(&"pool_in_use") && codes.contains(&"too_large"), "{codes:?}");
    let sub_codes = page(&app, "/docs/sub-codes").await.text;
    for code in codes {
        assert!(errors.contains(&format!("<h3 id=\"{code}\">")), "{code}");
    }
    for code in model::SubCode::ALL {
        assert!(sub_codes.contains(&format!("<h2 id=\"{code}\">")), "{code}");
    }
    for page in [errors, sub_codes] {
        assert!(!page.contains(".md\""), "a link into the repository would not work here");
    }
}
