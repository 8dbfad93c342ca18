//! Answers to forms and pages that no menu leads to, in the real Chromium with the checks of `chromium.rs`: new objects,
//! refused forms, refusals of the server.

use api::Bounds;
use browser::PlainPage;
use serde_json::json;

use crate::{
    chromium::{COLLECT, Looks, STUDIO, chromium, signed_in, signed_in_with},
    test_app::{CLIENT_ID, Plan, TestApp},
};

const PLAN: Plan = Plan { capacity: 0, chromium: "/nowhere/chromium", simulated: false, ..STUDIO };
const SECRET: &str = "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC1vZi10ZXN0cw==";

/// Sends a form of the open page, with these fields changed. The browser's own validation is skipped.
async fn send(page: &PlainPage, form: &str, fields: serde_json::Value) {
    page.wait_for(form).await.unwrap();
    let form = json!(form);
    let script = format!(
        "(() => {{
            const form = document.querySelector({form});
            for (const [name, value] of Object.entries({fields})) {{
                const field = form.elements[name];
                field.type = field.tagName === 'INPUT' && field.type !== 'password' ? 'text' : field.type;
                field.value = value;
            }}
            form.noValidate = true;
            form.requestSubmit();
            return true;
        }})()"
    );
    page.evaluate(&script).await.unwrap();
}

#[tokio::test]
async fn pages_of_new_objects_and_refused_forms_pass_the_same_checks() {
    let app = TestApp::build(&PLAN).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path(), &app.zoom).await;
    let page = signed_in(&app, &browser).await;
    let account = app.connect(app.zoom.host()).await;
    let pool = app.post("/api/latchkey/v1/pools/", json!({ "name": "note takers" })).await.created();
    let pool = format!("/pools/{}", pool["id"].as_str().unwrap());
    let endpoint = json!({ "url": "https://endpoint.invalid/", "enabled": false });
    let endpoint = app.post("/api/latchkey/v1/webhook-endpoints/", endpoint).await.created();
    let endpoint = format!("/events/{}", endpoint["id"].as_str().unwrap());
    let app_form = format!("form[action$='/settings/apps/{}']", app.zoom_app);
    let mut looks = Looks::new();
    for (name, path, form, fields, shows) in [
        (
            "token-link-made",
            "/token-links/new?for=recall",
            "form[action$='/token-links/new']",
            json!({ "signing_secret": SECRET, "name": "notes" }),
            "#snippet",
        ),
        (
            "connect-link-made",
            "/accounts/connect",
            "form[action$='/accounts/connect']",
            json!({}),
            "#new-link",
        ),
        (
            "account-checked",
            &*format!("/accounts/{account}"),
            "form[action$='/check']",
            json!({}),
            "[role=status]",
        ),
        ("app-checked", "/setup", "form[action$='/check']", json!({}), "#checked"),
        (
            "callback-secret-made",
            "/settings",
            "form[action$='/settings/callback-secret']",
            json!({}),
            "#callback",
        ),
        ("endpoint-rotated", &endpoint, "form[action$='/rotate']", json!({}), "#secret"),
        (
            "endpoint-made",
            "/events",
            "form[action$='/events']",
            json!({ "url": "https://other.invalid/" }),
            ".secret pre",
        ),
        (
            "key-refused",
            "/settings",
            "form[action$='/settings/keys']",
            json!({ "name": "x" }),
            "#wrong-scopes",
        ),
        ("app-secrets-refused", "/settings", &app_form, json!({}), "details[open] [role=alert]"),
        (
            "pool-rename-refused",
            &pool,
            "form[action$='/rename']",
            json!({ "name": "much too long a name ".repeat(9) }),
            "#wrong-name",
        ),
        (
            "replay-refused",
            &endpoint,
            "form[action$='/replay']",
            json!({ "since": "yesterday" }),
            "#wrong-since",
        ),
        (
            "bot-refused-form",
            "/bots/new",
            "form[action$='/bots/new']",
            json!({ "meeting_url": "https://example.test/", "bot_name": "Notes" }),
            "#wrong-meeting_url",
        ),
        (
            "test-refused",
            "/token-links/test?dialect=recall",
            "form[action$='/token-links/test']",
            json!({ "address": "https://evil.test/t/x.y", "signing_secret": SECRET }),
            "#wrong-address",
        ),
        (
            "disconnect-refused",
            &*format!("/accounts/{account}/disconnect"),
            "form[action$='/disconnect']",
            json!({ "name": "Somebody else" }),
            "[role=alert]",
        ),
    ] {
        page.go(&app.address(path)).await.unwrap();
        send(&page, form, fields).await;
        page.wait_for(shows).await.unwrap();
        looks.here(&page, name).await;
        if name == "token-link-made" {
            page.click("form[action$='/token-links/test'] button").await.unwrap();
            page.wait_for("#answer").await.unwrap();
            looks.here(&page, "token-link-tested").await;
        }
    }
    looks.at(&app, &page, "audit-refused", "/audit?since=yesterday&until=tomorrow").await;
    looks.at(&app, &page, "error-codes", "/docs/error-codes").await;
    page.close().await;
    browser.close().await;
    looks.are_clean();
}

#[tokio::test]
async fn error_pages_and_a_parked_install_pass_the_same_checks() {
    let app =
        TestApp::build(&Plan { bounds: Some(Bounds { bodies: 4000, ..Bounds::default() }), ..PLAN }).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path(), &app.zoom).await;
    let mut looks = Looks::new();
    app.key_with("read").await;
    let keys = app.store.api_keys(app.workspace().await).await.unwrap();
    let reader = keys.iter().find(|key| key.name == "read").unwrap();
    let page = signed_in_with(&app, &browser, reader).await;
    // Actions that the key lacks are not offered, so another form is sent to that address.
    page.evaluate("document.querySelector(\"form[action$='/sign-out']\").action = '/pools', true")
        .await
        .unwrap();
    send(&page, "form[action$='/pools']", json!({})).await;
    page.wait_for("body.bare h1").await.unwrap();
    assert_eq!(page.text("h1").await.unwrap(), "Your key has no permission for this");
    looks.here(&page, "not-allowed").await;

    // Memory for bodies is short: an unauthenticated client's form gets none.
    let stranger = browser.open_plain("about:blank").await.unwrap();
    stranger.run_before_each_page(COLLECT).await.unwrap();
    stranger.go(&app.address("/sign-in")).await.unwrap();
    send(&stranger, "form[action$='/sign-in']", json!({ "key": "x".repeat(1200) })).await;
    stranger.wait_for(".actions a[href='/']").await.unwrap();
    assert_eq!(stranger.text("h1").await.unwrap(), "This form did not arrive");
    looks.here(&stranger, "no-memory").await;
    stranger.close().await;

    let own = app.address(&format!("/oauth/zoom/callback/{}", app.zoom_app));
    let redirects = json!({ "redirect_uris": [app.address("/oauth/zoom/callback"), own] });
    app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), redirects).await;
    let code = app.zoom.code(CLIENT_ID, &own).await;
    page.go(&format!("{own}?code={code}")).await.unwrap();
    page.wait_for("#parked").await.unwrap();
    looks.here(&page, "parked").await;
    page.close().await;
    browser.close().await;
    looks.are_clean();
}
