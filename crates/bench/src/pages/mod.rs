//! Time until the first byte of each console page arrives, and until Chromium has drawn it, with many bots and accounts.

mod drawn;
mod fill;

use anyhow::{Context as _, ensure};
use reqwest::{
    RequestBuilder,
    header::{COOKIE, LOCATION, SET_COOKIE},
    redirect,
};
use serde::Serialize;
use stage::{Postgres, Server};

use self::drawn::Drawn;
use crate::{
    installation::{Backend, Installation},
    statistics::Sample,
    test_bed::Place,
};

const AIM_MS: f64 = 100.0;
/// The default refresh rate; nothing is refreshed here.
const PACE: u32 = 10;
/// Number of times that Chromium draws each page.
const DRAWN_ROUNDS: usize = 5;

/// Results for every page with one store.
#[derive(Serialize)]
pub(crate) struct Pages {
    pub(crate) aim_ms: f64,
    pub(crate) bots: u32,
    pub(crate) accounts: u32,
    pub(crate) rows: Vec<PageRow>,
}

#[derive(Serialize)]
pub(crate) struct PageRow {
    pub(crate) store: &'static str,
    pub(crate) page: &'static str,
    /// From the request until the head of the answer has arrived.
    pub(crate) first_byte_ms: Sample,
    /// From the start of the navigation until Chromium has drawn the page.
    pub(crate) drawn_ms: Sample,
    /// Rows in the page's tables.
    pub(crate) table_rows: u64,
}

pub(crate) async fn measure(place: &Place, quick: bool) -> anyhow::Result<Pages> {
    let (accounts, bots, rounds) = if quick { (100, 1_000, 2) } else { (10_000, 100_000, 20) };
    let server = Postgres::start()?;
    let chromium = place.browser().await?;
    let mut rows = Vec::new();
    for store in ["SQLite", "PostgreSQL"] {
        let backend = match store {
            "SQLite" => Backend::Sqlite,
            _ => Backend::Postgres(server.database("template1").await?),
        };
        println!("pages: {store}, filling in {accounts} accounts and {bots} bots");
        let installation = Installation::found(place, backend, PACE).await?;
        installation.fill(accounts).await?;
        let (account, bot) = installation.fill_bots(place, bots).await?;
        let running = installation.serve(place).await?;
        let browser = Browser::sign_in(&running).await?;
        let drawn = Drawn::sign_in(&chromium, &running).await?;
        let pages = [
            ("Home", "/".to_owned()),
            ("Accounts", "/accounts".to_owned()),
            ("an account", format!("/accounts/{account}")),
            ("Bots", "/bots".to_owned()),
            ("Bots that failed", "/bots?status=fatal".to_owned()),
            ("Bots by sub code", "/bots?sub_code=meeting_requires_sign_in".to_owned()),
            ("Bots of an account", format!("/bots?account={account}")),
            ("Bots, a page in the middle", format!("/bots?page={}", bots / 200)),
            ("a bot", format!("/bots/{bot}")),
            ("a new bot", "/bots/new".to_owned()),
            ("Token links", "/token-links".to_owned()),
            ("Pools", "/pools".to_owned()),
            ("Events", "/events".to_owned()),
            ("Audit", "/audit".to_owned()),
            ("Settings", "/settings".to_owned()),
        ];
        for (page, path) in pages {
            let mut values = Vec::new();
            // The first round is a warm-up.
            for round in 0..=rounds {
                let begun = place.env.now();
                let response = browser.get(&path).send().await?;
                let took = place.env.now().since(begun);
                ensure!(response.status().is_success(), "{path} answered {}", response.status());
                response.bytes().await?;
                if round > 0 {
                    values.push(took.as_secs_f64() * 1e3);
                }
            }
            let first_byte_ms = Sample::of(values);
            let (mut values, mut table_rows) = (Vec::new(), 0);
            for _ in 0..rounds.min(DRAWN_ROUNDS) {
                let (took, seen) = drawn.look(&path).await?;
                values.push(took);
                table_rows = seen;
            }
            let drawn_ms = Sample::of(values);
            println!(
                "pages: {store}, {page}: {:.1} ms, drawn after {:.1} ms",
                first_byte_ms.median, drawn_ms.median
            );
            rows.push(PageRow { store, page, first_byte_ms, drawn_ms, table_rows });
        }
        running.stop().await;
    }
    chromium.close().await;
    Ok(Pages { aim_ms: AIM_MS, bots, accounts, rows })
}

/// An HTTP client that is signed in to the console like a browser.
struct Browser {
    http: reqwest::Client,
    url: String,
    cookie: String,
}

impl Browser {
    #[expect(clippy::disallowed_methods, reason = "it must see the redirect that sets the cookie")]
    async fn sign_in(server: &Server) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).build()?;
        let form = [("key", server.api_key.expose()), ("next", "/")];
        let response = http.post(format!("{}/sign-in", server.url)).form(&form).send().await?;
        let headers = response.headers();
        ensure!(headers.contains_key(LOCATION), "the console does not accept the key: {}", response.status());
        let cookie = headers.get(SET_COOKIE).context("the console sets no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { http, url: server.url.clone(), cookie })
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url)).header(COOKIE, &self.cookie)
    }
}
