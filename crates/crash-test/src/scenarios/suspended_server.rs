//! A server is suspended while it holds the lease, and resumes after another one has held it.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use model::KillPoint;
use rustix::process::{Pid, Signal, kill_process};
use stage::Server;

use crate::{
    account::Account,
    kill_points::{Outcome, check_chain},
    world::World,
};

const POLL_INTERVAL: Duration = Duration::from_millis(100);
const WITHIN: Duration = Duration::from_secs(60);

/// Starts two servers. The first is suspended at `point` of a refresh, and its callers get no answer.
async fn asleep(world: &World, point: KillPoint) -> anyhow::Result<(Server, Server, Account)> {
    let sleeper = world.serve(0, &[("LATCHKEY_STOP_AT", point.name())]).await?;
    let other = world.serve(1, &[]).await?;
    let account = world.connect(&other).await?;
    world.expire().await?;
    drop(account.ask(&sleeper).await);
    until(world, "the server was not suspended", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", sleeper.process.id()))?;
        Ok(stat.rsplit(") ").next().is_some_and(|state| state.starts_with('T')))
    })
    .await?;
    Ok((sleeper, other, account))
}

fn wake(server: &Server) -> anyhow::Result<()> {
    let id = Pid::from_raw(server.process.id().try_into()?).context("no process has this id")?;
    Ok(kill_process(id, Signal::CONT)?)
}

async fn until(
    world: &World,
    otherwise: &str,
    there: impl Fn() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let give_up = world.fixture.env.now() + WITHIN;
    while !there()? {
        ensure!(world.fixture.env.now() < give_up, "{otherwise}");
        world.fixture.env.clock.sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

/// The suspended server has the valid grant, the other one gives the account up, and a person consents again.
pub(super) async fn fenced(world: &World) -> anyhow::Result<String> {
    let (sleeper, other, account) = asleep(world, KillPoint::BeforeCommit).await?;
    ensure!(
        account.settle(&other).await? == Outcome::ResponseLost,
        "the other server should have no valid grant"
    );
    world.connect_again(&other, &account).await?;
    wake(&sleeper)?;
    until(world, "the late grant is still in the escrow", || Ok(world.fixture.deposits(0)? == 0)).await?;
    // If the late grant had been stored, the grant of the new consent would be lost.
    for server in [&other, &sleeper] {
        check_chain(world, server, &account).await?;
    }
    other.stop().await;
    sleeper.stop().await;
    Ok("the late write changed nothing, and the new consent stays valid".to_owned())
}

/// The suspended server has the valid grant, and the other one gives the account up.
pub(super) async fn welcome(world: &World) -> anyhow::Result<String> {
    let (sleeper, other, account) = asleep(world, KillPoint::BeforeCommit).await?;
    ensure!(
        account.settle(&other).await? == Outcome::ResponseLost,
        "the other server should have no valid grant"
    );
    wake(&sleeper)?;
    until(world, "the late grant is still in the escrow", || Ok(world.fixture.deposits(0)? == 0)).await?;
    for server in [&other, &sleeper] {
        check_chain(world, server, &account).await?;
    }
    other.stop().await;
    sleeper.stop().await;
    Ok("reported as lost, and healthy after the server resumed".to_owned())
}

/// The suspended server is about to use a token that the other one rotates meanwhile.
pub(super) async fn just_rotated(world: &World) -> anyhow::Result<String> {
    let (sleeper, other, account) = asleep(world, KillPoint::BeforeSend).await?;
    ensure!(
        account.settle(&other).await? == Outcome::Recovered,
        "the other server should refresh the account"
    );
    wake(&sleeper)?;
    let give_up = world.fixture.env.now() + WITHIN;
    while world.fixture.simulator.count("refreshes_refused").await? == 0 {
        ensure!(world.fixture.env.now() < give_up, "the old token was never used");
        world.fixture.env.clock.sleep(POLL_INTERVAL).await;
    }
    for server in [&sleeper, &other] {
        let status = account.status(server).await?;
        ensure!(status == "healthy", "the account's status is {status}");
        check_chain(world, server, &account).await?;
    }
    let refused = world.fixture.simulator.count("refreshes_refused").await?;
    ensure!(refused == 1, "{refused} refreshes were refused");
    other.stop().await;
    ensure!(!world.fixture.log_of(0)?.contains(" ERROR "), "the server logged an error");
    sleeper.stop().await;
    Ok("Zoom refused one refresh; no alarm, no change".to_owned())
}
