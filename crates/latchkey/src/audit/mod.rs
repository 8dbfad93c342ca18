//! `latchkey audit`: who was given which token. `list` asks a running server, `export` reads the database beside it.

mod export;
mod list;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show the records of the key's workspace, newest first, at a running server.
    List(list::List),
    /// Write records to standard output, oldest first, one JSON object to a line. The server may run meanwhile.
    Export(export::Export),
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::List(list) => list::run(list).await,
        Command::Export(export) => export::run(export).await,
    }
}
