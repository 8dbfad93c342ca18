//! `latchkey console login`: a link that signs a browser in to the console, for an operator with access to the database. The
//! server may run meanwhile.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use model::{ApiScopes, WorkspaceId};
use serde_json::json;
use tenants::{ConsoleSessions, NewApiKey, SESSION_TTL};
use url::Url;

use crate::{api_client::id, api_key::the_one, config::Config, output::Output, workspace};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The configuration file. Default: `latchkey.toml`, if it exists.
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The workspace, by its id in `latchkey workspace list`. Not needed if there is only one.
    #[arg(long, value_name = "ID", global = true, value_parser = id::<WorkspaceId>)]
    workspace: Option<WorkspaceId>,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// Print a link that signs in the first browser that opens it within 15 minutes. The session gets an API key of its own,
    /// which may do everything in the workspace and ends with the session, after 12 hours.
    Login {
        /// The server's address for the browser. Default: `public_url` of the configuration, or else the address it listens
        /// on.
        #[arg(long, env = "LATCHKEY_URL")]
        url: Option<Url>,
    },
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Command::Login { url } = arguments.command;
    let config = Config::read(arguments.config.as_deref())?;
    let here = || Url::parse(&format!("http://{}", config.listen));
    let base = match url.or(config.public_url.clone()) {
        Some(url) => url,
        None => here()?,
    };
    let (installation, workspaces) = workspace::open(arguments.config.as_deref()).await?;
    let workspace = the_one(&workspaces, arguments.workspace).await?;
    let expires_at = Some(installation.env.now() + SESSION_TTL);
    let name = "console login".to_owned();
    let new = NewApiKey { name, scopes: ApiScopes::of_a_workspace(), per_minute: None, expires_at };
    // The key is never shown: only the session uses it.
    let issued = workspaces.create_key(workspace, &new).await?.context("the workspace no longer exists")?;
    let sessions = ConsoleSessions::new(installation.store.clone(), installation.env.clone());
    let link = sessions.make_link(&issued.row).await.map_err(|failure| anyhow!("{failure}"))?;
    let url = console::link_address(&base, &link);
    arguments.output.say(&json!({ "url": url, "key": issued.row.id }), &url);
    eprintln!("latchkey: open the link above in a browser within 15 minutes; it works once");
    installation.close().await;
    Ok(())
}
