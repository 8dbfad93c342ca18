//! `latchkey status`: can my bots sign in now? And what a person has to do, if not.

use serde_json::{Value, json};

use crate::{
    account, bot,
    output::{BadNews, Output, text},
    pool,
    running_server::{Reach, Server},
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Reach,
    #[command(flatten)]
    output: Output,
}

/// States of bots, in the words of the list.
const IN_MEETING: &str = "?status=in_call_not_recording,in_call_recording";
const ON_THE_WAY: &str = "?status=ready,joining_call,in_waiting_room";
const FAILED: &str = "?status=fatal";

pub(crate) async fn run(Arguments { server, output }: Arguments) -> anyhow::Result<()> {
    let ready = Server::of(server.clone(), "")?.readiness().await?;
    let accounts = Server::of(server.clone(), account::PATH)?.all("").await?;
    let pools = Server::of(server.clone(), pool::PATH)?.all("").await?;
    let bots = Server::of(server, bot::PATH)?;
    let [in_meeting, on_the_way, failed] =
        [bots.count(IN_MEETING).await?, bots.count(ON_THE_WAY).await?, bots.count(FAILED).await?];

    let working = accounts.iter().filter(|account| account::works(account)).count();
    let trouble = why_not(&ready, accounts.len(), working);
    if output.json {
        let bots = json!({ "in_meeting": in_meeting, "on_the_way": on_the_way, "failed": failed });
        let page = json!({ "can_sign_in": trouble.is_none(), "server": ready, "accounts": accounts,
                           "pools": pools, "bots": bots });
        println!("{page:#}");
    } else {
        println!("Can my bots sign in now?  {}", if trouble.is_none() { "Yes." } else { "No." });
        println!("server    {}, version {}", text(&ready, "status"), text(&ready, "version"));
        for finding in
            ready["findings"].as_array().into_iter().flatten().filter(|finding| finding["ok"] == false)
        {
            println!(
                "          {}: {}. {}",
                text(finding, "name"),
                text(finding, "cause"),
                text(finding, "consequence")
            );
        }
        println!("accounts  {working} of {} work", accounts.len());
        for account in accounts.iter().filter(|account| !account::works(account)) {
            println!("          {}", account::cure(account));
        }
        for pool in &pools {
            println!("pool      {}: {} seats taken", text(pool, "name"), pool::seats(pool));
        }
        println!("bots      {in_meeting} in a meeting, {on_the_way} waiting or on the way, {failed} failed");
    }
    trouble.map_or(Ok(()), |trouble| Err(BadNews(trouble).into()))
}

/// Why no bot could sign in, and what to do.
fn why_not(ready: &Value, accounts: usize, working: usize) -> Option<String> {
    if ready["status"] == "failing" {
        return Some("this server can give no token: see its findings above".to_owned());
    }
    match (accounts, working) {
        (0, _) => Some("no account is connected: `latchkey account connect`".to_owned()),
        (_, 0) => Some("no account works: connect one again, as said above".to_owned()),
        _ => None,
    }
}
