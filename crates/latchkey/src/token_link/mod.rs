//! `latchkey token-link`: makes, lists and revokes addresses that bot platforms fetch tokens from, at a running server.

mod create;

use clap::Subcommand;
use comfy_table::{Table, presets::NOTHING};
use serde_json::Value;

use crate::running_server::{Reach, Server};

const PATH: &str = "api/latchkey/v1/token-links/";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Reach,
}

#[derive(Subcommand)]
enum Command {
    /// Make a link; its address is printed once and never again.
    Create(Box<create::Link>),
    /// Show the links of the key's workspace, newest first.
    List,
    /// End a link, within a second.
    Revoke {
        /// Its id.
        id: String,
    },
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let server = Server::of(arguments.server, PATH)?;
    match arguments.command {
        Command::Create(new) => create::run(&server, &new).await,
        Command::List => list(&server).await,
        Command::Revoke { id } => {
            server.call(reqwest::Method::DELETE, &format!("{id}/"), None).await?;
            eprintln!("revoked: within a second it gives nothing any more");
            Ok(())
        }
    }
}

async fn list(server: &Server) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["id", "name", "dialect", "kinds", "draws on", "ends", "last use"]);
    let mut next = Some(String::new());
    while let Some(page) = next {
        let answer = server.call(reqwest::Method::GET, &page, None).await?;
        for link in answer["results"].as_array().into_iter().flatten() {
            table.add_row(row(link));
        }
        // The address of the next page is the server's own: only its query is of use here.
        next = answer["next"].as_str().and_then(|next| Some(format!("?{}", next.split_once('?')?.1)));
    }
    println!("{table}");
    Ok(())
}

fn row(link: &Value) -> [String; 7] {
    let text = |field: &str| link[field].as_str().unwrap_or("").to_owned();
    let kinds: Vec<_> = link["kinds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
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
    [text("id"), text("name"), text("dialect"), kinds.join(" "), source, ends, last]
}
