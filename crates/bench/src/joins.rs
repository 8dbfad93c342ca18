//! Time from the request for a bot until it has joined.
//!
//! Measures alternately a guest's bare page, bots whose pages start with the request, and a bot with a warm page. Each
//! measurement has a new browser that runs before the request, as Latchkey starts its browser when it starts itself.

use std::time::Duration;

use browser::Browser;
use model::Timestamp;
use serde_json::{Value, json};
use stage::Server;

use crate::{
    bare_page::BarePage,
    report::{JoinRow, Joins},
    statistics::Sample,
    world::World,
};

const ROUNDS: usize = 5;
/// Pause before each request, so that earlier work has ended.
const PAUSE: Duration = Duration::from_secs(2);
/// Target ratios of a warm page to a bare one: until the join request, and until it has joined.
const AIMS: (f64, f64) = (0.2, 0.4);
const WARM: &str = "Latchkey, warm page, zoom.credential";

/// Times of one join, in milliseconds.
struct Join {
    to_join_request: f64,
    to_in_call: f64,
}

struct Stage<'a> {
    world: &'a World,
    bare_page: BarePage,
}

pub(crate) async fn measure(world: &World, quick: bool) -> anyhow::Result<Joins> {
    let rounds = if quick { 1 } else { ROUNDS };
    let stage = Stage { world, bare_page: BarePage::serve(&world.place.sdk_dir).await? };
    let mut chromium = String::new();
    let mut rows = [
        ("bare page", Vec::new()),
        ("Latchkey, cold, zoom.credential", Vec::new()),
        ("Latchkey, cold, zoom.zak_url", Vec::new()),
        (WARM, Vec::new()),
    ];
    for round in 1..=rounds {
        let bare = stage.bare(&mut chromium).await?;
        let [credential, token_link] = stage.cold().await?;
        let warm = stage.warm().await?;
        for ((who, joins), join) in rows.iter_mut().zip([bare, credential, token_link, warm]) {
            let Join { to_join_request, to_in_call } = join;
            println!(
                "join {round}/{rounds}: {who:<36} {to_join_request:>5.0} ms to the join request, {to_in_call:>5.0} ms to the call"
            );
            joins.push(join);
        }
    }
    Ok(Joins { chromium, rows: with_ratios(&rows) })
}

impl Stage<'_> {
    /// The bare page, in a browser that has already shown it once.
    async fn bare(&self, chromium: &mut String) -> anyhow::Result<Join> {
        let browser = self.world.place.browser().await?;
        browser.version().clone_into(chromium);
        self.bare_join(&browser, "Bare page, first").await?;
        let join = self.bare_join(&browser, "Bare page").await?;
        browser.close().await;
        Ok(join)
    }

    /// Bots whose pages start with the request, in a browser that has already had one.
    async fn cold(&self) -> anyhow::Result<[Join; 2]> {
        let server = self.world.serve(&json!({ "capacity": 1, "warm_pages": 0 })).await?;
        let credential = json!({ "credential": self.world.credential });
        self.bot_join(&server, "Bot, first", &credential).await?;
        let signed_in = self.bot_join(&server, "Bot with an account", &credential).await?;
        let token_link = json!({ "zak_url": self.world.token_link });
        let fetched = self.bot_join(&server, "Bot with a token link", &token_link).await?;
        server.stop().await;
        Ok([signed_in, fetched])
    }

    /// A bot with a warm page: the first bot of its browser.
    async fn warm(&self) -> anyhow::Result<Join> {
        let server = self.world.serve(&json!({ "capacity": 1, "warm_pages": 1 })).await?;
        self.world.until_warm(&server, 1).await?;
        let join = self
            .bot_join(&server, "Bot with a warm page", &json!({ "credential": self.world.credential }))
            .await?;
        server.stop().await;
        Ok(join)
    }

    async fn bare_join(&self, browser: &Browser, name: &str) -> anyhow::Result<Join> {
        let wished_at = self.pause().await;
        let (page, inside_at) =
            self.bare_page.join(browser, &self.world.guest(name), &self.world.place.env).await?;
        page.close().await;
        self.join(name, wished_at, inside_at).await
    }

    async fn bot_join(&self, server: &Server, name: &str, zoom: &Value) -> anyhow::Result<Join> {
        let wished_at = self.pause().await;
        let (bot, inside_at) = self.world.send_bot(server, name, zoom).await?;
        self.world.recall(server, &bot).await?;
        self.join(name, wished_at, inside_at).await
    }

    /// Waits, and returns the time of the request.
    async fn pause(&self) -> Timestamp {
        self.world.place.env.clock.sleep(PAUSE).await;
        self.world.place.env.now()
    }

    async fn join(&self, name: &str, wished_at: Timestamp, inside_at: Timestamp) -> anyhow::Result<Join> {
        let asked_at = self.world.last_join_request(name).await?;
        let since = |time: Timestamp| time.since(wished_at).as_secs_f64() * 1000.0;
        Ok(Join { to_join_request: since(asked_at), to_in_call: since(inside_at) })
    }
}

/// Adds ratios to the first row.
fn with_ratios(rows: &[(&'static str, Vec<Join>)]) -> Vec<JoinRow> {
    let sample = |joins: &[Join], of: fn(&Join) -> f64| Sample::of(joins.iter().map(of).collect());
    let least = sample(&rows[0].1, |join| join.to_join_request).median;
    let least_in_call = sample(&rows[0].1, |join| join.to_in_call).median;
    let row = |(who, joins): &(&'static str, Vec<Join>)| {
        let to_join_request_ms = sample(joins, |join| join.to_join_request);
        let to_in_call_ms = sample(joins, |join| join.to_in_call);
        JoinRow {
            who,
            aims: (*who == WARM).then_some(AIMS),
            to_join_request_ratio: to_join_request_ms.median / least,
            to_in_call_ratio: to_in_call_ms.median / least_in_call,
            to_join_request_ms,
            to_in_call_ms,
        }
    };
    rows.iter().map(row).collect()
}
