//! `latchkey status`: the console's home page at a terminal. It shows whether bots can sign in now, and what to do if not.

use std::collections::BTreeMap;

use model::SubCode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    account,
    api_client::{Server, ServerArguments},
    output::{Output, ProblemsFound, text},
    pool,
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    #[command(flatten)]
    output: Output,
}

/// The server's answers.
struct Page {
    ready: Value,
    accounts: Vec<Value>,
    refused_apps: Vec<String>,
    pools: Vec<Value>,
    overview: Value,
    outcomes: Vec<Value>,
    /// The latest token requests, one page.
    tokens: Value,
}

pub(crate) async fn run(Arguments { server, output }: Arguments) -> anyhow::Result<()> {
    let page = Page::read(&server).await?;
    let trouble = page.why_not();
    if output.json {
        println!("{:#}", page.json(trouble.is_none()));
    } else {
        println!("Can my bots sign in now?  {}", if trouble.is_none() { "Yes." } else { "No." });
        page.print();
    }
    trouble.map_or(Ok(()), |trouble| Err(ProblemsFound(trouble).into()))
}

impl Page {
    async fn read(server: &ServerArguments) -> anyhow::Result<Self> {
        let at = |path: &str| Server::of(server.clone(), path);
        Ok(Self {
            ready: at("")?.readiness().await?,
            accounts: at(account::PATH)?.all("").await?,
            refused_apps: account::refused_apps(server).await?,
            pools: at(pool::PATH)?.all("").await?,
            overview: at("api/latchkey/v1/overview/")?.call(Method::GET, "", None).await?,
            outcomes: at("api/latchkey/v1/bot-outcomes/")?.all("").await?,
            tokens: at("api/latchkey/v1/audit/")?.call(Method::GET, "", None).await?,
        })
    }

    fn remedy(&self, account: &Value) -> Option<String> {
        account::remedy(account, &self.refused_apps)
    }

    fn working(&self) -> usize {
        self.accounts.iter().filter(|account| self.remedy(account).is_none()).count()
    }

    /// Why no bot can sign in, and what to do.
    fn why_not(&self) -> Option<String> {
        if self.ready["status"] == "failing" {
            return Some("this server cannot issue tokens: see its findings above".to_owned());
        }
        match (self.accounts.len(), self.working()) {
            (0, _) => Some("no account is connected: `latchkey account connect`".to_owned()),
            (_, 0) => Some("no account works: follow the advice above".to_owned()),
            _ => None,
        }
    }

    /// The number of bots that have not ended and are in one of these states.
    fn bots(&self, states: &[&str]) -> u64 {
        let rows = list(&self.overview, "bots");
        let rows = rows.filter(|row| states.contains(&row["status"].as_str().unwrap_or_default()));
        rows.filter_map(|row| row["bots"].as_u64()).sum()
    }

    fn in_meeting(&self) -> u64 {
        self.bots(&["in_call_not_recording", "in_call_recording", "call_ended"])
    }

    fn on_the_way(&self) -> u64 {
        self.bots(&["ready", "joining_call", "in_waiting_room"])
    }

    /// The number of bots of the last day with this step.
    fn ended(&self, code: &str) -> u64 {
        self.outcomes.iter().filter(|row| row["code"] == code).filter_map(|row| row["bots"].as_u64()).sum()
    }

    /// Causes of failures of the last day, the most frequent first.
    fn causes(&self) -> Vec<(&str, u64)> {
        let failed = self.outcomes.iter().filter(|row| row["code"] == "fatal");
        by_cause(failed.map(|row| {
            (row["sub_code"].as_str().unwrap_or("bot_errored"), row["bots"].as_u64().unwrap_or(0))
        }))
    }

    /// The number of latest token requests, how many were granted, and why the others failed.
    fn tokens(&self) -> (u64, u64, Vec<(&str, u64)>) {
        let asked = list(&self.tokens, "results").count() as u64;
        let refused = list(&self.tokens, "results").filter(|row| row["outcome"] != "given");
        let causes = by_cause(refused.filter_map(|row| Some((row["outcome"].as_str()?, 1))));
        let refused: u64 = causes.iter().map(|(_, count)| count).sum();
        (asked, asked - refused, causes)
    }

    fn json(&self, can_sign_in: bool) -> Value {
        let causes = |causes: Vec<(&str, u64)>| {
            causes
                .into_iter()
                .map(|(code, count)| json!({ "code": code, "count": count }))
                .collect::<Vec<_>>()
        };
        let (asked, given, refused) = self.tokens();
        json!({
            "can_sign_in": can_sign_in,
            "server": self.ready,
            "accounts": self.accounts,
            "cannot_sign_in": self.overview["cannot_sign_in"],
            "pools": self.pools,
            "bots": { "in_meeting": self.in_meeting(), "on_the_way": self.on_the_way() },
            "last_day": {
                "came_in": self.ended("in_call_not_recording"), "failed": self.ended("fatal"),
                "causes": causes(self.causes()),
            },
            "time_to_join": self.overview["time_to_join"],
            "tokens": { "asked": asked, "given": given, "refused": causes(refused) },
            "refreshes": self.overview["refreshes"],
        })
    }

    fn print(&self) {
        println!("server     {}, version {}", text(&self.ready, "status"), text(&self.ready, "version"));
        let (fine, wrong): (Vec<_>, Vec<_>) =
            list(&self.ready, "findings").partition(|row| row["ok"] == true);
        if !fine.is_empty() {
            let names: Vec<_> = fine.into_iter().map(|row| text(row, "name")).collect();
            println!("           fine: {}", names.join(", "));
        }
        for finding in wrong {
            let [name, cause, consequence] = ["name", "cause", "consequence"].map(|side| text(finding, side));
            println!("           {name}: {cause}. {consequence}");
        }
        let next = list(&self.overview, "accounts").filter_map(|row| row["next_refresh_at"].as_str()).min();
        let next = next.map(|next| format!("; the next refresh is at {next}")).unwrap_or_default();
        println!("accounts   {} of {} work{next}", self.working(), self.accounts.len());
        for cure in self.accounts.iter().filter_map(|account| self.remedy(account)) {
            println!("           {cure}");
        }
        for pool in &self.pools {
            println!("pool       {}: {} seats taken", text(pool, "name"), pool::seats(pool));
        }
        println!(
            "bots       {} in a meeting, {} waiting or on the way",
            self.in_meeting(),
            self.on_the_way()
        );
        let joins = &self.overview["time_to_join"];
        let took = match (joins["median_ms"].as_u64(), joins["p95_ms"].as_u64()) {
            (Some(median), Some(p95)) => {
                format!("; time to join {} median, {} p95", seconds(median), seconds(p95))
            }
            _ => String::new(),
        };
        println!(
            "last day   {} joined, {} failed{took}",
            self.ended("in_call_not_recording"),
            self.ended("fatal")
        );
        for (code, count) in self.causes() {
            let cure =
                code.parse::<SubCode>().map(|code| format!(": {}", code.remedy().1)).unwrap_or_default();
            println!("           {count} {code}{cure}");
        }
        match self.tokens() {
            (0, ..) => println!("tokens     none requested yet"),
            (asked, given, refused) => {
                println!("tokens     of the last {asked} requests, {given} were granted");
                for (code, count) in refused {
                    println!("           {count} {code}");
                }
            }
        }
        let refreshes = &self.overview["refreshes"];
        println!(
            "refreshes  {} worked, {} failed in the last 24 hours",
            text(refreshes, "done"),
            text(refreshes, "failed")
        );
        for row in list(refreshes, "failures") {
            println!("           {} {}", text(row, "refreshes"), text(row, "code"));
        }
    }
}

fn list<'v>(of: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    of[field].as_array().into_iter().flatten()
}

/// Sums by cause, the most frequent first.
fn by_cause<'v>(rows: impl Iterator<Item = (&'v str, u64)>) -> Vec<(&'v str, u64)> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (code, count) in rows {
        *sums.entry(code).or_default() += count;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sums
}

/// `1.2 s`
fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
