//! `make soak`: many real bots in meetings for a long time, first undisturbed, then while a browser and a server are killed
//! and connections are cut.

mod left_behind;
mod stay;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use stage::Server;

use crate::{Place, fixture::Database, world::World};
use left_behind::LeftBehind;
use stay::Stay;

/// Seconds for which connections are cut.
const CUT_SECONDS: u32 = 10;
const DIES_WITHIN: Duration = Duration::from_secs(10);
/// Largest allowed factor of memory growth between the first and the last quarter of an undisturbed stay.
const GROWTH: f64 = 1.1;

#[derive(Args)]
pub(crate) struct SoakArguments {
    /// The number of bots.
    #[arg(long, default_value_t = 20)]
    bots: usize,
    /// Duration of each part, in minutes.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Run only one of the two parts.
    #[arg(long, value_enum)]
    only: Option<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The bots are not disturbed.
    Quiet,
    /// A browser is killed, connections are cut, a server is killed.
    Rough,
}

/// Returns whether all parts passed.
pub(crate) async fn run(place: &Place, arguments: &SoakArguments) -> anyhow::Result<bool> {
    let mut all_well = true;
    for part in [Part::Quiet, Part::Rough] {
        if arguments.only.is_some_and(|only| only != part) {
            continue;
        }
        match soak(place, part, arguments).await {
            Ok(seen) => eprintln!("✓ {part:?}: {seen}"),
            Err(error) => {
                eprintln!("✕ {part:?}: {error:#}");
                all_well = false;
            }
        }
    }
    Ok(all_well)
}

async fn soak(place: &Place, part: Part, arguments: &SoakArguments) -> anyhow::Result<String> {
    let world = World::make(place, &format!("soak {part:?}"), Database::Postgres).await?;
    let temporary = place.data.join(format!("tmp-{part:?}"));
    std::fs::create_dir_all(&temporary)?;
    let serve = async |replica| {
        // Each server has capacity for all bots, so that one can be killed.
        let bots = json!({ "capacity": arguments.bots, "warm_pages": 0, "most_of_a_browser": 10 });
        world
            .serve_bots_with(
                replica,
                &bots,
                &[("TMPDIR", &temporary.to_string_lossy()), ("LATCHKEY_LOG", "info")],
            )
            .await
    };
    let mut servers = vec![serve(0).await?];
    if part == Part::Rough {
        servers.push(serve(1).await?);
    }
    let mut stay = Stay::begin(&world, &servers, arguments.bots).await?;
    let meetings = stay.meetings().to_vec();
    let span = Duration::from_secs_f64(arguments.minutes * 60.0);
    match part {
        Part::Quiet => stay.sit(&servers, span).await?,
        Part::Rough => {
            stay.sit(&servers, span / 4).await?;
            let browser = left_behind::browsers_of(servers[0].process.id())?;
            let browser = browser.first().context("the server has no browser")?;
            stay.survive("a browser is killed", &servers, async || kill(*browser)).await?;
            stay.sit(&servers, span / 4).await?;
            stay.survive("connections are cut", &servers, async || cut_lines(&world, &meetings).await)
                .await?;
            stay.sit(&servers, span / 4).await?;
            let mut killed = servers.pop().context("there are two servers")?;
            let process = killed.process.id();
            stay.survive("a server is killed", &servers, async || kill(process)).await?;
            killed.process.death(DIES_WITHIN, &place.env).await?;
            // Restarted like by a supervisor; the new server removes what the killed one left behind.
            servers.push(serve(1).await?);
            stay.sit(&servers, span / 4).await?;
        }
    }
    let memory = stay.memory();
    stay.end(&servers[0]).await?;
    let left = LeftBehind::look(&servers, &world.fixture)?;
    ensure!(left.zombies == 0, "{} zombie processes are left while servers run", left.zombies);
    for server in servers {
        server.stop().await;
    }
    let left = LeftBehind::look(&[], &world.fixture)?;
    ensure!(left.processes == 0, "{} Chromium processes are left", left.processes);
    ensure!(left.profiles.is_empty(), "profiles are left: {:?}", left.profiles);
    let files: Vec<_> = std::fs::read_dir(&temporary)?.flatten().map(|entry| entry.file_name()).collect();
    ensure!(files.is_empty(), "temporary files are left: {files:?}");
    let grown = memory.last / memory.first.max(1.0);
    if part == Part::Quiet {
        ensure!(grown <= GROWTH, "memory has grown from {:.0} to {:.0} MB", memory.first, memory.last);
    }
    let (all_in, survived) = (stay.all_in, stay.survived);
    world.close().await?;
    Ok(format!(
        "{} bots joined within {:.0} s, {}; memory {:.0} MB in the first quarter and {:.0} MB in the last \
         ({grown:.2} ×); all left, no process, profile or temporary file left",
        arguments.bots,
        all_in.as_secs_f64(),
        if survived.is_empty() { "nothing happened".to_owned() } else { survived.join(", ") },
        memory.first,
        memory.last,
    ))
}

/// Cuts the connections to all meetings.
async fn cut_lines(world: &World, meetings: &[String]) -> anyhow::Result<()> {
    for meeting in meetings {
        let line = format!("/meetings/{meeting}/cut-line");
        world.fixture.simulator.post(&line, &json!({ "seconds": CUT_SECONDS })).await?;
    }
    Ok(())
}

fn kill(process: u32) -> anyhow::Result<()> {
    let process = Pid::from_raw(process.try_into()?).context("no process has this id")?;
    Ok(kill_process(process, Signal::KILL)?)
}

/// A number in an answer, as text.
fn number(answer: &Value, field: &str) -> anyhow::Result<String> {
    Ok(stage::text(answer, field)?.to_owned())
}

/// Memory of the servers including their browsers, in megabytes.
fn megabytes(servers: &[Server]) -> anyhow::Result<f64> {
    let ids: Vec<_> = servers.iter().map(|server| server.process.id()).collect();
    let bytes: u64 = browser::usage(&ids)?.into_iter().flatten().map(|usage| usage.memory).sum();
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    Ok(bytes as f64 / 1_000_000.0)
}
