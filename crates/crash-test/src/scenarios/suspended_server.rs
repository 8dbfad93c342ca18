//! A server falls asleep while it has the lease, and wakes up when another one has had it.

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

/// Two servers; the first sleeps at `point` of a refresh, and its callers get no answer.
async fn asleep(world: &World, point: KillPoint) -> anyhow::Result<(Server, Server, Account)> {
    let sleeper = world.serve(0, &[("LATCHKEY_STOP_AT", point.name())]).await?;
    let other = world.serve(1, &[]).await?;
    let account = world.connect(&other).await?;
    world.expire().await?;
    drop(account.ask(&sleeper).await);
    until(world, "it does not fall asleep", || {
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

/// It holds the live grant, the other one gives the account up, and a person consents anew.
pub(super) async fn fenced(world: &World) -> anyhow::Result<String> {
    let (sleeper, other, account) = asleep(world, KillPoint::BeforeCommit).await?;
    ensure!(account.settle(&other).await? == Outcome::ResponseLost, "the other server has no live grant");
    world.connect_again(&other, &account).await?;
    wake(&sleeper)?;
    until(world, "the late grant is still in escrow", || Ok(world.fixture.deposits(0)? == 0)).await?;
    // Had it got in, the grant of the new consent would be gone.
    for server in [&other, &sleeper] {
        check_chain(world, server, &account).await?;
    }
    other.stop().await;
    sleeper.stop().await;
    Ok("its write changed nothing, and the new consent lives".to_owned())
}

/// It holds the live grant, and the other one gives the account up.
pub(super) async fn welcome(world: &World) -> anyhow::Result<String> {
    let (sleeper, other, account) = asleep(world, KillPoint::BeforeCommit).await?;
    ensure!(account.settle(&other).await? == Outcome::ResponseLost, "the other server has no live grant");
    wake(&sleeper)?;
    until(world, "the late grant is still in escrow", || Ok(world.fixture.deposits(0)? == 0)).await?;
    for server in [&other, &sleeper] {
        check_chain(world, server, &account).await?;
    }
    other.stop().await;
    sleeper.stop().await;
    Ok("reported as lost, and healthy once it woke up".to_owned())
}

/// It is about to spend a token that the other one has rotated meanwhile.
pub(super) async fn just_rotated(world: &World) -> anyhow::Result<String> {
    let (sleeper, other, account) = asleep(world, KillPoint::BeforeSend).await?;
    ensure!(account.settle(&other).await? == Outcome::Recovered, "the other server has no luck");
    wake(&sleeper)?;
    let give_up = world.fixture.env.now() + WITHIN;
    while world.fixture.simulator.count("refreshes_refused").await? == 0 {
        ensure!(world.fixture.env.now() < give_up, "the old token was never spent");
        world.fixture.env.clock.sleep(POLL_INTERVAL).await;
    }
    for server in [&sleeper, &other] {
        let status = account.status(server).await?;
        ensure!(status == "healthy", "it is called {status}");
        check_chain(world, server, &account).await?;
    }
    let refused = world.fixture.simulator.count("refreshes_refused").await?;
    ensure!(refused == 1, "{refused} refreshes were refused");
    other.stop().await;
    ensure!(!world.fixture.log_of(0)?.contains(" ERROR "), "it has raised an alarm");
    sleeper.stop().await;
    Ok("Zoom refused one refresh; no alarm, no change".to_owned())
}
