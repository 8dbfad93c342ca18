//! `make bench`: the cost of Latchkey, compared with the least possible work.
//!
//! Bots are compared with a bare page that loads Zoom's SDK and joins at once. Token reads are compared with a server that
//! only verifies the signature and answers a constant, and with one that calls Zoom every time. Many accounts and waiting
//! deliveries are compared with few. The console's pages are measured with many rows. All sides run alternately, on one
//! machine. The simulator and Latchkey are the binaries that a user would run, next to this program.

mod accounts;
mod bare_page;
mod burst;
mod connected;
mod cores;
mod deliveries;
mod idle;
mod installation;
mod joins;
mod machine;
mod memory;
mod pages;
mod procfs;
mod report;
mod statistics;
mod tables;
mod test_bed;
mod tokens;
mod world;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use model::Environment;

use machine::Machine;
use report::{Bots, Report};
use test_bed::Place;
use tokens::{naive_server, verifier};
use world::World;

/// Measures Latchkey, compared with the least possible work.
#[derive(Parser)]
struct Arguments {
    /// A smoke run: everything once. Its figures are not meaningful.
    #[arg(long)]
    quick: bool,
    /// Run only one part.
    #[arg(long)]
    only: Option<Part>,
    /// Folder for the report.
    #[arg(long, default_value = "out/bench")]
    out: PathBuf,
    /// Folder for databases, keys, logs and signed requests; emptied first.
    #[arg(long, default_value = "data/bench")]
    data: PathBuf,
    /// Chromium: a path, or a name on `PATH`.
    #[arg(long, default_value = "chromium")]
    chromium: PathBuf,
    /// The `dist` folder of `@zoom/meetingsdk`.
    #[arg(long, default_value = "web/node_modules/@zoom/meetingsdk/dist")]
    sdk_dir: PathBuf,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Bots,
    Burst,
    Tokens,
    Accounts,
    Storm,
    Deliveries,
    Pages,
}

#[derive(Subcommand)]
enum Role {
    /// The baseline of token reads. The benchmark itself starts this and the next command.
    #[command(hide = true)]
    Verifier,
    #[command(hide = true)]
    Straightforward,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let env = Environment::system();
    let done = match arguments.role {
        Some(Role::Verifier) => verifier::run(env).await,
        Some(Role::Straightforward) => naive_server::run(env).await,
        None => measure(&arguments, &env).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments, env: &Environment) -> anyhow::Result<()> {
    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    let machine = Machine::look(env).await?;
    println!("{machine}");
    println!("preparing: simulator, one account, one meeting");
    let mut place = Place::make(arguments, env).await?;
    let (mut bots, mut bursts) = (None, None);
    if wanted(Part::Bots) || wanted(Part::Burst) {
        let world = World::make(place).await?;
        if wanted(Part::Bots) {
            let memory = memory::measure(&world, arguments.quick).await?;
            let idle = idle::measure(&world, arguments.quick).await?;
            let joins = joins::measure(&world, arguments.quick).await?;
            bots = Some(Bots { joins, memory, idle });
        }
        if wanted(Part::Burst) {
            bursts = Some(burst::measure(&world, arguments.quick).await?);
        }
        place = world.leave();
    }
    let tokens =
        if wanted(Part::Tokens) { Some(tokens::measure(&place, arguments.quick).await?) } else { None };
    let accounts =
        if wanted(Part::Accounts) { Some(accounts::measure(&place, arguments.quick).await?) } else { None };
    let storms =
        if wanted(Part::Storm) { Some(accounts::storms(&place, arguments.quick).await?) } else { None };
    let deliveries = if wanted(Part::Deliveries) {
        Some(deliveries::measure(&place, arguments.quick).await?)
    } else {
        None
    };
    let pages = if wanted(Part::Pages) { Some(pages::measure(&place, arguments.quick).await?) } else { None };
    place.close().await;

    let report = Report {
        quick: arguments.quick,
        measured_at: env.now(),
        machine,
        bots,
        bursts,
        tokens,
        accounts,
        storms,
        deliveries,
        pages,
    };
    tables::print(&report);
    std::fs::create_dir_all(&arguments.out)?;
    let path = arguments.out.join("report.json");
    std::fs::write(&path, serde_json::to_string_pretty(&report)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("Report: {}", path.display());
    Ok(())
}
