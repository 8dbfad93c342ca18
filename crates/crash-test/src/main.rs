//! `make crash-test`: kills Latchkey at critical moments, and checks its accounts.
//!
//! Real processes against the simulator, on SQLite and on PostgreSQL. Each case has a world of its own, so that all of them
//! can wait side by side for the leases of dead servers to lapse. Progress goes to standard error, and one line with the
//! result to standard output. The exit code says whether all is well.

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

/// How many cases run side by side. They mostly wait.
const AT_ONCE: usize = 8;
/// Several leases, and the timeouts of their waiters.
const CASE_WITHIN: Duration = Duration::from_secs(300);

/// Kills Latchkey at critical moments, and checks its accounts.
#[derive(Parser)]
struct Arguments {
    /// Cases whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Where databases, keys and logs go; emptied first.
    #[arg(long, global = true, default_value = "data/crash-test")]
    data: PathBuf,
    #[command(subcommand)]
    instead: Option<Instead>,
}

#[derive(Subcommand)]
enum Instead {
    /// Many bots for a long time.
    Soak(SoakArguments),
}

/// Where the worlds are made.
struct Place {
    env: Environment,
    data: PathBuf,
    latchkey: PathBuf,
    postgres: Postgres,
}

/// Something to go through, in a world of its own.
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

/// How a case ended well.
enum End {
    /// A server was killed. Its account must not be lost without notice.
    Killed(Outcome),
    /// A check has passed: what was seen.
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

/// Whether nothing was lost without notice, and every check has passed.
async fn run(Arguments { only, data, instead }: Arguments) -> anyhow::Result<bool> {
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    std::fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    let data = data.canonicalize()?;
    // Built with the same profile, and put beside this program.
    let latchkey = std::env::current_exe()?.with_file_name("latchkey");
    let place = Arc::new(Place { env: Environment::system(), data, latchkey, postgres: Postgres::start()? });
    if let Some(Instead::Soak(arguments)) = instead {
        return soak::run(&place, &arguments).await;
    }

    // What waits longest comes first.
    let cases = scenarios::all().chain(kill_points::all()).chain(imports::all());
    let cases: Vec<Case> = cases.filter(|case| case.name.contains(&only)).collect();
    ensure!(!cases.is_empty(), "no case has {only:?} in its name");
    let mut tally = Tally::new(cases.len());
    // What needs the whole machine comes last, by itself.
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
                let late = || Err(anyhow::anyhow!("it takes longer than {CASE_WITHIN:?}"));
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
