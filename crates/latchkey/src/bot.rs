//! `latchkey bot`: sends bots into meetings and watches them, at a running server.

use std::time::Duration;

use clap::Subcommand;
use model::{BotId, CredentialId, Environment, PoolId, Timestamp};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{
    api_client::{OnServer, Server, id},
    output::{Output, ProblemsFound, text},
};

pub(crate) const PATH: &str = "api/v1/bot/";
/// Path of endpoints that Recall's API does not have.
const OUR_PATH: &str = "api/latchkey/v1/bot/";
const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Send a bot, and print its id.
    Create(Create),
    /// Show the bots of the key's workspace, newest first.
    List {
        /// Only bots in this state; can be repeated.
        #[arg(long, value_name = "STATUS")]
        status: Vec<String>,
    },
    /// Show one bot and its history.
    Show {
        /// The bot's id, as in `latchkey bot list`.
        #[arg(value_parser = id::<BotId>)]
        id: BotId,
        /// Also print each new step until the bot has ended. Exit code 3: it has failed.
        #[arg(long)]
        watch: bool,
    },
    /// Make a bot leave its meeting, or stop joining it.
    Leave {
        /// The bot's id, as in `latchkey bot list`.
        #[arg(value_parser = id::<BotId>)]
        id: BotId,
    },
    /// Show what a bot did, and why: its log.
    Log {
        /// The bot's id, as in `latchkey bot list`.
        #[arg(value_parser = id::<BotId>)]
        id: BotId,
        /// Only entries of this kind, such as token or zoom_call; can be repeated.
        #[arg(long, value_name = "KIND")]
        kind: Vec<String>,
    },
    /// Cancel a bot that has not started yet.
    Cancel {
        /// The bot's id, as in `latchkey bot list`.
        #[arg(value_parser = id::<BotId>)]
        id: BotId,
    },
}

#[derive(clap::Args)]
pub(crate) struct Create {
    /// The meeting's link.
    meeting_url: String,
    /// The bot's name in the meeting.
    #[arg(long)]
    name: Option<String>,
    /// The account that signs it in.
    #[arg(long, value_name = "ID", conflicts_with = "pool", value_parser = id::<CredentialId>)]
    account: Option<CredentialId>,
    /// The pool from which it gets an account.
    #[arg(long, value_name = "ID", value_parser = id::<PoolId>)]
    pool: Option<PoolId>,
    /// The user of a server-to-server account that signs it in: an id or an e-mail address.
    #[arg(long, requires = "account")]
    user: Option<String>,
    /// Start the meeting as its host.
    #[arg(long)]
    start_meeting: bool,
    /// When it joins, such as 2027-01-31T12:00:00Z. Default: at once.
    #[arg(long, value_name = "TIME")]
    join_at: Option<Timestamp>,
    /// Print each step until the bot has ended. Exit code 3: it has failed.
    #[arg(long)]
    watch: bool,
}

pub(crate) async fn run(OnServer { command, server, output }: OnServer<Command>) -> anyhow::Result<()> {
    if let Command::Log { id, kind } = command {
        return log(&Server::of(server, OUR_PATH)?, id, &kind, output).await;
    }
    let bots = Server::of(server, PATH)?;
    match command {
        Command::Log { .. } => unreachable!("handled above: it uses another path"),
        Command::Create(new) => {
            let bot = bots.call(Method::POST, "", Some(body(&new))).await?;
            if !new.watch {
                output.made(&bot);
                return Ok(());
            }
            eprintln!("bot {}", text(&bot, "id"));
            watch(&bots, bot, output).await
        }
        Command::List { status } => {
            let query = status.iter().map(|status| ("status", status.as_str()));
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            let found = bots.all(&format!("?{query}")).await?;
            output.list(["id", "name", "meeting", "joins at", "status", "since", "why"], &found, |bot| {
                let last = last(bot);
                let why = text(last, "sub_code");
                let meeting = text(&bot["meeting_url"], "meeting_id");
                let since = text(last, "created_at");
                let joins_at = text(bot, "join_at");
                [text(bot, "id"), text(bot, "bot_name"), meeting, joins_at, text(last, "code"), since, why]
            });
            Ok(())
        }
        Command::Show { id, watch: on } => {
            let bot = bots.call(Method::GET, &format!("{id}/"), None).await?;
            if on {
                return watch(&bots, bot, output).await;
            }
            if output.json {
                println!("{bot:#}");
            } else {
                let meeting = text(&bot["meeting_url"], "meeting_id");
                println!("{} in meeting {meeting}", text(&bot, "bot_name"));
                steps(&bot).iter().for_each(say);
            }
            Ok(())
        }
        Command::Leave { id } => {
            bots.call(Method::POST, &format!("{id}/leave_call/"), None).await?;
            let words =
                format!("the bot was told to leave: `latchkey bot show {id} --watch` shows its progress");
            output.done(&json!({ "told_to_leave": id }), &words);
            Ok(())
        }
        Command::Cancel { id } => {
            bots.call(Method::DELETE, &format!("{id}/"), None).await?;
            output.done(&json!({ "cancelled": id }), "cancelled: the bot will not join");
            Ok(())
        }
    }
}

/// Prints a bot's log: one line per entry, or with `--json` one object per line.
async fn log(bots: &Server, id: BotId, kinds: &[String], output: Output) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let kinds = kinds.join(",");
        let page = bots.call(Method::GET, &format!("{id}/log/?after={after}&kind={kinds}"), None).await?;
        let entries = page["results"].as_array().map_or(&[][..], Vec::as_slice);
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            if output.json {
                println!("{entry}");
            } else {
                let [at, kind, words] = ["at", "kind", "text"].map(|field| text(entry, field));
                println!("{at}  {kind:<16}  {words}");
            }
        }
        after = page["last"].as_u64().unwrap_or(u64::MAX);
    }
}

fn body(new: &Create) -> Value {
    let mut zoom = Map::new();
    let mut put =
        |field: &str, value: Option<Value>| zoom.extend(value.map(|value| (field.to_owned(), value)));
    put("credential", new.account.map(|id| json!(id)));
    put("pool", new.pool.map(|id| json!(id)));
    put("user", new.user.clone().map(Value::from));
    put("start_meeting", new.start_meeting.then_some(json!(true)));
    let mut body = json!({ "meeting_url": new.meeting_url, "zoom": zoom });
    if let Some(name) = &new.name {
        body["bot_name"] = json!(name);
    }
    if let Some(at) = new.join_at {
        body["join_at"] = json!(at);
    }
    body
}

/// Prints each step of a bot as it happens: one line, or with `--json` one object per line.
async fn watch(bots: &Server, mut bot: Value, output: Output) -> anyhow::Result<()> {
    let (id, clock, mut seen) = (text(&bot, "id"), Environment::system().clock, 0);
    loop {
        for step in &steps(&bot)[seen..] {
            if output.json { println!("{step}") } else { say(step) }
        }
        seen = steps(&bot).len();
        match last(&bot)["code"].as_str() {
            Some("done") => return Ok(()),
            Some("fatal") => {
                let why = text(last(&bot), "sub_code");
                let page = bots.page_of_sub_code(&why);
                return Err(ProblemsFound(format!("the bot has failed: {why} ({page})")).into());
            }
            _ => {}
        }
        clock.sleep(POLL_INTERVAL).await;
        bot = bots.call(Method::GET, &format!("{id}/"), None).await?;
    }
}

fn steps(bot: &Value) -> &[Value] {
    bot["status_changes"].as_array().map_or(&[], Vec::as_slice)
}

fn last(bot: &Value) -> &Value {
    steps(bot).last().unwrap_or(&Value::Null)
}

fn say(step: &Value) {
    let [at, code, why, message] =
        ["created_at", "code", "sub_code", "message"].map(|field| text(step, field));
    let why = if why.is_empty() { why } else { format!(" / {why}") };
    let message = if message.is_empty() { message } else { format!(" ({message})") };
    println!("{at}  {code}{why}{message}");
}
