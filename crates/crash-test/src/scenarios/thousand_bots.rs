//! A thousand bots join in the same second on three servers, one of which is killed in that second.
//!
//! Only this case uses a stand-in for Chromium, whose pages join no meetings but log the joins.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use model::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use stage::Server;

use crate::world::World;

const LINK: &str = "https://zoom.us/j/81234567890?pwd=rush";
const BOTS: u32 = 1000;
/// The capacity of each server. The second is killed; the others have capacity for all bots.
const CAPACITIES: [u32; 3] = [400, 600, 1000];
const KILLED: usize = 1;
/// From the first request to the bots' join time: all are created and prepared in it.
const UNTIL_THE_TIME: Duration = Duration::from_secs(100);
/// How long before their join time bots are leased, with a margin.
const LEASED_BEFORE: Duration = Duration::from_secs(35);
/// How long before the join time the servers' shares are checked: each has leased its part by then.
const SPREAD_BEFORE: Duration = Duration::from_secs(8);
/// How long after the join time the server is killed: in the middle of its joins.
const KILLED_AFTER: Duration = Duration::from_millis(500);
/// Time for the dead server's leases to expire and its bots to rejoin.
const ALL_IN_WITHIN: Duration = Duration::from_secs(90);
const ALL_OUT_WITHIN: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_secs(1);
const CALLERS: usize = 8;

pub(super) async fn run(world: &World) -> anyhow::Result<String> {
    let env = &world.fixture.env;
    let mut servers = Vec::new();
    for (replica, capacity) in (0..).zip(CAPACITIES) {
        let bots =
            json!({ "capacity": capacity, "warm_pages": 0, "most_of_a_browser": 100, "lease_seconds": 15 });
        servers.push(world.serve_with_stand_ins(replica, &bots).await?);
    }
    let time = env.now() + UNTIL_THE_TIME;
    let ids = create(&servers, time).await?;
    ensure!(env.now() + LEASED_BEFORE < time, "the machine was too slow: the bots were created too late");

    until(world, time - SPREAD_BEFORE).await;
    let mut spread = Vec::new();
    for (server, capacity) in servers.iter().zip(CAPACITIES) {
        let running = gauge(&server.get_text("/metrics").await?, "latchkey_bots_running")?;
        let share = f64::from(BOTS) * f64::from(capacity) / f64::from(CAPACITIES.iter().sum::<u32>());
        ensure!(
            (running - share).abs() <= share / 10.0,
            "a server has {running} bots, but its share is {share}"
        );
        spread.push(format!("{running}"));
    }

    until(world, time + KILLED_AFTER).await;
    let mut killed = servers.remove(KILLED);
    let process = Pid::from_raw(killed.process.id().try_into()?).context("no process has this id")?;
    kill_process(process, Signal::KILL)?;
    killed.process.death(Duration::from_secs(10), env).await?;

    // On the remaining servers each bot exists once: their own bots, and those of the dead server.
    let give_up = env.now() + ALL_IN_WITHIN;
    let joins = loop {
        let joins = joins_of_survivors(world)?;
        if joins.len() >= usize::try_from(BOTS)? {
            break joins;
        }
        ensure!(env.now() < give_up, "of {BOTS} bots {} are in", joins.len());
        env.clock.sleep(POLL_INTERVAL).await;
    };
    if let Some((name, times)) = joins.iter().find(|(_, times)| times.len() != 1) {
        bail!("{name} joined {} times", times.len());
    }
    counted(world, &servers[0], BOTS, "in_call_not_recording", give_up).await?;
    ensure!(count(&servers[0], "fatal").await? == 0, "bots have failed");

    all_leave(world, &servers[0], &ids).await?;
    for server in servers {
        server.stop().await;
    }
    let first = first_joins(world, time)?;
    let at = |part: usize| first[(first.len() - 1) * part / 100].as_millis();
    Ok(format!(
        "spread {}, none twice, none lost; joins were {} ms (median), {} ms (95 %), {} ms (last) after their time",
        spread.join(" / "),
        at(50),
        at(95),
        at(100)
    ))
}

/// Bots that join at once are all requested from the first of two servers. The other server must take its part of those
/// beyond half of the first one's capacity.
pub(super) async fn asked_of_one(world: &World) -> anyhow::Result<String> {
    const EACH: u32 = 100;
    let mut servers = Vec::new();
    for replica in 0..2 {
        let bots = json!({ "capacity": EACH, "warm_pages": 0, "most_of_a_browser": 100 });
        servers.push(world.serve_with_stand_ins(replica, &bots).await?);
    }
    let ids: Vec<String> = stream::iter(0..EACH)
        .map(async |number| {
            servers[0].send_bot(&json!({ "meeting_url": LINK, "bot_name": format!("Bot {number}") })).await
        })
        .buffer_unordered(CALLERS)
        .try_collect()
        .await?;
    let give_up = world.fixture.env.now() + ALL_IN_WITHIN;
    counted(world, &servers[0], EACH, "in_call_not_recording", give_up).await?;
    let mut spread = Vec::new();
    for server in &servers {
        let running = gauge(&server.get_text("/metrics").await?, "latchkey_bots_running")?;
        ensure!(
            running >= f64::from(EACH) * 0.4,
            "a server has {running} of {EACH} bots, the other one all others"
        );
        spread.push(format!("{running}"));
    }
    all_leave(world, &servers[0], &ids).await?;
    for server in servers {
        server.stop().await;
    }
    Ok(format!("spread {}", spread.join(" / ")))
}

/// Creates all bots, and returns their ids.
async fn create(servers: &[Server], time: Timestamp) -> anyhow::Result<Vec<String>> {
    stream::iter(0..BOTS)
        .map(async |number| {
            let bot = json!({ "meeting_url": LINK, "bot_name": format!("Bot {number}"),
                              "join_at": time });
            servers[number as usize % servers.len()].send_bot(&bot).await
        })
        .buffer_unordered(CALLERS)
        .try_collect()
        .await
}

/// The join times of each bot on the remaining servers.
fn joins_of_survivors(world: &World) -> anyhow::Result<BTreeMap<String, Vec<Timestamp>>> {
    let mut joins = BTreeMap::<String, Vec<Timestamp>>::new();
    for replica in (0..CAPACITIES.len()).filter(|replica| *replica != KILLED) {
        for (at, what, name) in world.fixture.stand_ins(u32::try_from(replica)?)? {
            if what == "join" {
                joins.entry(name).or_default().push(at);
            }
        }
    }
    Ok(joins)
}

/// Sorted delays of the first joins of bots whose server was not killed.
fn first_joins(world: &World, time: Timestamp) -> anyhow::Result<Vec<Duration>> {
    let interrupted = world.fixture.stand_ins(u32::try_from(KILLED)?)?;
    let interrupted: BTreeSet<_> = interrupted.into_iter().map(|(_, _, name)| name).collect();
    let joins = joins_of_survivors(world)?;
    // The log does not show bots that the dead server was about to let join; they joined after its leases expired.
    let own = joins.into_iter().filter(|(name, _)| !interrupted.contains(name)).filter_map(|(_, times)| {
        let late = times.first()?.since(time);
        (late < Duration::from_secs(15)).then_some(late)
    });
    let mut own: Vec<_> = own.collect();
    own.sort_unstable();
    ensure!(!own.is_empty(), "no bot joined in time");
    Ok(own)
}

async fn until(world: &World, time: Timestamp) {
    let env = &world.fixture.env;
    env.clock.sleep(time.since(env.now())).await;
}

/// Tells all bots to leave, and waits until they have left.
async fn all_leave(world: &World, server: &Server, ids: &[String]) -> anyhow::Result<()> {
    stream::iter(ids)
        .map(|id| server.tell_to_leave(id))
        .buffer_unordered(CALLERS)
        .try_collect::<()>()
        .await?;
    let bots = u32::try_from(ids.len())?;
    counted(world, server, bots, "done", world.fixture.env.now() + ALL_OUT_WITHIN).await
}

/// Waits until this many bots have this state.
async fn counted(
    world: &World,
    server: &Server,
    all: u32,
    code: &str,
    give_up: Timestamp,
) -> anyhow::Result<()> {
    let env = &world.fixture.env;
    loop {
        let bots = count(server, code).await?;
        if bots == u64::from(all) {
            return Ok(());
        }
        ensure!(env.now() < give_up, "of {all} bots {bots} are {code}");
        env.clock.sleep(POLL_INTERVAL).await;
    }
}

async fn count(server: &Server, code: &str) -> anyhow::Result<u64> {
    let page = server.get(&format!("/api/v1/bot/?status={code}")).await?;
    page["count"].as_u64().context("the list has no count")
}

fn gauge(metrics: &str, name: &str) -> anyhow::Result<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(line.with_context(|| format!("/metrics has no {name}"))?.parse()?)
}
