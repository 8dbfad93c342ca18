//! `latchkey account import`.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api_client::{Server, ServerArguments},
    output::{Output, text},
};

#[derive(clap::Args)]
pub(crate) struct Import {
    /// The Zoom app that the token was issued to, by its id in `latchkey app list`. Not needed if the workspace has one app.
    #[arg(long, value_name = "ID")]
    oauth_app: Option<String>,
    /// A file with the refresh token: the token alone, or JSON with a field `refresh_token`.
    #[arg(long, value_name = "FILE")]
    refresh_token_file: PathBuf,
}

pub(super) async fn run(
    accounts: &Server,
    server: &ServerArguments,
    output: Output,
    Import { oauth_app, refresh_token_file }: Import,
) -> anyhow::Result<()> {
    let file = fs::read_to_string(&refresh_token_file)
        .with_context(|| format!("cannot read {}", refresh_token_file.display()))?;
    let token = refresh_token(&file).with_context(|| refresh_token_file.display().to_string())?;
    let oauth_app = super::the_app(server, oauth_app).await?;
    let body = json!({ "oauth_app": oauth_app, "refresh_token": token });
    let account = accounts.call(Method::POST, "", Some(body)).await?;
    let Some(id) = account["id"].as_str() else {
        bail!("the server's answer has no account: does it run this version of Latchkey?");
    };
    eprintln!("{} is connected; its id:", account["display_name"].as_str().unwrap_or("the account"));
    if output.json {
        println!("{account:#}");
    } else {
        println!("{id}");
    }
    eprintln!("{}", text(&account, "latchkey_notice"));
    eprintln!("Delete {}: its token is used up.", refresh_token_file.display());
    Ok(())
}

/// The refresh token in a file: the token alone, or a stored answer of Zoom's token endpoint.
fn refresh_token(text: &str) -> anyhow::Result<String> {
    let token = match serde_json::from_str(text) {
        Ok(Value::Object(answer)) => {
            let token = answer.get("refresh_token").and_then(Value::as_str);
            token.context("its JSON has no refresh_token")?.to_owned()
        }
        Ok(Value::String(token)) => token,
        Ok(_) | Err(_) => text.to_owned(),
    };
    Ok(model::pasted(&token).context("it contains no refresh token")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::refresh_token;

    #[test]
    fn a_token_is_read_alone_or_from_a_stored_answer() {
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
