//! Accounts: the answer to "can my bots sign in now?", and the way to reconnect a dead account.

use axum::body::Body;
use serde_json::json;

use crate::signed_in::SignedIn;

/// Ends the account, as if its user had removed the app at Zoom.
async fn revoked(browser: &SignedIn, account: &str) {
    let credential = browser.app.get(&format!("/api/v2/zoom-oauth-credentials/{account}/")).await.ok();
    let user = credential["user_id"].clone();
    let path = format!("users/{}/apps/{}", user.as_str().unwrap(), crate::test_app::CLIENT_ID);
    browser.app.zoom.control("DELETE", &path, serde_json::Value::Null).await;
    let checked = format!("/api/v2/zoom-oauth-credentials/{account}/validate/");
    browser.app.call("POST", &checked, Body::empty()).await.ok();
}

fn between<'p>(page: &'p str, before: &str, after: &str) -> &'p str {
    page.split_once(before).unwrap_or_else(|| panic!("{before} in {page}")).1.split_once(after).unwrap().0
}

#[tokio::test]
async fn home_says_whether_bots_can_sign_in_and_leads_to_what_is_wrong() {
    let browser = SignedIn::new().await;
    assert!(browser.page("/").await.contains("No account is connected yet"));
    let ada = browser.app.zoom.user("ada@example.test", "Ada Lovelace").await;
    let account = browser.app.connect(&ada).await;
    let page = browser.page("/").await;
    assert!(page.contains("Bots can sign in") && page.contains("1 account is healthy"), "{page}");

    let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890", "zoom": { "credential": account }, "join_at": browser.app.env.now() + std::time::Duration::from_secs(7200) });
    browser.app.post("/api/v1/bot/", bot).await.created();
    revoked(&browser, &account).await;
    let page = browser.page("/").await;
    assert!(page.contains("The only account needs a person"), "{page}");
    assert!(page.contains("1 bot is to sign in with them."), "{page}");
    assert!(page.contains(&format!("href=\"/base/accounts/{account}\"")), "one click to it");
    assert!(page.contains(&format!("/base/bots?status=ready&amp;account={account}")), "{page}");
    let page = browser.page(&format!("/accounts/{account}")).await;
    assert!(page.contains("Needs you") && page.contains("Reconnect"), "{page}");
    assert!(page.contains("ada@example.test"));
}

#[tokio::test]
async fn home_counts_no_account_that_lacks_a_scope_or_whose_app_zoom_refuses() {
    let browser = SignedIn::new().await;
    let at_zoom = format!("apps/{}", crate::test_app::CLIENT_ID);
    let scopes = json!({ "scopes": ["user:read:user"] });
    browser.app.zoom.control("PATCH", &at_zoom, scopes).await;
    let poor = browser.app.connect(browser.app.zoom.host()).await;
    let page = browser.page("/").await;
    assert!(!page.contains("Bots can sign in") && page.contains("The only account needs a person"), "{page}");
    let link = format!("href=\"/base/accounts/{poor}\">1 account lacks user:read:zak</a>");
    assert!(page.contains(&link), "{page}");
    assert!(browser.page(&format!("/accounts/{poor}")).await.contains("Bots cannot sign in with it yet"));

    let scopes = json!({ "scopes": ["user:read:user", "user:read:zak"] });
    browser.app.zoom.control("PATCH", &at_zoom, scopes).await;
    let ada = browser.app.zoom.user("ada@example.test", "Ada Lovelace").await;
    let whole = browser.app.connect(&ada).await;
    let page = browser.page("/").await;
    assert!(page.contains("1 of 2 accounts needs a person"), "{page}");

    let app = format!("/api/v2/zoom-oauth-apps/{}/", browser.app.zoom_app);
    browser.app.call("PATCH", &app, Body::from(json!({ "client_secret": "wrong" }).to_string())).await.ok();
    browser
        .app
        .call("POST", &format!("/api/v2/zoom-oauth-credentials/{whole}/validate/"), Body::empty())
        .await;
    let page = browser.page("/").await;
    assert!(page.contains("All 2 accounts need a person"), "{page}");
    assert!(page.contains("href=\"/base/settings\">Zoom refuses the app of 2 accounts</a>"), "{page}");
}

#[tokio::test]
async fn home_counts_the_refreshes_of_the_last_day() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    assert!(browser.page("/").await.contains("No account was refreshed"));
    browser.app.jump(std::time::Duration::from_secs(3600));
    let token = format!("/api/v2/zoom-oauth-credentials/{account}/access-token/");
    assert_eq!(browser.app.meanwhile(browser.app.get(&token)).await.status, 200);
    let page = browser.page("/").await;
    assert!(between(&page, "Refreshes, last 24 hours", "</section>").contains(" worked."), "{page}");
}

#[tokio::test]
async fn reconnect_accepts_only_this_accounts_user() {
    let browser = SignedIn::new().await;
    let ada = browser.app.zoom.user("ada@example.test", "Ada Lovelace").await;
    let account = browser.app.connect(&ada).await;
    revoked(&browser, &account).await;
    let answer = browser.post(&format!("/accounts/{account}/reconnect"), &[]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let link = between(&answer.text, "<pre id=\"new-link\">", "</pre>").replace("&#38;", "&");
    let invitation = browser.app.path_of(&link);

    browser.app.zoom.control("PUT", "signed-in", json!({ "user_id": browser.app.zoom.host()["id"] })).await;
    let (location, cookie) = browser.app.begin_consent(&invitation).await;
    let back = browser.app.zoom.decide(&location, "allow").await;
    let refused = browser.app.finish_consent(&back, &cookie).await;
    assert!(refused.text.contains("this invitation is for Ada Lovelace"), "{}", refused.text);

    browser.app.zoom.control("PUT", "signed-in", json!({ "user_id": ada["id"] })).await;
    let (location, cookie) = browser.app.begin_consent(&invitation).await;
    let back = browser.app.zoom.decide(&location, "allow").await;
    assert_eq!(browser.app.finish_consent(&back, &cookie).await.status, 200);
    assert!(browser.page("/").await.contains("Bots can sign in"));
    let links = browser.page("/connect-links").await;
    assert!(
        links.contains("Used") && links.contains("Ada Lovelace") && !links.contains("invitation="),
        "{links}"
    );
}

#[tokio::test]
async fn a_connect_link_is_made_shown_once_and_withdrawn() {
    let browser = SignedIn::new().await;
    let asked =
        [("oauth_app", &*browser.app.zoom_app), ("invited_by", "Ada & Co"), ("expires_in_seconds", "3600")];
    let answer = browser.post("/accounts/connect", &asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let link = between(&answer.text, "<pre id=\"new-link\">", "</pre>").to_owned();
    let page = browser.page("/connect-links").await;
    assert!(
        page.contains("Can be opened") && page.contains("Ada &#38; Co") && !page.contains(&link),
        "{page}"
    );
    let id = between(&page, "/connect-links/", "/withdraw").to_owned();
    assert_eq!(
        browser.done(&format!("/connect-links/{id}/withdraw"), &[]).await,
        "/connect-links?said=withdrawn"
    );
    assert_eq!(browser.app.get(&browser.app.path_of(&link)).await.status, 410);
    let wrong = [("oauth_app", &*browser.app.zoom_app), ("return_url", "https://evil.test/")];
    let answer = browser.post("/accounts/connect", &wrong).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.text.contains("api.return_origins") && answer.text.contains("value=\"https://evil.test/\"")
    );
}

#[tokio::test]
async fn disconnecting_asks_for_the_name() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let path = format!("/accounts/{account}/disconnect");
    assert!(browser.page(&path).await.contains("type the account's name: Hana Host"));
    let answer = browser.post(&path, &[("name", "Hana")]).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("Nothing was done"), "{}", answer.text);
    assert!(browser.page("/accounts").await.contains("Hana Host"));
    assert_eq!(browser.done(&path, &[("name", "Hana Host")]).await, "/accounts?said=disconnected");
    assert!(!browser.page("/accounts").await.contains("Hana Host"));
    assert!(browser.page("/accounts?status=disconnected").await.contains("Hana Host"));
}

#[tokio::test]
async fn token_requests_are_on_the_accounts_page_and_in_the_export() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let token = format!("/api/v2/zoom-oauth-credentials/{account}/access-token/");
    assert_eq!(browser.app.get(&token).await.status, 200);
    let page = browser.page(&format!("/accounts/{account}")).await;
    assert!(page.contains("ACCESS TOKEN") && page.contains("API key") && page.contains("Given"), "{page}");
    assert!(browser.page(&format!("/audit?credential={account}")).await.contains("ACCESS TOKEN"));
    assert!(browser.page("/audit?bot=nobodys").await.contains("No record matches"));
    let export = browser.get(&format!("/audit/export.csv?credential={account}")).await;
    assert_eq!((export.status, export.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert_eq!(export.text.lines().count(), 2, "{}", export.text);
    assert!(export.text.lines().nth(1).unwrap().contains(&format!(",{account},,access_token,api_key,")));
}
