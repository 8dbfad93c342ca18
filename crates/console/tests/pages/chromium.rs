//! Every page in the real Chromium: at 390, 768 and 1440 px, light and dark. No page may log an error, violate the policy,
//! be wider than the window, or have findings of axe-core.
//!
//! `SCREENSHOTS=<folder>` stores a screenshot of each for a person to look at (`scripts/screenshots`).

use std::{path::Path, time::Duration};

use browser::{Browser, BrowserConfig, PlainPage, ZoomOverride};
use model::Environment;
use serde_json::Value;
use tenants::ConsoleSessions;

use crate::{
    PLAN,
    forms::PAGES,
    test_app::{Plan, TestApp, Zoom},
    world::World,
};

/// Collects errors of the page, before any of its scripts run.
pub(crate) const COLLECT: &str = "window.complaints = [];
    addEventListener('error', (event) => complaints.push('error: ' + event.message), true);
    addEventListener('unhandledrejection', (event) => complaints.push('rejection: ' + event.reason));
    document.addEventListener('securitypolicyviolation', (event) => complaints.push('policy: ' + event.violatedDirective + ' ' + event.blockedURI));
    for (const name of ['error', 'warn']) console[name] = (...words) => complaints.push(name + ': ' + words.join(' '));";
/// The collected errors, and whether the page is wider than the window.
const COMPLAINTS: &str = "JSON.stringify([...window.complaints, ...(document.documentElement.scrollWidth > innerWidth ? ['wider than the window: ' + document.documentElement.scrollWidth] : [])])";
/// The findings of axe, with their elements.
const RUN_AXE: &str = "(window.found = null, axe.run(document, { resultTypes: ['violations'] }).then((found) => {
    window.found = JSON.stringify(found.violations.map((rule) => `axe: ${rule.id}: ${rule.nodes.map((node) => node.html).slice(0, 3).join(' ')}`));
}), true)";
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/checks/node_modules/axe-core/axe.min.js");
const WIDTHS: [u32; 3] = [390, 768, 1440];
/// Where axe runs, which is slow: in both themes, and in the most different layouts.
const WITH_AXE: [(u32, bool); 2] = [(390, true), (1440, false)];

/// A plan with bots that really run, where a simulator replaces Zoom.
pub(crate) const STUDIO: Plan = Plan {
    public_base: None,
    chromium: "chromium",
    capacity: 2,
    networks: &["127.0.0.0/8"],
    manual: false,
    simulated: true,
    bots_elsewhere: false,
    answer_within: Duration::from_secs(60),
    ..PLAN
};

/// A person's browser, for which the simulator is at Zoom's address.
pub(crate) async fn chromium(folder: &Path, zoom: &Zoom) -> Browser {
    let address = zoom.ready.zoom_address.parse().unwrap();
    let config = BrowserConfig {
        chromium: "chromium".into(),
        sdk_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/node_modules/@zoom/meetingsdk/dist").into(),
        state_dir: folder.join("person"),
        zoom_override: Some(ZoomOverride { address, spki: zoom.ready.spki.clone() }),
        sandbox: BrowserConfig::sandbox_works(),
        answer_within: Duration::from_secs(60),
    };
    Browser::launch(config, Environment::system()).await.unwrap()
}

/// A page that is signed in by a sign-in link.
pub(crate) async fn signed_in(app: &TestApp, browser: &Browser) -> PlainPage {
    let key = app.store.api_keys(app.workspace().await).await.unwrap().remove(0);
    signed_in_with(app, browser, &key).await
}

/// The same with this key.
pub(crate) async fn signed_in_with(app: &TestApp, browser: &Browser, key: &store::ApiKey) -> PlainPage {
    let sessions = ConsoleSessions::new(app.store.clone(), app.env.clone());
    let link = sessions.make_link(key).await.unwrap();
    let page = browser.open_plain("about:blank").await.unwrap();
    page.run_before_each_page(COLLECT).await.unwrap();
    page.go(&app.address(&format!("/sign-in/{}", link.expose()))).await.unwrap();
    page.click("button").await.unwrap();
    page.wait_for("[data-ready] .menu").await.unwrap();
    page
}

/// Checks a page in every width and theme, and collects its problems.
pub(crate) struct Looks {
    axe: String,
    wrong: Vec<String>,
}

impl Looks {
    pub(crate) fn new() -> Self {
        let axe = std::fs::read_to_string(AXE).expect("axe-core: run interop/need-node web/checks");
        Self { axe, wrong: Vec::new() }
    }

    /// Checks a page of this server.
    pub(crate) async fn at(&mut self, app: &TestApp, page: &PlainPage, name: &str, path: &str) {
        page.look(WIDTHS[0], 900, false).await.unwrap();
        page.go(&app.address(path)).await.unwrap();
        page.wait_for("h1").await.unwrap();
        self.here(page, name).await;
    }

    /// Checks the page that is open.
    pub(crate) async fn here(&mut self, page: &PlainPage, name: &str) {
        page.evaluate(&format!("{}; true", self.axe)).await.unwrap();
        for (width, dark) in WIDTHS.into_iter().flat_map(|width| [(width, false), (width, true)]) {
            page.look(width, 900, dark).await.unwrap();
            self.now(page, name, width, dark).await;
        }
    }

    async fn now(&mut self, page: &PlainPage, name: &str, width: u32, dark: bool) {
        let read = |said: Value| serde_json::from_str::<Vec<Value>>(said.as_str().unwrap()).unwrap();
        let mut said = read(page.evaluate(COMPLAINTS).await.unwrap());
        if WITH_AXE.contains(&(width, dark)) {
            page.evaluate(RUN_AXE).await.unwrap();
            let found = loop {
                match page.evaluate("window.found").await.unwrap() {
                    Value::Null => Environment::system().clock.sleep(Duration::from_millis(20)).await,
                    found => break found,
                }
            };
            said.extend(read(found));
        }
        self.wrong.extend(said.iter().map(|words| format!("{name} at {width}, dark {dark}: {words}")));
        keep(page, name, width, dark).await;
    }

    pub(crate) fn are_clean(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

/// Stores a screenshot of the whole page in `SCREENSHOTS`.
async fn keep(page: &PlainPage, name: &str, width: u32, dark: bool) {
    let Some(folder) = std::env::var_os("SCREENSHOTS") else { return };
    let height = page.evaluate("document.documentElement.scrollHeight").await.unwrap();
    let height = u32::try_from(height.as_u64().unwrap()).unwrap().clamp(900, 8000);
    page.look(width, height, dark).await.unwrap();
    let file = format!("{name}-{width}{}.png", if dark { "-dark" } else { "" });
    std::fs::write(Path::new(&folder).join(file), page.screenshot().await.unwrap()).unwrap();
}

#[tokio::test]
async fn every_page_is_quiet_accessible_and_fits_at_each_width_light_and_dark() {
    let app = TestApp::build(&STUDIO).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path(), &app.zoom).await;
    let page = signed_in(&app, &browser).await;
    let mut looks = Looks::new();
    for (name, path) in [
        ("empty-home", "/"),
        ("empty-accounts", "/accounts"),
        ("empty-bots", "/bots"),
        ("empty-audit", "/audit"),
    ] {
        looks.at(&app, &page, name, path).await;
    }
    let world = World::fill(&app).await;
    let named = PAGES.iter().map(|path| (name_of(path), (*path).to_owned()));
    for (name, path) in named.chain(world.pages()) {
        looks.at(&app, &page, &name, &path).await;
    }
    let account = World::add_long_names(&app).await;
    looks.at(&app, &page, "long-account", &account).await;
    for path in
        ["/", "/accounts", "/bots", "/pools", "/token-links", "/token-links/new?for=recall", "/bots/new"]
    {
        looks.at(&app, &page, &format!("long-{}", name_of(path)), path).await;
    }
    page.close().await;
    browser.close().await;
    looks.are_clean();
}

fn name_of(path: &str) -> String {
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-");
    if name.is_empty() { "home".to_owned() } else { name }
}

#[tokio::test]
async fn pages_that_need_no_sign_in_pass_the_same_checks() {
    let app = TestApp::build(&Plan { capacity: 0, chromium: "/nowhere/chromium", ..STUDIO }).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path(), &app.zoom).await;
    let page = browser.open_plain("about:blank").await.unwrap();
    page.run_before_each_page(COLLECT).await.unwrap();
    let mut looks = Looks::new();
    let sessions = ConsoleSessions::new(app.store.clone(), app.env.clone());
    let key = app.store.api_keys(app.workspace().await).await.unwrap().remove(0);
    let link = sessions.make_link(&key).await.unwrap();
    for (name, path) in [
        ("sign-in", "/sign-in?next=%2Fbots"),
        ("sign-in-link", &*format!("/sign-in/{}", link.expose())),
        ("sign-in-link-used", "/sign-in/used-up"),
        ("no-such-page", "/nowhere/at/all"),
        ("invitation-unknown", "/oauth/zoom/authorize?invitation=unknown"),
    ] {
        looks.at(&app, &page, name, path).await;
    }
    page.go(&app.address("/sign-in?next=%2Fbots")).await.unwrap();
    page.wait_for("#key").await.unwrap();
    page.evaluate("document.querySelector('#key').value = 'lk_wrong', true").await.unwrap();
    page.click("button").await.unwrap();
    page.wait_for("#wrong-key").await.unwrap();
    looks.here(&page, "sign-in-refused").await;

    let ada = app.zoom.user("ada@northwind.example", "Ada Lovelace").await;
    let invite = async |asked: Value| {
        let made = app.post("/api/latchkey/v1/connect-links/", asked).await;
        app.path_of(made.created()["url"].as_str().unwrap())
    };
    let asked = serde_json::json!({
        "oauth_app": app.zoom_app, "invited_by": "Northwind meetings", "purpose": "Notes of our team's meetings",
        "return_url": "https://app.example/done",
    });
    let invitation = invite(asked).await;
    looks.at(&app, &page, "invitation", &invitation).await;
    let consent = async |user: &Value, path: &str, ends: &str| {
        app.zoom.control("PUT", "signed-in", serde_json::json!({ "user_id": user["id"] })).await;
        page.go(&app.address(path)).await.unwrap();
        page.click("#go").await.unwrap();
        page.click("[value=allow]").await.unwrap();
        page.wait_for(ends).await.unwrap();
    };
    consent(&ada, &invitation, "#connected").await;
    looks.here(&page, "connected").await;
    looks.at(&app, &page, "invitation-used", &invitation).await;
    let accounts = app.get("/api/v2/zoom-oauth-credentials/").await.ok();
    let bound = invite(serde_json::json!({ "credential": accounts["results"][0]["id"] })).await;
    looks.at(&app, &page, "invitation-bound", &bound).await;
    consent(app.zoom.host(), &bound, "#trouble").await;
    looks.here(&page, "connected-another").await;
    page.close().await;
    browser.close().await;
    looks.are_clean();
}
