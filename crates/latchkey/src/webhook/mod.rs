//! `latchkey webhook`: webhook endpoints at a running server, and a receiver for developing one.

mod listen;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api_client::{OnServer, Server},
    output::{Output, text, words},
};

const PATH: &str = "api/latchkey/v1/webhook-endpoints/";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create an endpoint. Its secret is printed only this once.
    Create {
        /// The URL that events are sent to; for mail, `mailto:` and an address.
        url: String,
        /// Only events of this type; may be given several times.
        #[arg(long = "event-type", value_name = "TYPE")]
        event_types: Vec<String>,
        /// `webhook`, `slack` for an incoming webhook of Slack, or `email`.
        #[arg(long, default_value = "webhook")]
        kind: String,
        /// What it is for, in your words.
        #[arg(long)]
        description: Option<String>,
        /// Send id, time and signature a second time, as `svix-…`.
        #[arg(long)]
        svix_headers: bool,
        /// A file with a secret of your own: `whsec_` and the Base64 of 24 to 64 random bytes.
        #[arg(long)]
        secret_file: Option<PathBuf>,
    },
    /// Change an endpoint. Options that are not given stay unchanged.
    Change {
        /// The endpoint's id, as in `latchkey webhook list`.
        id: String,
        /// Where events are sent.
        #[arg(long)]
        url: Option<String>,
        /// Only events of this type; may be given several times. `*` stands for every type.
        #[arg(long = "event-type", value_name = "TYPE")]
        event_types: Vec<String>,
        /// What it is for, in your words.
        #[arg(long)]
        description: Option<String>,
        /// Whether id, time and signature are sent a second time, as `svix-…`.
        #[arg(long, value_name = "true|false")]
        svix_headers: Option<bool>,
    },
    /// Show the endpoints of the key's workspace, newest first.
    List,
    /// Enable an endpoint: it receives events again.
    Enable {
        /// The endpoint's id, as in `latchkey webhook list`.
        id: String,
    },
    /// Disable an endpoint: it receives no events until it is enabled.
    Disable {
        /// The endpoint's id, as in `latchkey webhook list`.
        id: String,
    },
    /// Delete an endpoint and its deliveries.
    Delete {
        /// The endpoint's id, as in `latchkey webhook list`.
        id: String,
    },
    /// Replace the secret. Messages are also signed with the former secrets until those expire.
    RotateSecret {
        /// The endpoint's id, as in `latchkey webhook list`.
        id: String,
        /// Seconds for which former secrets stay valid; 0 if one has leaked.
        #[arg(long, default_value_t = 86_400)]
        overlap_seconds: u32,
    },
    /// Send a test event to an endpoint.
    Test {
        /// The endpoint's id, as in `latchkey webhook list`.
        id: String,
    },
    /// Show the last hundred deliveries to an endpoint.
    Deliveries {
        /// The endpoint's id, as in `latchkey webhook list`.
        id: String,
        /// Only deliveries in this state: `pending`, `delivered` or `failed`.
        #[arg(long)]
        state: Option<String>,
        /// Only events of this type.
        #[arg(long)]
        event_type: Option<String>,
    },
    /// Send an event to an endpoint again.
    Retry {
        /// The endpoint's id, as in `latchkey webhook list`.
        id: String,
        /// The event's id, as in `latchkey webhook deliveries`.
        event: String,
    },
    /// Send the events of a time span again.
    Replay {
        /// The endpoint's id, as in `latchkey webhook list`.
        id: String,
        /// Start of the span, such as 2026-01-31T12:00:00Z.
        #[arg(long)]
        since: String,
        /// End of the span (exclusive). Default: now.
        #[arg(long)]
        until: Option<String>,
    },
    /// Receive events at an address of this machine, verify them and print them.
    Listen(listen::Listen),
}

pub(crate) async fn run(arguments: OnServer<Command>) -> anyhow::Result<()> {
    let command = match arguments.command {
        Command::Listen(listen) => return listen::run(listen).await,
        command => command,
    };
    let (server, output) = (Server::of(arguments.server, PATH)?, arguments.output);
    let post = async |path: String, body: Value| server.call(Method::POST, &path, Some(body)).await;
    match command {
        Command::Create { url, event_types, kind, description, svix_headers, secret_file } => {
            let mut new = json!({ "url": url, "kind": kind });
            if svix_headers {
                new["svix_headers"] = true.into();
            }
            if !event_types.is_empty() {
                new["event_types"] = event_types.into();
            }
            if let Some(description) = description {
                new["description"] = description.into();
            }
            if let Some(path) = secret_file {
                new["secret"] = pasted_from(&path)?.into();
            }
            let made = post(String::new(), new).await?;
            secret(output, &made);
        }
        Command::Change { id, url, event_types, description, svix_headers } => {
            let mut change = serde_json::Map::new();
            let types = Some(event_types).filter(|types| !types.is_empty());
            let given = [
                ("url", url.map(Value::from)),
                ("event_types", types.map(Value::from)),
                ("description", description.map(Value::from)),
                ("svix_headers", svix_headers.map(Value::from)),
            ];
            change.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            if change.is_empty() {
                bail!(
                    "there is nothing to change: give --url, --event-type, --description or --svix-headers"
                );
            }
            let changed = server.call(Method::PATCH, &format!("{id}/"), Some(change.into())).await?;
            output.done(&changed, "changed: this applies to everything sent from now on");
        }
        Command::List => list(&server, output).await?,
        Command::Enable { id } => enable(&server, output, &id, true).await?,
        Command::Disable { id } => enable(&server, output, &id, false).await?,
        Command::Delete { id } => {
            server.call(Method::DELETE, &format!("{id}/"), None).await?;
            output.done(&json!({ "deleted": id }), "deleted: pending events are not sent");
        }
        Command::RotateSecret { id, overlap_seconds } => {
            let body = json!({ "overlap_seconds": overlap_seconds });
            let rotated = post(format!("{id}/rotate-secret/"), body).await?;
            secret(output, &rotated);
        }
        Command::Test { id } => {
            let sent = post(format!("{id}/test/"), json!({})).await?;
            output.say(&sent, &text(&sent, "event"));
            eprintln!("sent: `latchkey webhook deliveries {id}` shows the answer");
        }
        Command::Deliveries { id, state, event_type } => {
            deliveries(&server, output, &id, state, event_type).await?;
        }
        Command::Retry { id, event } => {
            post(format!("{id}/deliveries/{event}/retry/"), json!({})).await?;
            output.done(&json!({ "sent_again": event }), "the event is being sent");
        }
        Command::Replay { id, since, until } => {
            let mut span = json!({ "since": since });
            if let Some(until) = until {
                span["until"] = until.into();
            }
            let replayed = post(format!("{id}/replay/"), span).await?;
            output.done(&replayed, &format!("{} events are being sent", replayed["events"]));
        }
        Command::Listen(_) => unreachable!("handled above: it calls no server"),
    }
    Ok(())
}

/// Reads a secret from a file, without whitespace that an editor may have added.
fn pasted_from(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let secret = model::pasted(&text).with_context(|| format!("{} contains no secret", path.display()))?;
    Ok(secret.to_owned())
}

/// Prints the secret of a new endpoint. A Slack endpoint has none.
fn secret(output: Output, endpoint: &Value) {
    output.one(endpoint, [("id", text(endpoint, "id")), ("secret", text(endpoint, "secret"))]);
    if endpoint["kind"] == "webhook" {
        eprintln!("the secret is shown only this once");
    }
}

async fn enable(server: &Server, output: Output, id: &str, enabled: bool) -> anyhow::Result<()> {
    let changed = server.call(Method::PATCH, &format!("{id}/"), Some(json!({ "enabled": enabled }))).await?;
    output.done(&changed, &format!("the endpoint is {}", text(&changed, "state")));
    Ok(())
}

async fn list(server: &Server, output: Output) -> anyhow::Result<()> {
    let answer = server.call(Method::GET, "", None).await?;
    let header = ["id", "state", "url", "event types", "description"];
    output.list(header, answer["results"].as_array().map_or(&[], Vec::as_slice), |endpoint| {
        let [id, state, url, description] =
            ["id", "state", "url", "description"].map(|field| text(endpoint, field));
        [id, state, url, words(endpoint, "event_types"), description]
    });
    Ok(())
}

async fn deliveries(
    server: &Server,
    output: Output,
    id: &str,
    state: Option<String>,
    event_type: Option<String>,
) -> anyhow::Result<()> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("state", state), ("event_type", event_type)] {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    let answer = server.call(Method::GET, &format!("{id}/deliveries/?{}", query.finish()), None).await?;
    let header = ["sequence", "event", "type", "state", "attempts", "answer", "next attempt"];
    output.list(header, answer["results"].as_array().map_or(&[], Vec::as_slice), |delivery| {
        let answered = match (&delivery["answer"]["error"], &delivery["answer"]["status"]) {
            (Value::String(error), _) => error.clone(),
            (_, Value::Number(status)) => status.to_string(),
            _ => String::new(),
        };
        let [sequence, event, kind, state, attempts, next] =
            ["sequence", "event", "event_type", "state", "attempts", "next_attempt_at"]
                .map(|field| text(delivery, field));
        [sequence, event, kind, state, attempts, answered, next]
    });
    Ok(())
}
