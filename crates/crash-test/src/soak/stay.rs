//! Bots in their meetings, from joining to leaving.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;
use model::{Environment, Timestamp};
use serde_json::{Value, json};
use stage::{Bot, Server};

use super::{megabytes, number};
use crate::world::World;

const IN: &str = "in_call_not_recording";
/// Bots per meeting.
const OF_A_MEETING: usize = 5;
/// Timeout until all bots have joined: they start at once, on few cores.
const IN_WITHIN: Duration = Duration::from_secs(240);
/// Timeout until all bots have rejoined: a dead server's leases expire, and its bots rejoin at once.
const BACK_WITHIN: Duration = Duration::from_secs(240);
const OUT_WITHIN: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_secs(2);
const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);
const LONG: u32 = 86_400;

/// Bots in their meetings.
pub(crate) struct Stay<'a> {
    world: &'a World,
    env: Environment,
    ids: Vec<String>,
    /// The meeting numbers.
    meetings: Vec<String>,
    /// Time until all bots had joined.
    pub(crate) all_in: Duration,
    /// What happened, and the time until all bots had rejoined.
    pub(crate) survived: Vec<String>,
    /// Memory of servers and browsers, in megabytes.
    samples: Vec<f64>,
}

/// Median memory of the first and of the last quarter, in megabytes.
pub(crate) struct Memory {
    pub(crate) first: f64,
    pub(crate) last: f64,
}

impl<'a> Stay<'a> {
    /// Sends all bots at once, and waits until all have joined.
    pub(crate) async fn begin(world: &'a World, servers: &[Server], bots: usize) -> anyhow::Result<Self> {
        let (simulator, env) = (&world.fixture.simulator, world.fixture.env.clone());
        let host = simulator.post("/users", &json!({ "email": "host@example.test" })).await?;
        let mut meetings = Vec::new();
        let mut urls = Vec::new();
        for _ in 0..bots.div_ceil(OF_A_MEETING) {
            let meeting =
                simulator.post("/meetings", &json!({ "host_id": host["id"], "started": true })).await?;
            let number = number(&meeting, "meeting_number")?;
            simulator.post(&format!("/meetings/{number}/participants"), &json!({ "name": "Host" })).await?;
            meetings.push(number);
            urls.push(meeting["join_url"].clone());
        }
        let began = env.now();
        let leave = json!({
            "noone_joined_timeout": LONG, "in_call_not_recording_timeout": LONG,
            "silence_detection": { "timeout": LONG, "activate_after": LONG },
            "bot_detection": { "using_participant_events": { "timeout": LONG, "activate_after": LONG } },
        });
        let sending = (0..bots).map(|bot| {
            let request = json!({ "meeting_url": urls[bot / OF_A_MEETING], "bot_name": format!("Bot {bot}"),
                                  "automatic_leave": leave });
            async move { servers[bot % servers.len()].send_bot(&request).await }
        });
        let ids = try_join_all(sending).await?;
        let mut stay = Self {
            world,
            env,
            ids,
            meetings,
            all_in: Duration::ZERO,
            survived: Vec::new(),
            samples: Vec::new(),
        };
        stay.until_all_in(&servers[0], began + IN_WITHIN).await?;
        stay.all_in = stay.env.now().since(began);
        Ok(stay)
    }

    /// Waits for `span`, and checks that all bots stay.
    pub(crate) async fn sit(&mut self, servers: &[Server], span: Duration) -> anyhow::Result<()> {
        let until = self.env.now() + span;
        while self.env.now() < until {
            self.samples.push(megabytes(servers)?);
            self.env.clock.sleep(SAMPLE_INTERVAL.min(until.since(self.env.now()))).await;
        }
        let missing = self.missing(&servers[0]).await?;
        ensure!(missing.is_empty(), "after {} s without a disturbance: {missing:?}", span.as_secs());
        Ok(())
    }

    /// Causes a disturbance: some bots lose their meetings, and all must rejoin.
    pub(crate) async fn survive(
        &mut self,
        what: &str,
        servers: &[Server],
        event: impl AsyncFnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let before = self.steps(&servers[0]).await?;
        let began = self.env.now();
        event().await.with_context(|| what.to_owned())?;
        while self.steps(&servers[0]).await? == before {
            ensure!(self.env.now() < began + BACK_WITHIN, "{what}, but no bot was affected");
            self.env.clock.sleep(POLL_INTERVAL).await;
        }
        self.until_all_in(&servers[0], began + BACK_WITHIN).await.with_context(|| what.to_owned())?;
        self.survived
            .push(format!("{what} (all rejoined after {} s)", self.env.now().since(began).as_secs()));
        Ok(())
    }

    /// The meeting numbers.
    pub(crate) fn meetings(&self) -> &[String] {
        &self.meetings
    }

    /// Makes all bots leave.
    pub(crate) async fn end(&self, server: &Server) -> anyhow::Result<()> {
        for id in &self.ids {
            server.tell_to_leave(id).await?;
        }
        let give_up = self.env.now() + OUT_WITHIN;
        loop {
            let bots = self.bots(server).await?;
            if bots.iter().all(|bot| bot.code() == "done") {
                break;
            }
            let states: Vec<_> = bots.iter().map(Bot::code).collect();
            ensure!(self.env.now() < give_up, "after being told to leave, bots are {states:?}");
            self.env.clock.sleep(POLL_INTERVAL).await;
        }
        for meeting in &self.meetings {
            let people = self.world.fixture.simulator.participants(meeting).await?;
            ensure!(people.len() == 1, "{} participants are still in a meeting", people.len());
        }
        Ok(())
    }

    pub(crate) fn memory(&self) -> Memory {
        let quarter = (self.samples.len() / 4).max(1);
        let median = |samples: &[f64]| {
            let mut sorted = samples.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted.get(sorted.len() / 2).copied().unwrap_or_default()
        };
        let from = self.samples.len().saturating_sub(quarter);
        Memory {
            first: median(&self.samples[..quarter.min(self.samples.len())]),
            last: median(&self.samples[from..]),
        }
    }

    async fn bots(&self, server: &Server) -> anyhow::Result<Vec<Bot>> {
        try_join_all(self.ids.iter().map(|id| server.bot(id))).await
    }

    async fn steps(&self, server: &Server) -> anyhow::Result<usize> {
        Ok(self.bots(server).await?.iter().map(|bot| bot.status_changes.len()).sum())
    }

    async fn until_all_in(&self, server: &Server, give_up: Timestamp) -> anyhow::Result<()> {
        loop {
            let missing = self.missing(server).await?;
            if missing.is_empty() {
                return Ok(());
            }
            ensure!(self.env.now() < give_up, "not all bots have joined: {missing:?}");
            self.env.clock.sleep(POLL_INTERVAL).await;
        }
    }

    /// Deviations: each bot should report that it has joined, and Zoom should show it once.
    async fn missing(&self, server: &Server) -> anyhow::Result<Vec<String>> {
        let mut missing = Vec::new();
        for bot in self.bots(server).await? {
            let last = bot.status_changes.last();
            let words = last.and_then(|step| step.message.as_deref()).unwrap_or_default();
            ensure!(!bot.has_ended(), "bot {} is {}: {words}", bot.id, bot.code());
            if bot.code() != IN {
                missing.push(format!("{} is {}", bot.id, bot.code()));
            }
        }
        let mut shown = BTreeMap::<String, usize>::new();
        for meeting in &self.meetings {
            let meeting: Value = self.world.fixture.simulator.get(&format!("/meetings/{meeting}")).await?;
            for person in meeting["participants"].as_array().into_iter().flatten() {
                *shown.entry(person["name"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
        for bot in 0..self.ids.len() {
            let times = shown.get(&format!("Bot {bot}")).copied().unwrap_or_default();
            if times != 1 {
                missing.push(format!("Zoom shows Bot {bot} {times} times"));
            }
        }
        Ok(missing)
    }
}
