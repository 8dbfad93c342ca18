//! `latchkey audit`: who received which token. `list` calls a running server, `export` reads the database directly.

mod export;
mod list;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show the records of the key's workspace, newest first, from a running server.
    List(list::List),
    /// Write records to standard output, oldest first, one JSON object per line. The server may run meanwhile.
    Export(export::Export),
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::List(list) => list::run(list).await,
        Command::Export(export) => export::run(export).await,
    }
}
