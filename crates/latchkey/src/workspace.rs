//! `latchkey workspace`: the tenants of an installation. The server may run meanwhile.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use model::WorkspaceId;
use serde_json::json;
use store::{IgnoredFields, WorkspaceChange};
use tenants::{Vault, Workspaces};

use crate::{
    api_client::id,
    keys::Installation,
    output::{Output, text},
};

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
    /// Create a workspace, and print its first API key, which may do everything in it.
    Create {
        /// Its name.
        name: String,
    },
    /// Change the settings of a workspace, for all of its keys.
    Set {
        /// The workspace's id, as in `latchkey workspace list`.
        #[arg(value_parser = id::<WorkspaceId>)]
        workspace: WorkspaceId,
        /// How to treat fields of a new bot that have no effect here: `name` them in the answer, or `refuse` the request.
        #[arg(long, value_name = "name|refuse")]
        ignored_fields: IgnoredFields,
    },
    /// Show every workspace.
    List,
}

/// Prints machine-readable results on standard output.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let (installation, workspaces) = open(arguments.config.as_deref()).await?;
    match arguments.command {
        Command::Create { name } => {
            let (workspace, issued) = workspaces.create(&name, None).await?;
            let made = json!({ "workspace": workspace.id, "api_key": issued.key.expose() });
            let sides = [("workspace", text(&made, "workspace")), ("API key", text(&made, "api_key"))];
            arguments.output.one(&made, sides);
            eprintln!("latchkey: the API key above is shown only this once");
        }
        Command::Set { workspace, ignored_fields } => {
            let change =
                WorkspaceChange { ignored_fields: Some(ignored_fields), ..WorkspaceChange::default() };
            if workspaces.change(workspace, &change).await?.is_none() {
                anyhow::bail!("there is no workspace {workspace}: see `latchkey workspace list`");
            }
            let ignored_fields = ignored_fields.as_str();
            let set = json!({ "workspace": workspace, "ignored_fields": ignored_fields });
            arguments.output.done(&set, &format!("ignored fields: {ignored_fields}"));
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

/// The configured installation, and its workspaces.
pub(crate) async fn open(config: Option<&Path>) -> anyhow::Result<(Installation, Workspaces)> {
    let installation = Installation::open(config).await?;
    let Installation { store, keys, env, .. } = &installation;
    let workspaces = Workspaces::new(store.clone(), Vault::new(keys.clone()), env.clone());
    Ok((installation, workspaces))
}
