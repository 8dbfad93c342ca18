//! `latchkey events`: prints events of a workspace from a running server.

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
/// Pause before reconnecting to the stream.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only events after this number.
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// Only events of this type; can be repeated.
    #[arg(long = "event-type", value_name = "TYPE")]
    event_types: Vec<String>,
    /// Continue with each new event. Without --after, only events from now on.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    server: ServerArguments,
    #[command(flatten)]
    output: Output,
}

/// Prints one line per event.
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

/// Prints one line: for people the number, time, type, subject and reason; or the event as JSON.
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

/// Follows the stream, and continues where it was interrupted.
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
            // A server that never answered is a wrong address; one that answered before may return.
            Err(error) if !has_answered => return Err(error),
            Err(error) => eprintln!("latchkey: {error}; trying again"),
        }
        clock.sleep(PAUSE).await;
    }
}
