//! Bots in a meeting lose their connections, and then their server.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use stage::{Bot, Participant, Server, text};

use crate::world::World;

/// Seconds for which Zoom still shows the disconnected bots.
const SHOWN: u32 = 15;
/// Timeout for a bot to join or rejoin.
const IN_WITHIN: Duration = Duration::from_secs(120);
const DIES_WITHIN: Duration = Duration::from_secs(60);
const IN: &str = "in_call_not_recording";
const PERSON: &str = "A person";

pub(super) async fn run(world: &World) -> anyhow::Result<String> {
    let settings = json!({ "capacity": 4, "warm_pages": 0, "on_stop": "finish", "stop_within": 600 });
    let mut server = world.serve_with_bots(0, &settings).await?;
    let account = world.connect(&server).await?;
    let host = world.fixture.simulator.post("/users", &json!({ "email": "host@example.test" })).await?;
    let meeting = json!({ "host_id": host["id"], "started": true });
    let meeting = world.fixture.simulator.post("/meetings", &meeting).await?;
    let (number, url) = (text(&meeting, "meeting_number")?, text(&meeting, "join_url")?);
    // A person keeps the meeting going: a bot that rejoins first would be alone and leave after two seconds.
    let person = json!({ "name": PERSON });
    world.fixture.simulator.post(&format!("/meetings/{number}/participants"), &person).await?;
    let mut ids = Vec::new();
    for (name, zoom) in [("Guest", json!({})), ("Signed in", json!({ "credential": account.id }))] {
        let bot = json!({ "meeting_url": url, "bot_name": name, "zoom": zoom });
        ids.push(server.send_bot(&bot).await?);
    }
    all_in(&server, &ids, 0).await?;

    // Longer than the SDK waits before its only attempt. The guest disappears at once; the other bot is still shown for a
    // while.
    let line = format!("/meetings/{number}/cut-line");
    let shown = json!({ "seconds": 4, "name": "Signed in", "shown_seconds": SHOWN });
    world.fixture.simulator.post(&line, &shown).await?;
    world.fixture.simulator.post(&line, &json!({ "seconds": 4, "name": "Guest" })).await?;
    let bots = all_in(&server, &ids, 3).await?;
    for bot in &bots {
        let lost = bot.status_changes.get(3).context("no step reports the loss")?;
        let told = (lost.code.as_str(), lost.sub_code.as_deref());
        ensure!(told == ("joining_call", Some("zoom_connection_failed")), "the loss is reported as {told:?}");
    }
    in_the_roster(world, number, &account.user).await?;

    // At the first signal the server accepts no new bots and waits for its own; at the second it hands them over.
    signal(&server)?;
    let late = json!({ "meeting_url": url, "bot_name": "Late" });
    let late = server.send_bot(&late).await?;
    ensure!(account.ask_for_any(&server).await?.status.is_success(), "no tokens while the server finishes");
    in_the_roster(world, number, &account.user).await?;
    signal(&server)?;
    let ended = server.process.death(DIES_WITHIN, &world.fixture.env).await?;
    ensure!(ended.is_none(), "the server was killed by signal {ended:?}");

    let settings = json!({ "capacity": 4, "warm_pages": 0 });
    let server = world.serve_with_bots(1, &settings).await?;
    let bots = all_in(&server, &ids, 6).await?;
    for bot in &bots {
        let steps: Vec<_> = bot.status_changes.iter().filter_map(|step| step.sub_code.as_deref()).collect();
        ensure!(steps == ["zoom_connection_failed", "bot_handed_over"], "the steps' sub codes are {steps:?}");
    }
    all_in(&server, &[late], 0).await?;
    let bots = bots_in(world, number).await?;
    ensure!(bots.len() == 3, "{} bots are in the roster", bots.len());
    server.stop().await;
    Ok("both bots rejoined once after the cut, and once more at the next server".to_owned())
}

/// Waits until all bots have joined, in a step after the first `seen`.
async fn all_in(server: &Server, ids: &[String], seen: usize) -> anyhow::Result<Vec<Bot>> {
    let arrived = |bot: &Bot| bot.code() == IN && bot.status_changes.len() > seen;
    let bots = ids.iter().map(|id| server.watch((id, 0), IN_WITHIN, arrived, |_| {}));
    let bots = try_join_all(bots).await?;
    for bot in &bots {
        ensure!(arrived(bot), "bot {} is {}: {:?}", bot.id, bot.code(), bot.status_changes);
    }
    Ok(bots)
}

/// Checks that each bot is in the roster once, with its identity.
async fn in_the_roster(world: &World, number: &str, user: &str) -> anyhow::Result<()> {
    let bots = bots_in(world, number).await?;
    let mut there: Vec<_> = bots.iter().map(|bot| (bot.name.as_str(), bot.user_id.as_deref())).collect();
    there.sort_unstable();
    ensure!(there == [("Guest", None), ("Signed in", Some(user))], "the roster contains {there:?}");
    Ok(())
}

async fn bots_in(world: &World, number: &str) -> anyhow::Result<Vec<Participant>> {
    let meeting: Value = world.fixture.simulator.get(&format!("/meetings/{number}")).await?;
    let mut there: Vec<Participant> = serde_json::from_value(meeting["participants"].clone())?;
    there.retain(|person| person.name != PERSON);
    Ok(there)
}

fn signal(server: &Server) -> anyhow::Result<()> {
    let process = Pid::from_raw(server.process.id().try_into()?).context("no process has this id")?;
    Ok(kill_process(process, Signal::TERM)?)
}
