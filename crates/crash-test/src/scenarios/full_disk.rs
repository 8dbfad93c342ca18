//! The disk is full, which affects database, escrow and the audit's journal. The server must report this, continue with work
//! that needs no disk, lose no account, and recover as soon as there is space.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use stage::Server;

use crate::{
    kill_points::{Outcome, check_chain},
    world::World,
};

/// Most changes until the space already allocated for the database's log is used up.
const TRIES: u32 = 5000;
const WORKS_WITHIN: Duration = Duration::from_secs(1);
const SAYS_WITHIN: Duration = Duration::from_secs(5);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

pub(super) async fn run(world: &World) -> anyhow::Result<String> {
    let env = &world.fixture.env;
    let server = world.fixture.start_on_small_disk(0, world.api_key()).await?;
    let disk = PathBuf::from(format!("/proc/{}/root", server.process.id()));
    let disk = disk.join(world.fixture.data(0).strip_prefix("/")?);
    let account = world.connect(&server).await?;
    ensure!(account.ask(&server).await?.status == StatusCode::OK, "no token although there is space");
    let before = ready(&server).await?;
    ensure!(before["status"] != "degraded", "with free space, /readyz returns {before}");

    let filler = fill(&disk)?;
    let mut changes = 0;
    while change(&server).await? {
        changes += 1;
        ensure!(changes < TRIES, "{changes} changes succeeded on a full disk");
    }
    // The server checks at most once a second.
    let since = env.now();
    let mut full = ready(&server).await?;
    while full["status"] != "degraded" {
        ensure!(env.now().since(since) < SAYS_WITHIN, "on a full disk, /readyz returns {full}");
        env.clock.sleep(POLL_INTERVAL).await;
        full = ready(&server).await?;
    }
    for name in ["database_writes", "disk"] {
        let findings = full["findings"].as_array().context("no findings")?;
        let finding = findings.iter().find(|finding| finding["name"] == name).context(name)?;
        let cause = finding["cause"].as_str().with_context(|| format!("{name} has no cause"))?;
        ensure!(cause.contains("full") || cause.contains("space"), "{name}: {cause}");
    }
    server.get("/livez").await?;
    let kept = account.ask_for_any(&server).await?;
    ensure!(kept.status == StatusCode::OK, "a cached token is not served: {}", kept.body);
    // A refresh must prove that the store is writable before the refresh token is used.
    world.expire().await?;
    let refused = account.ask(&server).await?;
    ensure!(refused.status == StatusCode::SERVICE_UNAVAILABLE, "a caller received {}", refused.status);
    let spent = world.fixture.simulator.count("refreshes").await?;
    ensure!(spent == 0, "{spent} refresh tokens were used on a full disk");

    fs::remove_file(&filler)?;
    let freed = env.now();
    while !change(&server).await? {
        ensure!(env.now().since(freed) < WORKS_WITHIN, "changes still fail, although there is space again");
        env.clock.sleep(POLL_INTERVAL).await;
    }
    let took = env.now().since(freed);
    let outcome = account.settle(&server).await?;
    ensure!(outcome == Outcome::Recovered, "the account ended as {outcome:?}");
    check_chain(world, &server, &account).await?;
    env.clock.sleep(WORKS_WITHIN).await;
    let after = ready(&server).await?;
    ensure!(after["status"] != "degraded", "with space again, /readyz returns {after}");
    server.stop().await;
    Ok(format!(
        "reported in /readyz, no account lost, working again {} ms after there was space",
        took.as_millis()
    ))
}

async fn ready(server: &Server) -> anyhow::Result<Value> {
    server.get("/readyz").await
}

/// Tries a change, and returns whether it succeeded.
async fn change(server: &Server) -> anyhow::Result<bool> {
    let key = json!({ "name": "x".repeat(100), "scopes": ["read"] });
    match server.post("/api/latchkey/v1/api-keys/", &key).await {
        Ok(_) => Ok(true),
        Err(error) if error.to_string().contains("503") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Fills the disk completely, and returns the file that does so.
fn fill(disk: &Path) -> anyhow::Result<PathBuf> {
    let path = disk.join("filler");
    let mut file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    for block in [1 << 16, 1 << 12, 1] {
        loop {
            match file.write(&vec![1; block]) {
                Ok(0) => bail!("nothing was written, without an error"),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(path)
}
