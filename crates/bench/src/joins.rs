//! How long it takes from the wish for a bot to the bot.
//!
//! A guest's bare page, a bot that signs in with an account, and one that fetches its ZAK from a token link, in turns.
//! Each browser is up before it starts: Latchkey starts its own when it starts itself.

use std::time::Duration;

use browser::Browser;
use model::Timestamp;
use serde_json::{Value, json};

use crate::{
    bare_page::BarePage,
    report::{JoinRow, Joins},
    server::Server,
    statistics::Sample,
    world::World,
};

const ROUNDS: usize = 7;
/// So that the processes of one page have ended before the next begins.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
enum Who {
    Bare,
    Credential,
    TokenLink,
}

const EVERYBODY: [Who; 3] = [Who::Bare, Who::Credential, Who::TokenLink];

/// What one join took.
struct Join {
    to_join_request: f64,
    to_in_call: f64,
}

struct Stage<'a> {
    world: &'a World,
    server: Server,
    browser: Browser,
    bare_page: BarePage,
}

pub(crate) async fn measure(world: &World, quick: bool) -> anyhow::Result<Joins> {
    let rounds = if quick { 1 } else { ROUNDS };
    let stage = Stage {
        world,
        server: world.serve(1).await?,
        browser: world.browser().await?,
        bare_page: BarePage::serve(&world.sdk_dir).await?,
    };
    let mut joins: [Vec<Join>; 3] = Default::default();
    // The first round warms the disk's cache and is not counted.
    for round in 0..=rounds {
        for turn in 0..EVERYBODY.len() {
            let at = (round + turn) % EVERYBODY.len();
            let who = EVERYBODY[at];
            let join = stage.join(who, &format!("{} {round}", who.name())).await?;
            println!(
                "join {round}/{rounds}: {:<24} {:>5.0} ms to the join request, {:>5.0} ms to the call{}",
                who.name(),
                join.to_join_request,
                join.to_in_call,
                if round == 0 { " (not counted)" } else { "" },
            );
            if round > 0 {
                joins[at].push(join);
            }
            world.env.clock.sleep(PAUSE).await;
        }
    }
    let chromium = stage.browser.version().to_owned();
    stage.browser.close().await;
    stage.server.stop().await;
    Ok(Joins { chromium, rows: rows(&joins) })
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare page",
            Self::Credential => "Latchkey, zoom.credential",
            Self::TokenLink => "Latchkey, zoom.zak_url",
        }
    }

    /// The `zoom` object of the request.
    fn options(self, world: &World) -> Option<Value> {
        match self {
            Self::Bare => None,
            Self::Credential => Some(json!({ "credential": world.credential })),
            Self::TokenLink => Some(json!({ "zak_url": world.token_link })),
        }
    }
}

impl Stage<'_> {
    async fn join(&self, who: Who, name: &str) -> anyhow::Result<Join> {
        let world = self.world;
        let wished_at = world.env.now();
        let inside_at = if let Some(zoom) = who.options(world) {
            let request = json!({ "meeting_url": world.join_url, "bot_name": name, "zoom": zoom });
            let bot = self.server.send_bot(&request).await?;
            let inside_at = self.server.when(&bot, "in_call_not_recording").await?;
            self.server.recall(&bot).await?;
            inside_at
        } else {
            let guest = world.guest(name);
            let guest: Vec<_> = guest.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let (page, inside_at) = self.bare_page.join(&self.browser, &guest, &world.env).await?;
            page.close().await;
            inside_at
        };
        let asked_at = Timestamp::from_microsecond(world.simulator.first_join_request(name).await? * 1000);
        let since = |time: Timestamp| time.since(wished_at).as_secs_f64() * 1000.0;
        Ok(Join { to_join_request: since(asked_at), to_in_call: since(inside_at) })
    }
}

fn rows(joins: &[Vec<Join>; 3]) -> Vec<JoinRow> {
    let sample = |at: usize, of: fn(&Join) -> f64| Sample::of(joins[at].iter().map(of).collect());
    let bare = (sample(0, |join| join.to_join_request).median, sample(0, |join| join.to_in_call).median);
    let row = |(at, who): (usize, Who)| {
        let to_join_request_ms = sample(at, |join| join.to_join_request);
        let to_in_call_ms = sample(at, |join| join.to_in_call);
        JoinRow {
            who: who.name(),
            to_join_request_ratio: to_join_request_ms.median / bare.0,
            to_in_call_ratio: to_in_call_ms.median / bare.1,
            to_join_request_ms,
            to_in_call_ms,
        }
    };
    EVERYBODY.into_iter().enumerate().map(row).collect()
}
