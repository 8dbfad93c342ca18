//! The main story of the console, by clicks only: from an empty workspace to a bot that signs in; then its account dies, the
//! home page turns red, an endpoint is notified, and Reconnect repairs it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, routing::post};
use browser::PlainPage;
use model::Environment;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    chromium::{STUDIO, chromium, signed_in},
    test_app::TestApp,
};

/// A server of the workspace that receives events.
async fn told() -> (String, Arc<Mutex<Vec<Value>>>) {
    let events: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&events);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let take = move |body: Bytes| async move {
        kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    };
    #[expect(clippy::disallowed_methods, reason = "somebody else's server")]
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(take))).await });
    (url, events)
}

/// Waits until the page shows this text; the page updates itself.
async fn says(page: &PlainPage, selector: &str, words: &str) {
    let what = format!("{selector} says {words}");
    let script =
        format!("[...document.querySelectorAll('{selector}')].map((one) => one.textContent).join(' ')");
    let wall = Environment::system();
    let begun = wall.now();
    loop {
        // Between two pages there is no document to evaluate.
        let text = page.evaluate(&script).await.unwrap_or_default();
        if text.as_str().is_some_and(|text| text.contains(words)) {
            return;
        }
        if wall.now().since(begun) > Duration::from_secs(60) {
            let shown = page.evaluate("location.href + document.body.innerText").await.unwrap();
            panic!("it takes too long until {what}: {}", shown.as_str().unwrap());
        }
        wall.clock.sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn from_nothing_to_a_bot_that_signs_in_and_from_a_dead_account_back_by_clicks_alone() {
    let app = TestApp::without_a_zoom_app(&STUDIO).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path(), &app.zoom).await;
    let page = signed_in(&app, &browser).await;
    says(&page, "h1", "No account is connected yet").await;

    // One click: an app, an account, a meeting and a bot, and the page of that bot.
    page.click("form[action$='/setup/try'] button").await.unwrap();
    says(&page, "[role=status]", "watch it join").await;
    assert!(page.url().await.unwrap().starts_with(&app.address("/bots/")));
    says(&page, ".head .state", "In the meeting").await;
    says(&page, "#live", "Kim Lee").await;
    says(&page, "#live", "Then let us begin with the numbers of last week.").await;
    let people = app.zoom.control("GET", "join-requests", Value::Null).await;
    assert_eq!(people.as_array().unwrap().len(), 1, "it joined at the first attempt");

    page.go(&app.address("/")).await.unwrap();
    says(&page, "h1 .state.good", "Bots can sign in").await;
    let (url, events) = told().await;
    app.post("/api/latchkey/v1/webhook-endpoints/", json!({ "url": url })).await.created();

    // Its user removes the app at Zoom, which notifies this server.
    page.go(&app.address("/accounts")).await.unwrap();
    page.click("td a").await.unwrap();
    page.click("form[action$='/simulate/removal'] button").await.unwrap();
    says(&page, ".head .state", "the user removed the app").await;
    page.go(&app.address("/")).await.unwrap();
    says(&page, "h1 .state.bad", "The only account needs a person").await;
    app.wait_for("the endpoint is told", async || {
        let events = events.lock().unwrap();
        events.iter().any(|event| event["event"] == "zoom_oauth_credential.disconnected").then_some(())
    })
    .await;

    // The red headline, the cause and the cure take two clicks.
    page.click(".troubled .button.main").await.unwrap();
    page.wait_for("#reconnect").await.unwrap();
    page.click("form[action$='/simulate/consent'] button").await.unwrap();
    says(&page, "[role=status]", "consented again").await;
    says(&page, ".head .state", "Healthy").await;
    page.go(&app.address("/")).await.unwrap();
    says(&page, "h1 .state.good", "Bots can sign in").await;

    // Once more: existing objects are used again.
    page.go(&app.address("/setup")).await.unwrap();
    page.click("form[action$='/setup/try'] button").await.unwrap();
    says(&page, "[role=status]", "watch it join").await;
    let accounts = app.get("/api/v2/zoom-oauth-credentials/").await.ok();
    assert_eq!(accounts["results"].as_array().unwrap().len(), 1);
    page.close().await;
    browser.close().await;
}
