//! `latchkey keys`: the key ring of an installation, and what it seals. Servers may be running meanwhile.

mod create;
mod installation;
mod list;
mod retire;
mod rewrap;
mod rotate;
mod sealed_cells;
mod source;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::output::Output;

pub(crate) use installation::Installation;
pub(crate) use source::provider;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The configuration file; `latchkey.toml` if it is there.
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// Show the keys, and how many secrets each still seals.
    List,
    /// Make a key ring in a new file, for LATCHKEY_KEYS or to be mounted. A server makes its own key_file.
    Create(create::Arguments),
    /// Add a key that seals from soon on; until then every server has time to learn it.
    Rotate(rotate::Arguments),
    /// Seal everything anew that the active key doesn't seal, and take the old keys off the ring.
    Rewrap(rewrap::Arguments),
}

/// Says on standard output what it did, and on standard error how far it is.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = arguments.config.as_deref();
    match arguments.command {
        Command::List => list::run(config, arguments.output).await,
        Command::Create(create) => create::run(config, &create, arguments.output).await,
        Command::Rotate(rotate) => rotate::run(config, &rotate, arguments.output).await,
        Command::Rewrap(rewrap) => rewrap::run(config, &rewrap, arguments.output).await,
    }
}
