//! `latchkey token-link create`.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};
use store::Dialect;

use crate::{api_client::Server, output::Output};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("source").required(true).args(["credential", "pool", "host"])))]
pub(crate) struct Link {
    /// An account (its id) to get tokens from. Up to five: the first one that can issue a token is used. `ID:USER` for one
    /// user of a server-to-server account.
    #[arg(long, value_name = "ID[:USER]")]
    credential: Vec<String>,
    /// A pool (its id) to get tokens from.
    #[arg(long, value_name = "ID")]
    pool: Option<String>,
    /// With --pool: the bots start meetings with their ZAKs, so each also takes one of the account's places as a host.
    #[arg(long, requires = "pool")]
    hosting: bool,
    /// Use the account of the meeting's host.
    #[arg(long)]
    host: bool,
    /// A description of what the link is for.
    #[arg(long)]
    name: Option<String>,
    #[arg(long, default_value = "recall", help = dialects())]
    dialect: String,
    /// The tokens it issues: zak, obf, join_token or access_token; can be repeated.
    #[arg(long, default_value = "zak")]
    kind: Vec<String>,
    /// The only meeting that tokens are for.
    #[arg(long, value_name = "NUMBER")]
    meeting: Option<String>,
    /// Requests may name the meeting.
    #[arg(long)]
    meeting_in_request: bool,
    /// A file with the platform's signing secret; while it is being replaced, several, one per line, newest first. Default:
    /// the workspace's own signing secret.
    #[arg(long, value_name = "FILE")]
    signing_secret_file: Option<PathBuf>,
    /// How a request is authenticated: signature, query_secret or unsigned.
    #[arg(long)]
    verification: Option<String>,
    /// Only requests from this network, such as 10.0.0.0/8; can be repeated.
    #[arg(long, value_name = "NETWORK")]
    network: Vec<String>,
    /// When it expires, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// How many tokens it issues in total.
    #[arg(long, value_name = "NUMBER")]
    max_uses: Option<u32>,
    /// How many fetches it allows per minute.
    #[arg(long, value_name = "NUMBER")]
    per_minute: Option<u32>,
}

pub(super) async fn run(server: &Server, output: Output, new: &Link) -> anyhow::Result<()> {
    let made = server.call(reqwest::Method::POST, "", Some(body(new)?)).await?;
    let (Some(id), Some(url)) = (made["id"].as_str(), made["url"].as_str()) else {
        bail!("the server's answer has no address: does it run this version of Latchkey?");
    };
    if output.json {
        println!("{made:#}");
        return Ok(());
    }
    eprintln!("token link {id}; its address is shown only this once:");
    println!("{url}");
    if let Some(authorization) = made["authorization"].as_str() {
        eprintln!(
            "its secret is not in the address: send it in this header, which is also shown only this once:"
        );
        println!("Authorization: {authorization}");
    }
    Ok(())
}

fn dialects() -> String {
    format!("The platform's request format: {}", Dialect::ALL.map(Dialect::as_str).join(", "))
}

fn body(new: &Link) -> anyhow::Result<Value> {
    let mut body =
        Map::from_iter([("dialect".to_owned(), json!(new.dialect)), ("kinds".to_owned(), json!(new.kind))]);
    let mut put = |field: &str, value: Option<Value>| {
        body.extend(value.map(|value| (field.to_owned(), value)));
    };
    let accounts = new.credential.iter().map(|account| {
        let (credential, user) =
            account.split_once(':').map_or((account.as_str(), None), |(id, user)| (id, Some(user)));
        json!({ "credential": credential, "user": user })
    });
    put("accounts", Some(accounts.collect()).filter(|_: &Value| !new.credential.is_empty()));
    put("meeting_in_request", new.meeting_in_request.then_some(json!(true)));
    put("pool", new.pool.clone().map(Value::from));
    put("hosting", new.hosting.then_some(json!(true)));
    put("host", new.host.then_some(json!(true)));
    put("name", new.name.clone().map(Value::from));
    put("meeting", new.meeting.clone().map(Value::from));
    put("verification", new.verification.clone().map(Value::from));
    put("networks", Some(json!(new.network)).filter(|_| !new.network.is_empty()));
    put("expires_at", new.expires_at.clone().map(Value::from));
    put("max_uses", new.max_uses.map(Value::from));
    put("per_minute", new.per_minute.map(Value::from));
    if let Some(path) = &new.signing_secret_file {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let secrets: Vec<_> = text.split_whitespace().collect();
        put("signing_secret", Some(json!(secrets)));
    }
    Ok(Value::Object(body))
}
