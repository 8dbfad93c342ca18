//! A server is killed right after it issued tokens: their records must be in the audit.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use stage::Server;

use crate::{account::Account, world::World};

const CALLERS: usize = 20;
const DIES_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn run(world: &World) -> anyhow::Result<String> {
    let server = world.serve(0, &[]).await?;
    let account = world.connect(&server).await?;
    let mut given = give_and_die(world, server, &account).await?;
    let exported = world.fixture.audit().await?;
    let lines = exported.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let records: Vec<Value> = lines.map(serde_json::from_slice).collect::<Result<_, _>>()?;
    check(&records, given, "the export")?;

    let server = world.serve(0, &[]).await?;
    given += give_and_die(world, server, &account).await?;
    let server = world.serve(0, &[]).await?;
    let page = server.get("/api/latchkey/v1/audit/").await?;
    check(page["results"].as_array().context("the answer is not a page")?, given, "the next server")?;
    server.stop().await;
    let left = std::fs::read_dir(world.fixture.data(0).join("audit"))?.count();
    ensure!(left == 0, "{left} journal files are left");
    Ok(format!("{given} tokens, and a record of each"))
}

/// Lets the server issue tokens and kills it. Returns the number of issued tokens.
async fn give_and_die(world: &World, mut server: Server, account: &Account) -> anyhow::Result<usize> {
    let answers = join_all((0..CALLERS).map(|_| account.ask_for_any(&server))).await;
    let process = Pid::from_raw(server.process.id().try_into()?).context("no process has this id")?;
    kill_process(process, Signal::KILL)?;
    server.process.death(DIES_WITHIN, &world.fixture.env).await?;
    for answer in answers {
        let answer = answer?;
        ensure!(answer.status.is_success(), "{}", answer.body);
    }
    Ok(CALLERS)
}

fn check(records: &[Value], given: usize, whose: &str) -> anyhow::Result<()> {
    let found = records.iter().filter(|record| record["outcome"] == "given").count();
    ensure!(found == given, "{whose} has records of {found} tokens, but {given} were issued");
    Ok(())
}
