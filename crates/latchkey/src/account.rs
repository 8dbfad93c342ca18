//! `latchkey account`: connects Zoom accounts at a running server.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use crate::running_server::{Reach, Server};

const PATH: &str = "api/v2/zoom-oauth-credentials/";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Reach,
}

#[derive(Subcommand)]
enum Command {
    /// Take an account over by its refresh token. The token is spent: no other holder can use it any more.
    Import(Import),
}

#[derive(clap::Args)]
struct Import {
    /// The Zoom app that the token was given to, by its id here. Not needed if the workspace has one app.
    #[arg(long, value_name = "ID")]
    oauth_app: Option<String>,
    /// A file with the refresh token: the token alone, or JSON with `refresh_token` in it.
    #[arg(long, value_name = "FILE")]
    refresh_token_file: PathBuf,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Command::Import(Import { oauth_app, refresh_token_file }) = arguments.command;
    let text = fs::read_to_string(&refresh_token_file)
        .with_context(|| format!("cannot read {}", refresh_token_file.display()))?;
    let token = refresh_token(&text).with_context(|| refresh_token_file.display().to_string())?;
    let (apps, accounts) = (
        Server::of(arguments.server.clone(), "api/v2/zoom-oauth-apps/")?,
        Server::of(arguments.server, PATH)?,
    );
    let oauth_app = match oauth_app {
        Some(id) => id,
        None => only_app(&apps.call(reqwest::Method::GET, "", None).await?)?,
    };
    let body = json!({ "oauth_app": oauth_app, "refresh_token": token });
    let account = accounts.call(reqwest::Method::POST, "", Some(body)).await?;
    let Some(id) = account["id"].as_str() else {
        bail!("the server answered without an account: is it this version of Latchkey?");
    };
    eprintln!("{} is connected; its id:", account["display_name"].as_str().unwrap_or("the account"));
    println!("{id}");
    eprintln!("{}", account["latchkey_notice"].as_str().unwrap_or_default());
    eprintln!("Delete {}: nothing in it is of use any more.", refresh_token_file.display());
    Ok(())
}

/// The token in a file: alone, or as programs store what Zoom's token endpoint has answered.
fn refresh_token(text: &str) -> anyhow::Result<String> {
    let token = match serde_json::from_str(text) {
        Ok(Value::Object(answer)) => {
            let token = answer.get("refresh_token").and_then(Value::as_str);
            token.context("the JSON in it has no refresh_token")?.to_owned()
        }
        Ok(Value::String(token)) => token,
        Ok(_) | Err(_) => text.to_owned(),
    };
    Ok(model::pasted(&token).context("it holds no refresh token")?.to_owned())
}

fn only_app(apps: &Value) -> anyhow::Result<String> {
    match apps["results"].as_array().map(Vec::as_slice) {
        Some([app]) => Ok(app["id"].as_str().unwrap_or_default().to_owned()),
        Some([]) => bail!("the workspace has no Zoom app: register the one that the token was given to"),
        _ => bail!(
            "the workspace has several Zoom apps: name the one that the token was given to with --oauth-app"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::refresh_token;

    #[test]
    fn a_token_is_read_from_what_programs_keep() {
        for text in [
            "planted-token\n",
            "\u{feff} planted-token\r\n",
            "\"planted-token\"",
            r#"{ "access_token": "a", "refresh_token": "planted-token", "expires_in": 3599 }"#,
        ] {
            assert_eq!(refresh_token(text).unwrap(), "planted-token", "{text}");
        }
        for text in ["", "\n", "planted token", r#"{ "access_token": "a" }"#, r#"{ "refresh_token": 1 }"#] {
            let refused = refresh_token(text).unwrap_err();
            assert!(!format!("{refused:#}").contains("planted"), "{refused:#}");
        }
    }
}
