//! Tests a page that is used as a person would use it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use axum::{Router, response::Html, routing::get};
use browser::{Browser, BrowserError};
use model::Environment;
use support::config;

const QUESTION: &str = "<form action=/answer><button id=allow>Allow</button></form>";
const ANSWER: &str = "<p id=result> Connected </p>";

#[tokio::test]
async fn a_button_is_clicked() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let site =
        Router::new().route("/", get(async || Html(QUESTION))).route("/answer", get(async || Html(ANSWER)));
    let _serving = tokio_util::task::TaskTracker::new().spawn(axum::serve(listener, site).into_future());

    let state = tempfile::tempdir().unwrap();
    let browser = Browser::launch(config(state.path()), Environment::system()).await.unwrap();
    let page = browser.open_plain(&origin).await.unwrap();
    page.click("#allow").await.unwrap();
    page.wait_for("#result").await.unwrap();
    assert_eq!(page.text("#result").await.unwrap(), "Connected");
    assert_eq!(page.url().await.unwrap(), format!("{origin}/answer?"));
    assert!(page.screenshot().await.unwrap().starts_with(b"\x89PNG"));
    assert!(matches!(page.text("#nothing").await, Err(BrowserError::NoElement { .. })));
    page.close().await;
    assert!(matches!(browser.open_plain("http://127.0.0.1:1").await, Err(BrowserError::Protocol { .. })));
    browser.close().await;
}
