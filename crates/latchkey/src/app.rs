//! `latchkey app`: the Zoom apps of a workspace, at a running server.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Subcommand;
use model::ZoomOauthAppId;
use reqwest::Method;
use serde_json::json;

use crate::{
    api_client::{OnServer, Server, id},
    output::{ProblemsFound, text},
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Register a Zoom app, and print its id at Latchkey.
    Add(Add),
    /// Show the apps of the key's workspace.
    List,
    /// Check whether Zoom accepts an app's id, secret and redirect URL. Exit code 3: it does not.
    Check {
        /// The app's id at Latchkey, as in `latchkey app list`.
        #[arg(value_parser = id::<ZoomOauthAppId>)]
        id: ZoomOauthAppId,
    },
}

#[derive(clap::Args)]
pub(crate) struct Add {
    /// Zoom's client id of the app.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    client_id: String,
    /// A file with its client secret.
    #[arg(long, value_name = "FILE")]
    client_secret_file: PathBuf,
    /// A file with Zoom's secret token for webhooks. Optional for a server-to-server app.
    #[arg(long, value_name = "FILE")]
    webhook_secret_file: Option<PathBuf>,
    /// Whom the app acts for: `user_level` one user, `account_level` all users of a Zoom account by consent of its
    /// administrator,
    /// `server_to_server` all users of a Zoom account without consent.
    #[arg(long, default_value = "user_level")]
    kind: String,
    /// The Zoom account that a server-to-server app acts for.
    #[arg(long, value_name = "ID", required_if_eq("kind", "server_to_server"), allow_hyphen_values = true)]
    account_id: Option<String>,
}

pub(crate) async fn run(OnServer { command, server, output }: OnServer<Command>) -> anyhow::Result<()> {
    let apps = Server::of(server.clone(), "api/v2/zoom-oauth-apps/")?;
    match command {
        Command::Add(Add { client_id, client_secret_file, webhook_secret_file, kind, account_id }) => {
            let body = json!({
                "kind": kind,
                "client_id": client_id,
                "client_secret": secret(&client_secret_file)?,
                "webhook_secret": webhook_secret_file.as_deref().map(secret).transpose()?,
                "account_id": account_id,
            });
            let app = apps.call(Method::POST, "", Some(body)).await?;
            output.made(&app);
            eprintln!("registered: connect an account with `latchkey account connect`");
        }
        Command::List => {
            let header = ["id", "client id", "kind", "webhook", "Zoom"];
            output.list(header, &apps.all("").await?, |app| {
                let or = |field, none: &str| {
                    Some(text(app, field)).filter(|t| !t.is_empty()).unwrap_or(none.into())
                };
                let verified = or("webhook_last_validation", "not verified yet");
                let refused = text(app, "latchkey_refused_since");
                let zoom = if refused.is_empty() {
                    "takes it".to_owned()
                } else {
                    format!("refuses it since {refused}")
                };
                [text(app, "id"), text(app, "client_id"), text(app, "kind"), verified, zoom]
            });
        }
        Command::Check { id } => {
            let apps = Server::of(server, "api/latchkey/v1/zoom-oauth-apps/")?;
            let check = apps.call(Method::POST, &format!("{id}/check/"), None).await?;
            let url = text(&check, "redirect_url");
            if check["is_well"] == true {
                output.say(&check, &format!("Zoom accepts the app's id and secret, and {url}"));
                return Ok(());
            }
            if output.json {
                println!("{check:#}");
            }
            let findings = check["findings"].as_array().into_iter().flatten();
            let told: Vec<_> = findings
                .map(|finding| format!("{}. {}", text(finding, "problem"), text(finding, "advice")))
                .collect();
            return Err(ProblemsFound(told.join("\n")).into());
        }
    }
    Ok(())
}

fn secret(path: &Path) -> anyhow::Result<String> {
    let file = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(model::pasted(&file).with_context(|| format!("{} contains no secret", path.display()))?.to_owned())
}
