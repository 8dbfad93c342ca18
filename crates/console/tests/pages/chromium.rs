//! Every page in the real Chromium: at 390, 768 and 1440 px, light and dark. None may complain, break the policy or be wider
//! than the window.
//!
//! `SCREENSHOTS=<folder>` keeps the pictures for a person to look at.

use std::{path::PathBuf, time::Duration};

use browser::{Browser, BrowserConfig, PlainPage};
use model::Environment;
use serde_json::{Value, json};
use tenants::ConsoleSessions;

use crate::{
    PLAN,
    forms::PAGES,
    test_app::{Plan, TestApp},
};

/// Collects what the page complains about, before anything of it runs.
const COLLECT: &str = "window.complaints = [];
    addEventListener('error', (event) => complaints.push('error: ' + event.message), true);
    addEventListener('unhandledrejection', (event) => complaints.push('rejection: ' + event.reason));
    document.addEventListener('securitypolicyviolation', (event) => complaints.push('policy: ' + event.violatedDirective + ' ' + event.blockedURI));
    for (const name of ['error', 'warn']) console[name] = (...words) => complaints.push(name + ': ' + words.join(' '));";
/// What it complained about, and whether it is wider than the window.
const COMPLAINTS: &str = "JSON.stringify([...window.complaints, ...(document.documentElement.scrollWidth > innerWidth ? ['wider than the window: ' + document.documentElement.scrollWidth] : [])])";

async fn chromium(folder: PathBuf) -> Browser {
    let config = BrowserConfig {
        chromium: "chromium".into(),
        sdk_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/node_modules/@zoom/meetingsdk/dist").into(),
        state_dir: folder,
        zoom_override: None,
        sandbox: BrowserConfig::sandbox_works(),
        answer_within: Duration::from_secs(60),
    };
    Browser::launch(config, Environment::system()).await.unwrap()
}

async fn signed_in(app: &TestApp, browser: &Browser) -> PlainPage {
    let sessions = ConsoleSessions::new(app.store.clone(), app.env.clone());
    let key = app.store.api_keys(app.workspace().await).await.unwrap().remove(0);
    let link = sessions.make_link(&key).await.unwrap();
    let page = browser.open_plain("about:blank").await.unwrap();
    page.run_before_each_page(COLLECT).await.unwrap();
    page.go(&app.address(&format!("/sign-in/{}", link.expose()))).await.unwrap();
    page.click("button").await.unwrap();
    page.wait_for("[data-ready] .menu").await.unwrap();
    page
}

/// Something of everything: a healthy account and a dead one, bots, a link, a pool.
async fn filled(app: &TestApp) -> Vec<String> {
    let long = "A name that is as long as names of people and of rooms can be, WithoutAnySpaceInItsSecondHalfWhichMustBreak";
    let dead = app.connect(&app.zoom.user("dead@example.test", long).await).await;
    let host = app.connect(app.zoom.host()).await;
    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{dead}/"), axum::body::Body::empty()).await;
    let pool =
        json!({ "name": long.get(..90).unwrap(), "members": [{ "credential": host, "max_joins": 4 }] });
    let pool = app.post("/api/latchkey/v1/pools/", pool).await.created()["id"].as_str().unwrap().to_owned();
    let link = json!({ "credential": host, "name": long });
    let link =
        app.post("/api/latchkey/v1/token-links/", link).await.created()["id"].as_str().unwrap().to_owned();
    let at = app.env.now() + Duration::from_secs(7200);
    let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890?pwd=abc", "bot_name": long.get(..90).unwrap(), "join_at": at, "zoom": { "credential": host } });
    let bot = app.post("/api/v1/bot/", bot).await.created()["id"].as_str().unwrap().to_owned();
    let endpoint = json!({ "url": "https://endpoint.invalid/a/rather/long/path/that/goes/on?key=planted", "enabled": false });
    let endpoint = app.post("/api/latchkey/v1/webhook-endpoints/", endpoint).await.created()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    vec![
        format!("/accounts/{host}"),
        format!("/accounts/{host}/disconnect"),
        format!("/bots/{bot}"),
        format!("/token-links/{link}"),
        format!("/pools/{pool}"),
        format!("/events/{endpoint}"),
        "/accounts?status=disconnected".into(),
        "/bots/01990000-0000-7000-8000-000000000000".into(),
    ]
}

#[tokio::test]
async fn every_page_is_quiet_and_fits_at_each_width_light_and_dark() {
    let app = TestApp::build(&Plan { public_base: None, manual: false, simulated: true, ..PLAN }).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path().join("browser")).await;
    let own = filled(&app).await;
    let page = signed_in(&app, &browser).await;
    let mut wrong = Vec::new();
    for path in PAGES.iter().map(|path| (*path).to_owned()).chain(own) {
        for (width, dark) in [(390, false), (390, true), (768, false), (1440, false), (1440, true)] {
            page.look(width, 900, dark).await.unwrap();
            page.go(&app.address(&path)).await.unwrap();
            page.wait_for("h1").await.unwrap();
            let said = page.evaluate(COMPLAINTS).await.unwrap();
            let said: Vec<Value> = serde_json::from_str(said.as_str().unwrap()).unwrap();
            // A page that is missing says so with its status, which Chromium logs.
            wrong.extend(said.iter().map(|words| format!("{path} at {width}, dark {dark}: {words}")));
            keep(&page, &path, width, dark).await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    page.close().await;
    browser.close().await;
}

async fn keep(page: &PlainPage, path: &str, width: u32, dark: bool) {
    let Ok(folder) = std::env::var("SCREENSHOTS") else { return };
    let name: String =
        path.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    let file = format!("{folder}/console{name}-{width}{}.png", if dark { "-dark" } else { "" });
    std::fs::write(file, page.screenshot().await.unwrap()).unwrap();
}

#[tokio::test]
async fn the_keyboard_leads_everywhere_and_a_page_follows_what_happens() {
    let app = TestApp::build(&Plan { public_base: None, manual: false, ..PLAN }).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path().join("browser")).await;
    let page = signed_in(&app, &browser).await;
    let press = async |key: &str| {
        let script = format!(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }})), true"
        );
        page.evaluate(&script).await.unwrap();
    };
    press("g").await;
    press("a").await;
    page.wait_for(".menu a[aria-current][href=\"/accounts\"]").await.unwrap();
    press("/").await;
    assert_eq!(page.evaluate("document.activeElement.name").await.unwrap(), "q");
    page.evaluate("document.activeElement.blur(), true").await.unwrap();
    press("?").await;
    page.wait_for("dialog[open]").await.unwrap();
    // The page of accounts is open when one is connected elsewhere.
    let account = app.connect(app.zoom.host()).await;
    page.wait_for(&format!("#live a[href=\"/accounts/{account}\"]")).await.unwrap();
    page.close().await;
    browser.close().await;
}
