//! `latchkey workspace`: the tenants of an installation. The server may run meanwhile.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use tenants::{Vault, Workspaces};

use crate::{
    keys::Installation,
    output::{Output, text},
};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The configuration file; `latchkey.toml` if it is there.
    #[arg(long, env = "LATCHKEY_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// Make a workspace, and print its first API key, which may do everything in it.
    Create {
        /// For people.
        name: String,
    },
    /// Show every workspace.
    List,
}

/// Says on standard output what other programs read.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let (installation, workspaces) = open(arguments.config.as_deref()).await?;
    match arguments.command {
        Command::Create { name } => {
            let (workspace, issued) = workspaces.create(&name).await?;
            println!("{}", json!({ "workspace": workspace.id, "api_key": issued.key.expose() }));
            eprintln!("latchkey: the API key above is shown once and never again");
        }
        Command::List => {
            let all = workspaces.all().await?;
            let all: Vec<_> = all
                .iter()
                .map(|it| json!({ "id": it.id, "name": it.name, "created_at": it.created_at }))
                .collect();
            arguments.output.list(["workspace", "name", "since"], &all, |workspace| {
                ["id", "name", "created_at"].map(|field| text(workspace, field))
            });
        }
    }
    installation.close().await;
    Ok(())
}

/// The installation that the configuration names, and its workspaces.
pub(crate) async fn open(config: Option<&Path>) -> anyhow::Result<(Installation, Workspaces)> {
    let installation = Installation::open(config).await?;
    let Installation { store, keys, env, .. } = &installation;
    let workspaces = Workspaces::new(store.clone(), Vault::new(keys.clone()), env.clone());
    Ok((installation, workspaces))
}
