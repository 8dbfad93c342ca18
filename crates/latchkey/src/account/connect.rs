//! `latchkey account connect`: prints a link for the owner of an account, and can wait for the consent.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context as _;
use model::{CredentialId, Environment, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api_client::{Server, ServerArguments, id},
    output::{Output, ProblemsFound, text},
    progress::counter,
};

const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(crate) struct Connect {
    /// The Zoom app, by its id in `latchkey app list`. Not needed if the workspace has one app, or with --account.
    #[arg(long, value_name = "ID", conflicts_with = "account")]
    oauth_app: Option<String>,
    /// Connect this account again. The consent of any other Zoom user is refused.
    #[arg(long, value_name = "ID", value_parser = id::<CredentialId>)]
    account: Option<CredentialId>,
    /// Wait until an account is connected or works again, and print its id. Exit code 3: the link has expired.
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(
    accounts: &Server,
    server: &ServerArguments,
    output: Output,
    Connect { oauth_app, account, wait }: Connect,
) -> anyhow::Result<()> {
    let links = Server::of(server.clone(), "api/latchkey/v1/connect-links/")?;
    let (app, asked) = if let Some(account) = account {
        let known = accounts.call(Method::GET, &format!("{account}/"), None).await?;
        (text(&known, "oauth_app"), json!({ "credential": account }))
    } else {
        let app = super::the_app(server, oauth_app).await?;
        (app.clone(), json!({ "oauth_app": app }))
    };
    let before = with_tokens(accounts, &app).await?;
    let link = links.call(Method::POST, "", Some(asked)).await?;
    let until = text(&link, "expires_at");
    match (output.json, wait) {
        (true, false) => println!("{link:#}"),
        (false, false) => {
            println!("{}", text(&link, "url"));
            eprintln!(
                "the link connects one account and is valid until {until}; see `latchkey account list` afterwards"
            );
        }
        // Standard output is reserved for the account.
        (_, true) => {
            eprintln!("for the browser of the account's owner, valid until {until}:\n{}", text(&link, "url"));
        }
    }
    if wait {
        let until = until
            .parse()
            .context("the server's answer has no time: does it run this version of Latchkey?")?;
        let account = consented(accounts, &app, &before, until).await?;
        eprintln!("{} is connected; its id:", text(&account, "display_name"));
        output.made(&account);
    }
    Ok(())
}

async fn of_app(accounts: &Server, app: &str) -> anyhow::Result<Vec<Value>> {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("oauth_app", app).finish();
    let found = accounts.all(&format!("?{query}")).await?;
    Ok(found.into_iter().filter(|account| account["status"] == "healthy").collect())
}

async fn with_tokens(accounts: &Server, app: &str) -> anyhow::Result<BTreeSet<String>> {
    Ok(of_app(accounts, app).await?.iter().map(|account| text(account, "id")).collect())
}

/// The first account of the app that has tokens now and had none before.
async fn consented(
    accounts: &Server,
    app: &str,
    before: &BTreeSet<String>,
    until: Timestamp,
) -> anyhow::Result<Value> {
    let (env, spinner) = (Environment::system(), counter("checks for the consent"));
    while env.now() < until {
        let now = of_app(accounts, app).await?;
        if let Some(account) = now.into_iter().find(|account| !before.contains(&text(account, "id"))) {
            spinner.finish_and_clear();
            return Ok(account);
        }
        spinner.inc(1);
        env.clock.sleep(POLL_INTERVAL).await;
    }
    spinner.finish_and_clear();
    Err(ProblemsFound("the link has expired without a consent: create another one".into()).into())
}
