//! `latchkey keys`: the key ring of an installation. Servers may run meanwhile.

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
    /// The configuration file. Default: `latchkey.toml`, if it exists.
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// Show the keys, and how many secrets each still seals.
    List,
    /// Create a key ring in a new file, for LATCHKEY_KEYS or to be mounted. A server creates its own key_file.
    Create(create::Arguments),
    /// Add a key that starts to seal after a grace period, so that every server can load it first.
    Rotate(rotate::Arguments),
    /// Seal everything with the active key, and remove the old keys from the ring.
    Rewrap(rewrap::Arguments),
}

/// Prints the result on standard output and the progress on standard error.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = arguments.config.as_deref();
    match arguments.command {
        Command::List => list::run(config, arguments.output).await,
        Command::Create(create) => create::run(config, &create, arguments.output).await,
        Command::Rotate(rotate) => rotate::run(config, &rotate, arguments.output).await,
        Command::Rewrap(rewrap) => rewrap::run(config, &rewrap, arguments.output).await,
    }
}
