//! Choosing an account when there are more than a list shows.

use std::time::Duration;

use serde_json::json;

use crate::{
    chromium::{Looks, STUDIO, chromium, signed_in},
    signed_in::SignedIn,
    test_app::{Plan, TestApp},
};

/// One more than a page of the API, so that the oldest is not among the newest.
const ACCOUNTS: usize = 101;
const SAYS_SO: &str = "name=\"typed\"";

/// Connects newer accounts, as many as a list shows; `wait` is called after each.
async fn add_newer(app: &TestApp, wait: impl Fn()) {
    for number in 1..ACCOUNTS {
        let user =
            app.zoom.user(&format!("notes-{number}@northwind.example"), &format!("Notes {number}")).await;
        app.connect(&user).await;
        wait();
    }
}

#[tokio::test]
async fn an_account_that_is_not_among_the_newest_is_found_by_its_id_its_address_or_its_name() {
    let browser = SignedIn::new().await;
    let app = &browser.app;
    let pool = app.post("/api/latchkey/v1/pools/", json!({ "name": "note takers" })).await.created();
    let pool = format!("/pools/{}", pool["id"].as_str().unwrap());
    let places = ["/bots/new", "/bots", "/audit", "/token-links/new?for=recall", pool.as_str()];
    let oldest = app.connect(&app.zoom.user("oldest@northwind.example", "Oldest of all").await).await;
    for path in places {
        assert!(!browser.page(path).await.contains(SAYS_SO), "{path}: all accounts are in the list");
    }
    add_newer(app, || app.jump(Duration::from_secs(1))).await;
    for path in places {
        let page = browser.page(path).await;
        assert!(page.contains(SAYS_SO) && !page.contains("Oldest of all"), "{path}: {page}");
    }

    let meeting = ("meeting_url", "https://zoom.us/j/81234567890?pwd=abc");
    for typed in [oldest.as_str(), "oldest@northwind.example", "Oldest of"] {
        let to = browser.done("/bots/new", &[meeting, ("bot_name", "Notes"), ("typed", typed)]).await;
        let bot = to.split_once('?').unwrap().0.replace("/bots/", "/api/v1/bot/");
        assert_eq!(app.get(&format!("{bot}/")).await.ok()["zoom"]["credential"], oldest.as_str(), "{typed}");
        for list in ["/bots", "/audit"] {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("typed", typed).finish();
            let page = browser.page(&format!("{list}?{query}")).await;
            assert!(page.contains(&format!("value=\"{oldest}\" selected")), "{list}: {page}");
        }
    }
    for (typed, words) in [
        ("nobody@northwind.example", "There is no account with this id"),
        ("01990000-0000-7000-8000-000000000000", "There is no account with this id"),
        ("Notes", "100 accounts match"),
    ] {
        let asked = [("dialect", "recall"), ("typed", typed), ("with", "host")];
        let refused = browser.post("/token-links/new", &asked).await;
        assert!(refused.status == 400 && refused.text.contains(words), "{typed}: {}", refused.text);
        assert!(refused.text.contains("aria-describedby=\"wrong-typed\""), "{}", refused.text);
        let page = browser.page(&format!("/bots?typed={typed}")).await;
        assert!(page.contains(words) && page.contains("No bot matches."), "{page}");
    }
    let member = [("typed", "oldest@northwind.example"), ("max_joins", "2")];
    assert_eq!(browser.done(&format!("{pool}/members"), &member).await, format!("{pool}?said=pool-changed"));
    assert!(browser.page(&pool).await.contains("Oldest of all"));
}

#[tokio::test]
async fn pages_that_ask_for_an_older_account_are_quiet_accessible_and_fit() {
    let app = TestApp::build(&Plan { capacity: 0, chromium: "/nowhere/chromium", ..STUDIO }).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path(), &app.zoom).await;
    let page = signed_in(&app, &browser).await;
    add_newer(&app, || {}).await;
    app.connect(app.zoom.host()).await;
    let pool = app.post("/api/latchkey/v1/pools/", json!({ "name": "note takers" })).await.created();
    let pool = format!("/pools/{}", pool["id"].as_str().unwrap());
    let mut looks = Looks::new();
    for (name, path) in [
        ("many-bot-new", "/bots/new"),
        ("many-bots", "/bots"),
        ("many-bots-unknown", "/bots?typed=nobody"),
        ("many-audit", "/audit"),
        ("many-token-link-new", "/token-links/new?for=recall"),
        ("many-pool", pool.as_str()),
    ] {
        looks.at(&app, &page, name, path).await;
    }
    page.close().await;
    browser.close().await;
    looks.are_clean();
}
