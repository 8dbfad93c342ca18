//! `latchkey pool`: several accounts under one name, at a running server.

use clap::Subcommand;
use model::PoolId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api_client::{OnServer, Server, id},
    output::text,
};

pub(crate) const PATH: &str = "api/latchkey/v1/pools/";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a pool, and print its id.
    Create {
        /// Its name.
        name: String,
        /// An account by its id, and its seats: how many bots may use it in meetings at once; can be repeated.
        #[arg(long, value_name = "ID:SEATS", value_parser = member)]
        member: Vec<(String, u32)>,
    },
    /// Show the pools of the key's workspace, and their seats in use.
    List,
    /// Show one pool and its members.
    Show {
        /// The pool's id, as in `latchkey pool list`.
        #[arg(value_parser = id::<PoolId>)]
        id: PoolId,
    },
    /// Delete a pool that is not in use.
    Delete {
        /// The pool's id, as in `latchkey pool list`.
        #[arg(value_parser = id::<PoolId>)]
        id: PoolId,
    },
}

fn member(text: &str) -> Result<(String, u32), String> {
    let parts = text.split_once(':').and_then(|(id, seats)| Some((id.to_owned(), seats.parse().ok()?)));
    parts.ok_or_else(|| "give the id of an account, a colon, and a number of seats".to_owned())
}

pub(crate) async fn run(OnServer { command, server, output }: OnServer<Command>) -> anyhow::Result<()> {
    let pools = Server::of(server, PATH)?;
    match command {
        Command::Create { name, member } => {
            let members: Vec<_> =
                member.iter().map(|(id, seats)| json!({ "credential": id, "max_joins": seats })).collect();
            let body = json!({ "name": name, "members": members });
            let pool = pools.call(Method::POST, "", Some(body)).await?;
            output.made(&pool);
        }
        Command::List => {
            output.list(["id", "name", "seats taken", "accounts"], &pools.all("").await?, |pool| {
                let accounts = pool["members"].as_array().map_or(0, Vec::len);
                [text(pool, "id"), text(pool, "name"), seats(pool), accounts.to_string()]
            });
        }
        Command::Show { id } => {
            let pool = pools.call(Method::GET, &format!("{id}/"), None).await?;
            if output.json {
                println!("{pool:#}");
                return Ok(());
            }
            println!("{}: {} seats taken", text(&pool, "name"), seats(&pool));
            let members = pool["members"].as_array().cloned().unwrap_or_default();
            output.list(["account", "user", "status", "bots", "hosts"], &members, |member| {
                let of = |taken, most| format!("{} of {}", text(member, taken), text(member, most));
                let (bots, hosts) = (of("joins", "max_joins"), of("hosted", "max_hosted"));
                [text(member, "credential"), text(member, "user"), text(member, "status"), bots, hosts]
            });
        }
        Command::Delete { id } => {
            pools.call(Method::DELETE, &format!("{id}/"), None).await?;
            output.done(&json!({ "deleted": id }), "deleted");
        }
    }
    Ok(())
}

/// The pool's seats in use.
pub(crate) fn seats(pool: &Value) -> String {
    format!("{} of {}", text(pool, "seats_taken"), text(pool, "seats"))
}
