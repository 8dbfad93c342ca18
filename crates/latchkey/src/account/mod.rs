//! `latchkey account`: the Zoom accounts of a workspace, at a running server.

mod connect;
mod import;

use anyhow::bail;
use clap::Subcommand;
use model::CredentialId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api_client::{OnServer, Server, ServerArguments, id},
    output::{Output, ProblemsFound, text, words},
};

pub(crate) const PATH: &str = "api/v2/zoom-oauth-credentials/";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print a link that connects an account. It is for the browser of the account's owner and works once.
    Connect(connect::Connect),
    /// Show the accounts of the key's workspace.
    List,
    /// Show one account.
    Show {
        /// The account's id, as in `latchkey account list`.
        #[arg(value_parser = id::<CredentialId>)]
        id: CredentialId,
    },
    /// Check an account at Zoom, and repair what can be repaired. Exit code 3: it does not work.
    Check {
        /// The account's id, as in `latchkey account list`.
        #[arg(value_parser = id::<CredentialId>)]
        id: CredentialId,
    },
    /// Disconnect an account: its tokens are revoked at Zoom and deleted.
    Disconnect {
        /// The account's id, as in `latchkey account list`.
        #[arg(value_parser = id::<CredentialId>)]
        id: CredentialId,
    },
    /// Import an account by its refresh token. This uses the token up: no other holder can use it afterwards.
    Import(import::Import),
}

pub(crate) async fn run(OnServer { command, server, output }: OnServer<Command>) -> anyhow::Result<()> {
    let accounts = Server::of(server.clone(), PATH)?;
    match command {
        Command::Connect(connect) => connect::run(&accounts, &server, output, connect).await?,
        Command::List => {
            let header = ["id", "name", "status", "since", "app"];
            output.list(header, &accounts.all("").await?, |account| {
                let status = text(account, "latchkey_status");
                let since = text(account, "latchkey_status_since");
                [
                    text(account, "id"),
                    text(account, "display_name"),
                    status,
                    since,
                    text(account, "oauth_app"),
                ]
            });
        }
        Command::Show { id } => show(output, &accounts.call(Method::GET, &format!("{id}/"), None).await?),
        Command::Check { id } => {
            let account = accounts.call(Method::POST, &format!("{id}/validate/"), None).await?;
            show(output, &account);
            if let Some(cure) = remedy(&account, &refused_apps(&server).await?) {
                return Err(ProblemsFound(cure).into());
            }
        }
        Command::Disconnect { id } => {
            accounts.call(Method::DELETE, &format!("{id}/"), None).await?;
            let words = "disconnected: bots and token links that use it get no more tokens";
            output.done(&json!({ "disconnected": id }), words);
        }
        Command::Import(import) => import::run(&accounts, &server, output, import).await?,
    }
    Ok(())
}

fn show(output: Output, account: &Value) {
    let sides = [
        ("id", text(account, "id")),
        ("name", text(account, "display_name")),
        ("status", text(account, "latchkey_status")),
        ("since", text(account, "latchkey_status_since")),
        ("trouble", text(account, "latchkey_trouble")),
        ("missing scopes", words(account, "latchkey_missing_scopes")),
        ("kind", text(account, "kind")),
        ("app", text(account, "oauth_app")),
        ("Zoom user", text(account, "user_id")),
        ("Zoom account", text(account, "account_id")),
        ("meetings", text(account, "meeting_sync_status")),
        ("connected", text(account, "created_at")),
    ];
    output.one(account, sides);
}

/// Ids of the workspace's apps that Zoom refuses.
pub(crate) async fn refused_apps(server: &ServerArguments) -> anyhow::Result<Vec<String>> {
    let apps = Server::of(server.clone(), "api/v2/zoom-oauth-apps/")?.all("").await?;
    let refused = apps.iter().filter(|app| !app["latchkey_refused_since"].is_null());
    Ok(refused.map(|app| text(app, "id")).collect())
}

/// The fix for an account that no bot can sign in with; `None` if bots can. Tokens are not enough: Zoom must accept the
/// account's app, and its grant must have the scopes.
pub(crate) fn remedy(account: &Value, refused_apps: &[String]) -> Option<String> {
    let [name, status, id, app] =
        ["display_name", "latchkey_status", "id", "oauth_app"].map(|field| text(account, field));
    if account["status"] != "healthy" {
        let link = format!("send its owner the link of `latchkey account connect --account {id}`");
        return Some(format!("{name} is {status}: {link}"));
    }
    if refused_apps.contains(&app) {
        return Some(format!(
            "{name}: Zoom refuses its app {app}. Make sure that the app is active at Zoom, and replace its \
             client secret in the console, under Settings"
        ));
    }
    let missing = words(account, "latchkey_missing_scopes");
    (!missing.is_empty()).then(|| {
        format!(
            "{name} lacks {missing}: add it to the app in Zoom's Marketplace, then send its owner the link of \
             `latchkey account connect --account {id}`"
        )
    })
}

/// The given app, or the only one.
pub(crate) async fn the_app(server: &ServerArguments, named: Option<String>) -> anyhow::Result<String> {
    if let Some(id) = named {
        return Ok(id);
    }
    match &Server::of(server.clone(), "api/v2/zoom-oauth-apps/")?.all("").await?[..] {
        [app] => Ok(text(app, "id")),
        [] => bail!("the workspace has no Zoom app: register one with `latchkey app add`"),
        _ => bail!("the workspace has several Zoom apps: name one with --oauth-app, see `latchkey app list`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::remedy;

    #[test]
    fn an_account_works_with_tokens_scopes_and_an_accepted_app() {
        let account = |status: &str, missing: &[&str]| {
            json!({ "id": "1", "display_name": "Ada", "status": status, "latchkey_status": "degraded",
                    "oauth_app": "app-1", "latchkey_missing_scopes": missing })
        };
        assert_eq!(remedy(&account("healthy", &[]), &["app-2".into()]), None);
        for (account, refused, says) in [
            (account("unhealthy", &[]), "app-2", "latchkey account connect --account 1"),
            (account("healthy", &["user:read:zak"]), "app-2", "Ada lacks user:read:zak"),
            (account("healthy", &[]), "app-1", "Zoom refuses its app app-1"),
        ] {
            let said = remedy(&account, &[refused.to_owned()]).unwrap();
            assert!(said.contains(says), "{said}");
        }
    }
}
