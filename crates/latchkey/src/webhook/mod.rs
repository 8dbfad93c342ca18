//! `latchkey webhook`: endpoints that get events, at a running server; and a receiver for the development of one.

mod listen;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    output::{Output, text, words},
    running_server::{Reach, Server},
};

const PATH: &str = "api/latchkey/v1/webhook-endpoints/";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Reach,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// Make an endpoint; its secret is printed once and never again.
    Create {
        /// Where events are sent; for mail `mailto:` and an address.
        url: String,
        /// A type of events; may be given several times. Every type by default.
        #[arg(long = "event-type", value_name = "TYPE")]
        event_types: Vec<String>,
        /// `webhook`, `slack` for an incoming webhook of Slack, or `email`.
        #[arg(long, default_value = "webhook")]
        kind: String,
        /// For people.
        #[arg(long)]
        description: Option<String>,
        /// Send id, time and signature a second time, as `svix-…`.
        #[arg(long)]
        svix_headers: bool,
    },
    /// Show the endpoints of the key's workspace, newest first.
    List,
    /// Tell an endpoint of events again.
    Enable {
        /// Its id.
        id: String,
    },
    /// Tell an endpoint of nothing for now.
    Disable {
        /// Its id.
        id: String,
    },
    /// Delete an endpoint and its deliveries.
    Delete {
        /// Its id.
        id: String,
    },
    /// Replace the secret. Those before sign as well until they end.
    RotateSecret {
        /// The endpoint's id.
        id: String,
        /// How long those before count; 0 for one that has leaked.
        #[arg(long, default_value_t = 86_400)]
        overlap_seconds: u32,
    },
    /// Send a test to an endpoint.
    Test {
        /// Its id.
        id: String,
    },
    /// Show the last hundred deliveries to an endpoint.
    Deliveries {
        /// Its id.
        id: String,
        /// `pending`, `delivered` or `failed`.
        #[arg(long)]
        state: Option<String>,
        /// A type of events.
        #[arg(long)]
        event_type: Option<String>,
    },
    /// Send an event to an endpoint again.
    Retry {
        /// The endpoint's id.
        id: String,
        /// The event's id.
        event: String,
    },
    /// Send what happened in a span of time again.
    Replay {
        /// The endpoint's id.
        id: String,
        /// The first moment, such as 2026-01-31T12:00:00Z.
        #[arg(long)]
        since: String,
        /// The moment after the last; now by default.
        #[arg(long)]
        until: Option<String>,
    },
    /// Print the events that are sent to an address of this machine, verified.
    Listen(listen::Listen),
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let command = match arguments.command {
        Command::Listen(listen) => return listen::run(listen).await,
        command => command,
    };
    let (server, output) = (Server::of(arguments.server, PATH)?, arguments.output);
    let post = async |path: String, body: Value| server.call(Method::POST, &path, Some(body)).await;
    match command {
        Command::Create { url, event_types, kind, description, svix_headers } => {
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
            let made = post(String::new(), new).await?;
            if made["kind"] == "webhook" {
                println!("{}", json!({ "id": made["id"], "secret": made["secret"] }));
                eprintln!("the secret is shown once and never again");
            } else {
                println!("{}", json!({ "id": made["id"] }));
            }
        }
        Command::List => list(&server, output).await?,
        Command::Enable { id } => enable(&server, &id, true).await?,
        Command::Disable { id } => enable(&server, &id, false).await?,
        Command::Delete { id } => {
            server.call(Method::DELETE, &format!("{id}/"), None).await?;
            eprintln!("deleted: what waited is not sent");
        }
        Command::RotateSecret { id, overlap_seconds } => {
            let body = json!({ "overlap_seconds": overlap_seconds });
            let rotated = post(format!("{id}/rotate-secret/"), body).await?;
            println!("{}", json!({ "id": rotated["id"], "secret": rotated["secret"] }));
            eprintln!("the secret is shown once and never again");
        }
        Command::Test { id } => {
            let sent = post(format!("{id}/test/"), json!({})).await?;
            println!("{}", sent["event"].as_str().unwrap_or_default());
            eprintln!("sent: `latchkey webhook deliveries {id}` says what was answered");
        }
        Command::Deliveries { id, state, event_type } => {
            deliveries(&server, output, &id, state, event_type).await?;
        }
        Command::Retry { id, event } => {
            post(format!("{id}/deliveries/{event}/retry/"), json!({})).await?;
            eprintln!("on its way");
        }
        Command::Replay { id, since, until } => {
            let mut span = json!({ "since": since });
            if let Some(until) = until {
                span["until"] = until.into();
            }
            let replayed = post(format!("{id}/replay/"), span).await?;
            eprintln!("{} events are on their way", replayed["events"]);
        }
        Command::Listen(_) => unreachable!("it calls no server"),
    }
    Ok(())
}

async fn enable(server: &Server, id: &str, enabled: bool) -> anyhow::Result<()> {
    let changed = server.call(Method::PATCH, &format!("{id}/"), Some(json!({ "enabled": enabled }))).await?;
    eprintln!("the endpoint is {}", changed["state"].as_str().unwrap_or_default());
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
