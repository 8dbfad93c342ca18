//! The console with only the keyboard.

use browser::PlainPage;
use serde_json::json;

use crate::{
    PLAN,
    chromium::{chromium, signed_in},
    test_app::{Plan, TestApp},
};

#[tokio::test]
async fn the_keyboard_leads_everywhere_and_a_page_follows_what_happens() {
    let app = TestApp::build(&Plan { public_base: None, manual: false, ..PLAN }).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path(), &app.zoom).await;
    let page = signed_in(&app, &browser).await;
    page.press("g").await.unwrap();
    page.press("a").await.unwrap();
    page.wait_for(".menu a[aria-current][href=\"/accounts\"]").await.unwrap();
    // The new page's script is deferred: it has run when the page is complete.
    while page.evaluate("document.readyState").await.unwrap() != "complete" {}
    page.press("/").await.unwrap();
    assert_eq!(page.evaluate("document.activeElement.name").await.unwrap(), "q");
    page.evaluate("document.activeElement.blur(), true").await.unwrap();
    page.press("?").await.unwrap();
    page.wait_for("dialog[open]").await.unwrap();
    // The page of accounts is open when an account is connected elsewhere.
    let account = app.connect(app.zoom.host()).await;
    page.wait_for(&format!("#live a[href=\"/accounts/{account}\"]")).await.unwrap();
    page.close().await;
    browser.close().await;
}

/// Presses Tab until a matching element has the focus; fails if it cannot be reached.
async fn tab_to(page: &PlainPage, selector: &str) {
    let there = format!("document.activeElement.matches({})", json!(selector));
    for _ in 0..80 {
        if page.evaluate(&there).await.unwrap() == true {
            // The focus must be visible.
            let seen = "getComputedStyle(document.activeElement).outlineStyle";
            assert_ne!(page.evaluate(seen).await.unwrap(), "none", "{selector} shows no focus");
            return;
        }
        page.press("Tab").await.unwrap();
    }
    panic!("no way to {selector} by Tab");
}

async fn write(page: &PlainPage, text: &str) {
    for letter in text.chars() {
        page.press(&letter.to_string()).await.unwrap();
    }
}

#[tokio::test]
async fn a_pool_is_made_filled_and_a_bot_sent_with_it_by_keys_alone() {
    let app = TestApp::build(&Plan { public_base: None, manual: false, ..PLAN }).await;
    app.connect(app.zoom.host()).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path(), &app.zoom).await;
    let page = signed_in(&app, &browser).await;
    // The first Tab stop skips the menu.
    page.go(&app.address("/pools")).await.unwrap();
    page.wait_for("[data-ready]").await.unwrap();
    page.press("Tab").await.unwrap();
    assert_eq!(page.evaluate("document.activeElement.className").await.unwrap(), "skip");
    page.press("Enter").await.unwrap();
    tab_to(&page, "#name").await;
    write(&page, "note takers").await;
    page.press("Enter").await.unwrap();
    page.wait_for("#credential").await.unwrap();
    tab_to(&page, "form[action$='/members'] button").await;
    page.press("Enter").await.unwrap();
    page.wait_for("td a[href^='/accounts/']").await.unwrap();

    page.press("g").await.unwrap();
    page.press("b").await.unwrap();
    page.wait_for(".menu a[aria-current][href='/bots']").await.unwrap();
    tab_to(&page, "main a[href='/bots/new']").await;
    page.press("Enter").await.unwrap();
    page.wait_for("#meeting_url").await.unwrap();
    tab_to(&page, "#meeting_url").await;
    write(&page, "https://zoom.us/j/81234567890").await;
    tab_to(&page, "#with").await;
    write(&page, "with").await;
    tab_to(&page, "#bot_name").await;
    write(&page, "By keys").await;
    page.press("Enter").await.unwrap();
    page.wait_for("[role=status]").await.unwrap();
    assert!(page.text("h1").await.unwrap().starts_with("By keys"));
    let bots = app.get("/api/v1/bot/").await.ok();
    assert!(bots["results"][0]["zoom"]["pool"].is_string(), "{bots}");
    page.close().await;
    browser.close().await;
}
