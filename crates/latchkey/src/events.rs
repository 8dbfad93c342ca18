//! `latchkey events`: what happened in a workspace of a running server.

use std::time::Duration;

use clap::Args;
use futures_util::StreamExt as _;
use model::Environment;
use reqwest::Method;
use serde_json::Value;

use crate::{
    api_client::{Server, ServerArguments},
    output::{Output, text},
};

const PATH: &str = "api/latchkey/v1/events/";
/// Between two tries to follow on.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only events beyond this number.
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// A type of events; may be given several times.
    #[arg(long = "event-type", value_name = "TYPE")]
    event_types: Vec<String>,
    /// Go on with each event as it happens. Without --after, only what happens from now on.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    server: ServerArguments,
    #[command(flatten)]
    output: Output,
}

/// Prints a line for each event.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let server = Server::of(arguments.server, PATH)?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if !arguments.event_types.is_empty() {
        query.append_pair("event_type", &arguments.event_types.join(","));
    }
    let narrowed = query.finish();
    if arguments.follow {
        return follow(&server, &narrowed, arguments.after, arguments.output).await;
    }
    let mut after = arguments.after.unwrap_or(0);
    loop {
        let page = server.call(Method::GET, &format!("?after={after}&{narrowed}"), None).await?;
        for event in page["results"].as_array().into_iter().flatten() {
            say(event, arguments.output);
            after = event["sequence"].as_i64().unwrap_or(after);
        }
        if page["next"].is_null() {
            return Ok(());
        }
    }
}

/// One line: for people number, time, type, what it is about and why; or the event as it is.
fn say(event: &Value, output: Output) {
    if output.json {
        println!("{event}");
        return;
    }
    let [sequence, at, kind, subject] =
        ["sequence", "happened_at", "event_type", "subject"].map(|field| text(event, field));
    let why = text(&event["body"]["data"]["data"], "sub_code");
    println!("{}", format!("{sequence:>6}  {at}  {kind:<40}  {subject}  {why}").trim_end());
}

/// Follows the stream, and takes it up again where it broke off.
async fn follow(server: &Server, narrowed: &str, after: Option<i64>, output: Output) -> anyhow::Result<()> {
    let clock = Environment::system().clock;
    let mut last = after.map(|after| after.to_string());
    let mut has_answered = false;
    loop {
        match server.follow(&format!("?{narrowed}"), last.as_deref()).await {
            Ok(answer) => {
                has_answered = true;
                let mut chunks = answer.bytes_stream();
                let mut rest = Vec::new();
                while let Some(Ok(chunk)) = chunks.next().await {
                    rest.extend_from_slice(&chunk);
                    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                        let line: Vec<u8> = rest.drain(..=end).collect();
                        let line = String::from_utf8_lossy(&line);
                        if let Some(id) = line.strip_prefix("id: ") {
                            last = Some(id.trim_end().to_owned());
                        } else if let Some(data) = line.strip_prefix("data: ") {
                            say(&serde_json::from_str(data).unwrap_or_default(), output);
                        }
                    }
                }
            }
            // A server that never answered is a mistake; one that is away comes back.
            Err(error) if !has_answered => return Err(error),
            Err(error) => eprintln!("latchkey: {error}; trying again"),
        }
        clock.sleep(PAUSE).await;
    }
}
