//! `make crash-test`: kills Latchkey at critical moments, and checks its accounts.
//!
//! It runs real processes against the simulator, on SQLite and on PostgreSQL. Each case has an environment of its own, so
//! that all cases can wait in parallel for leases of dead servers to expire. Progress is printed on standard error, and one
//! line with the result on standard output. The exit code is 0 if all cases passed.

mod account;
mod fixture;
mod imports;
mod kill_points;
mod leaked_secrets;
mod proxy;
mod scenarios;
mod soak;
mod tally;
mod world;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};
use futures_util::{StreamExt as _, stream};
use model::Environment;
use stage::Postgres;

use fixture::Database;
use imports::Import;
use kill_points::{Kill, Outcome};
use leaked_secrets::Searched;
use scenarios::Scenario;
use soak::SoakArguments;
use tally::Tally;
use world::World;

/// Cases that run in parallel. They mostly wait.
const AT_ONCE: usize = 8;
/// Timeout of a case: several leases, and the timeouts of their waiters.
const CASE_WITHIN: Duration = Duration::from_secs(300);

/// Kills Latchkey at critical moments, and checks its accounts.
#[derive(Parser)]
struct Arguments {
    /// Run only cases whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Folder for databases, keys and logs; emptied first.
    #[arg(long, global = true, default_value = "data/crash-test")]
    data: PathBuf,
    #[command(subcommand)]
    instead: Option<Instead>,
}

#[derive(Subcommand)]
enum Instead {
    /// Run many bots for a long time.
    Soak(SoakArguments),
}

/// Where the environments are created.
struct Place {
    env: Environment,
    data: PathBuf,
    latchkey: PathBuf,
    postgres: Postgres,
}

/// A test case, which runs in an environment of its own.
struct Case {
    name: String,
    database: Database,
    story: Story,
}

impl Case {
    fn needs_the_machine(&self) -> bool {
        matches!(self.story, Story::Scenario(Scenario::Rush | Scenario::AskedOfOne))
    }
}

enum Story {
    Kill(Kill),
    Import(Import),
    Scenario(Scenario),
}

/// The result of a passed case.
enum End {
    /// A server was killed. Its account must not be lost without notice.
    Killed(Outcome),
    /// A check has passed; with a description of the result.
    Seen(String),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("crash-test: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether nothing was lost silently and every check has passed.
async fn run(Arguments { only, data, instead }: Arguments) -> anyhow::Result<bool> {
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    std::fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let data = data.canonicalize()?;
    // Cargo puts it next to this program, built with the same profile.
    let latchkey = std::env::current_exe()?.with_file_name("latchkey");
    let place = Arc::new(Place { env: Environment::system(), data, latchkey, postgres: Postgres::start()? });
    if let Some(Instead::Soak(arguments)) = instead {
        return soak::run(&place, &arguments).await;
    }

    // The cases that wait longest come first.
    let cases = scenarios::all().chain(kill_points::all()).chain(imports::all());
    let cases: Vec<Case> = cases.filter(|case| case.name.contains(&only)).collect();
    ensure!(!cases.is_empty(), "no case has {only:?} in its name");
    let mut tally = Tally::new(cases.len());
    // Cases that need the whole machine run last and alone.
    let (alone, together): (Vec<_>, Vec<_>) = cases.into_iter().partition(Case::needs_the_machine);
    for (cases, at_once) in [(together, AT_ONCE), (alone, 1)] {
        go_through_all(&place, cases, at_once, &mut tally).await;
    }
    Ok(tally.close())
}

async fn go_through_all(place: &Arc<Place>, cases: Vec<Case>, at_once: usize, tally: &mut Tally) {
    let mut ended = stream::iter(cases)
        .map(|case| {
            let place = Arc::clone(place);
            async move {
                let ended = place.env.clock.timeout(CASE_WITHIN, go_through(&place, &case)).await;
                let late = || Err(anyhow::anyhow!("the case takes longer than {CASE_WITHIN:?}"));
                (ended.unwrap_or_else(late), case)
            }
        })
        .buffer_unordered(at_once);
    while let Some((ended, case)) = ended.next().await {
        tally.note(&case, ended);
    }
}

async fn go_through(place: &Place, case: &Case) -> anyhow::Result<(End, Searched)> {
    let world = World::make(place, &case.name, case.database).await?;
    let end = match &case.story {
        Story::Kill(kill) => End::Killed(kill.run(&world).await?),
        Story::Import(import) => End::Killed(import.run(&world).await?),
        Story::Scenario(scenario) => End::Seen(scenario.run(&world).await?),
    };
    Ok((end, world.close().await?))
}
