//! `latchkey api-key`: the API keys of a workspace, for an operator with access to the database. It is needed when a team
//! has lost its last key, and is the only way to create the first key that may create workspaces. The server may run
//! meanwhile.

use std::{num::NonZeroU32, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use model::{ApiKeyId, ApiScope, Environment, Timestamp, WorkspaceId};
use serde_json::{Value, json};
use store::ApiKey;
use tenants::{NewApiKey, Workspaces};

use crate::{
    api_client::id,
    output::{Output, text, words},
    workspace,
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
    /// The workspace, by its id in `latchkey workspace list`. Not needed if there is only one.
    #[arg(long, global = true, value_parser = id::<WorkspaceId>)]
    workspace: Option<WorkspaceId>,
}

#[derive(Subcommand)]
enum Command {
    /// Create a key and print it.
    Create(CreateArguments),
    /// Show the keys of a workspace, including ended ones.
    List,
    /// Revoke a key. The next call with it is refused, on every server.
    Revoke {
        /// The key's id, as in `latchkey api-key list`.
        #[arg(value_parser = id::<ApiKeyId>)]
        id: ApiKeyId,
    },
}

#[derive(Args)]
struct CreateArguments {
    /// A description of what the key is for.
    name: String,
    /// What it may do, separated by commas: read, bots, tokens, admin; and operator, which may create workspaces.
    #[arg(long, value_delimiter = ',', default_value = "read,bots,tokens,admin")]
    scopes: Vec<ApiScope>,
    /// When it expires, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_parser = ahead)]
    expires_at: Option<Timestamp>,
    /// How many calls it may make per minute. Default: `limits.key` of the configuration.
    #[arg(long)]
    requests_per_minute: Option<NonZeroU32>,
}

fn ahead(text: &str) -> Result<Timestamp, String> {
    let time: Timestamp = text.parse().map_err(|_| "give a time such as 2027-01-31T12:00:00Z".to_owned())?;
    if time > Environment::system().now() { Ok(time) } else { Err("the time must be in the future".into()) }
}

/// Prints machine-readable results on standard output.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let (installation, workspaces) = workspace::open(arguments.config.as_deref()).await?;
    let workspace = the_one(&workspaces, arguments.workspace).await?;
    match arguments.command {
        Command::Create(CreateArguments { name, scopes, expires_at, requests_per_minute: per_minute }) => {
            let new = NewApiKey { name, scopes: scopes.into_iter().collect(), per_minute, expires_at };
            let issued =
                workspaces.create_key(workspace, &new).await?.context("the workspace no longer exists")?;
            let made = json!({ "id": issued.row.id, "api_key": issued.key.expose() });
            arguments.output.one(&made, [("id", text(&made, "id")), ("API key", text(&made, "api_key"))]);
            eprintln!("latchkey: the API key above is shown only this once");
        }
        Command::List => {
            let keys: Vec<Value> = workspaces.keys(workspace).await?.iter().map(shown).collect();
            arguments.output.list(["id", "key", "name", "scopes", "last used", ""], &keys, |key| {
                let used =
                    Some(text(key, "last_used_at")).filter(|at| !at.is_empty()).unwrap_or("never".into());
                let end = match (text(key, "revoked_at"), text(key, "expires_at")) {
                    (revoked, _) if !revoked.is_empty() => format!("revoked {revoked}"),
                    (_, ends) if !ends.is_empty() => format!("until {ends}"),
                    _ => String::new(),
                };
                let prefix = format!("{}…", text(key, "prefix"));
                [
                    text(key, "id"),
                    prefix,
                    text(key, "name"),
                    words(key, "scopes").replace(' ', ","),
                    used,
                    end,
                ]
            });
        }
        Command::Revoke { id } => {
            if !workspaces.revoke_key(workspace, id).await? {
                bail!("the workspace has no key {id}: see `latchkey api-key list`");
            }
            arguments.output.done(&json!({ "revoked": id }), "revoked: the next call with it is refused");
        }
    }
    installation.close().await;
    Ok(())
}

/// A key for display, without its hash.
fn shown(key: &ApiKey) -> Value {
    let scopes: Vec<String> = key.scopes.to_string().split(',').map(str::to_owned).collect();
    json!({ "id": key.id, "prefix": key.prefix, "name": key.name, "scopes": scopes,
            "requests_per_minute": key.per_minute, "created_at": key.created_at, "expires_at": key.expires_at,
            "last_used_at": key.last_used_at, "revoked_at": key.revoked_at })
}

/// The given workspace, or the only one.
pub(crate) async fn the_one(
    workspaces: &Workspaces,
    named: Option<WorkspaceId>,
) -> anyhow::Result<WorkspaceId> {
    let all = workspaces.all().await?;
    match (named, all.as_slice()) {
        (Some(id), all) if all.iter().any(|workspace| workspace.id == id) => Ok(id),
        (Some(id), _) => bail!("there is no workspace {id}: see `latchkey workspace list`"),
        (None, [only]) => Ok(only.id),
        (None, []) => {
            bail!("there is no workspace yet: start the server once, or run `latchkey workspace create`")
        }
        (None, _) => {
            bail!("there are several workspaces: name one with --workspace, see `latchkey workspace list`")
        }
    }
}
