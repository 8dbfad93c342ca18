//! `latchkey token-link create`.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};
use store::Dialect;

use crate::{api_client::Server, output::Output};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("source").required(true).args(["credential", "pool", "host"])))]
pub(crate) struct Link {
    /// An account (its id) to draw on; up to five, the first that can give a token does. `ID:USER` for one user of a
    /// server-to-server account.
    #[arg(long, value_name = "ID[:USER]")]
    credential: Vec<String>,
    /// A pool (its id) to draw on.
    #[arg(long, value_name = "ID")]
    pool: Option<String>,
    /// With --pool: the bots start meetings with their ZAKs, so that each also takes one of the account's places as a host.
    #[arg(long, requires = "pool")]
    hosting: bool,
    /// Take the account of the meeting's host.
    #[arg(long)]
    host: bool,
    /// What it is for, in your words.
    #[arg(long)]
    name: Option<String>,
    #[arg(long, default_value = "recall", help = dialects())]
    dialect: String,
    /// What it gives: zak, obf, join_token or access_token; may be given several times.
    #[arg(long, default_value = "zak")]
    kind: Vec<String>,
    /// The one meeting that tokens are for.
    #[arg(long, value_name = "NUMBER")]
    meeting: Option<String>,
    /// Requests may name the meeting.
    #[arg(long)]
    meeting_in_request: bool,
    /// A file with the platform's signing secret; several while one is replaced, one a line, newest first. Without it the
    /// workspace's own verifies.
    #[arg(long, value_name = "FILE")]
    signing_secret_file: Option<PathBuf>,
    /// What a request has to bring: signature, query_secret or unsigned.
    #[arg(long)]
    verification: Option<String>,
    /// Only requests from this network, such as 10.0.0.0/8; may be given several times.
    #[arg(long, value_name = "NETWORK")]
    network: Vec<String>,
    /// When it ends, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// How many tokens it gives in all.
    #[arg(long, value_name = "NUMBER")]
    max_uses: Option<u32>,
    /// How many fetches it allows in a minute.
    #[arg(long, value_name = "NUMBER")]
    per_minute: Option<u32>,
}

pub(super) async fn run(server: &Server, output: Output, new: &Link) -> anyhow::Result<()> {
    let made = server.call(reqwest::Method::POST, "", Some(body(new)?)).await?;
    let (Some(id), Some(url)) = (made["id"].as_str(), made["url"].as_str()) else {
        bail!("the server answered without an address: is it this version of Latchkey?");
    };
    if output.json {
        println!("{made:#}");
        return Ok(());
    }
    eprintln!("token link {id}; its address is shown once and never again:");
    println!("{url}");
    if let Some(authorization) = made["authorization"].as_str() {
        eprintln!("its secret is not in the address: send it in this header, which is shown once, too:");
        println!("Authorization: {authorization}");
    }
    Ok(())
}

fn dialects() -> String {
    format!("How the platform asks: {}", Dialect::ALL.map(Dialect::as_str).join(", "))
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
