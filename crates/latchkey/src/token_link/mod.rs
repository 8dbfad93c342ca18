//! `latchkey token-link`: creates, lists and revokes token links, from which bot platforms fetch tokens, at a running
//! server.

mod create;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::{
    api_client::{OnServer, Server},
    output::{text, words},
};

const PATH: &str = "api/latchkey/v1/token-links/";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a link. Its address is printed only this once.
    Create(Box<create::Link>),
    /// Show the links of the key's workspace, newest first.
    List,
    /// Revoke a link. It stops working within a second.
    Revoke {
        /// The link's id, as in `latchkey token-link list`.
        id: String,
    },
}

pub(crate) async fn run(OnServer { command, server, output }: OnServer<Command>) -> anyhow::Result<()> {
    let server = Server::of(server, PATH)?;
    match command {
        Command::Create(new) => create::run(&server, output, &new).await,
        Command::List => {
            let header = ["id", "name", "dialect", "kinds", "draws on", "ends", "last use"];
            output.list(header, &server.all("").await?, row);
            Ok(())
        }
        Command::Revoke { id } => {
            server.call(reqwest::Method::DELETE, &format!("{id}/"), None).await?;
            output.done(&json!({ "revoked": id }), "revoked: it stops issuing tokens within a second");
            Ok(())
        }
    }
}

fn row(link: &Value) -> [String; 7] {
    let source = match (&link["pool"], &link["accounts"]) {
        (Value::String(pool), _) => format!("pool {pool}"),
        (_, Value::Array(accounts)) => {
            let ids: Vec<_> = accounts.iter().filter_map(|account| account["credential"].as_str()).collect();
            ids.join(" ")
        }
        _ => "the meeting's host".to_owned(),
    };
    let ends = match (&link["revoked_at"], &link["expires_at"]) {
        (Value::String(at), _) => format!("revoked {at}"),
        (_, Value::String(at)) => at.clone(),
        _ => "never".to_owned(),
    };
    let last = &link["last_uses"][0];
    let last = last["at"]
        .as_str()
        .map_or("none".to_owned(), |at| format!("{at} {}", last["outcome"].as_str().unwrap_or("")));
    [text(link, "id"), text(link, "name"), text(link, "dialect"), words(link, "kinds"), source, ends, last]
}
