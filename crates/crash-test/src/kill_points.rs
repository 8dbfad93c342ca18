//! One server with one account is killed at one point of a refresh, and restarted.

use std::time::Duration;

use anyhow::{bail, ensure};
use model::KillPoint::{
    self, AfterConsent, BeforeCommit, BeforeConsent, BeforeEscrow, BeforeRead, BeforeRename, BeforeSend,
    BeforeWithdrawal, HalfEscrow,
};

use crate::{Case, Database, Story, account::Account, world::World};

/// Longer than it takes to reach any kill point.
pub(crate) const DIES_WITHIN: Duration = Duration::from_secs(30);
pub(crate) const SIGKILL: i32 = 9;

/// A kill point, and what may be lost.
pub(crate) struct Kill {
    at: KillPoint,
    /// The kill point of the restarted server, while it replays the escrow.
    then: Option<KillPoint>,
    /// Whether the answer may be lost because it was not durable. Otherwise the account must stay usable without a person.
    may_lose: bool,
}

/// What happened to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It issues tokens, also after further refreshes.
    Recovered,
    /// The API reports that Zoom's answer was lost.
    ResponseLost,
}

/// Every kill point, on both databases.
pub(crate) fn all() -> impl Iterator<Item = Case> {
    let moments = [
        (BeforeSend, None, false),
        (BeforeRead, None, true),
        (BeforeEscrow, None, true),
        (HalfEscrow, None, true),
        (BeforeRename, None, false),
        (BeforeCommit, None, false),
        (BeforeWithdrawal, None, false),
        (BeforeCommit, Some(BeforeCommit), false),
        (BeforeCommit, Some(BeforeWithdrawal), false),
        (BeforeConsent, None, false),
        (AfterConsent, None, false),
    ];
    moments.into_iter().flat_map(|(at, then, may_lose)| {
        [Database::Sqlite, Database::Postgres].map(|database| {
            let replay = then.map(|then| format!(", and in the replay {}", then.name()));
            let name = format!("{database}: killed {}{}", at.name(), replay.unwrap_or_default());
            Case { name, database, story: Story::Kill(Kill { at, then, may_lose }) }
        })
    })
}

impl Kill {
    pub(crate) async fn run(&self, world: &World) -> anyhow::Result<Outcome> {
        if matches!(self.at, BeforeConsent | AfterConsent) {
            return self.during_a_consent(world).await;
        }
        let server = world.serve(0, &[]).await?;
        let account = world.connect(&server).await?;
        server.stop().await;
        world.expire().await?;

        let mut server = world.serve(0, &[("LATCHKEY_KILL_AT", self.at.name())]).await?;
        // The caller receives no answer, or is told to retry.
        drop(account.ask(&server).await);
        let signal = server.process.death(DIES_WITHIN, &world.fixture.env).await?;
        ensure!(signal == Some(SIGKILL), "the server ended with signal {signal:?}");
        world.search_escrow().await?;
        if let Some(then) = self.then {
            let replaying = world.serve(0, &[("LATCHKEY_KILL_AT", then.name())]).await;
            ensure!(replaying.is_err(), "the server should have been killed at its start");
        }

        let server = world.serve(0, &[]).await?;
        let outcome = account.settle(&server).await?;
        match outcome {
            Outcome::ResponseLost if !self.may_lose => {
                bail!("the account was lost, although the answer was durable")
            }
            Outcome::ResponseLost => world.connect_again(&server, &account).await?,
            Outcome::Recovered => {}
        }
        check_chain(world, &server, &account).await?;
        server.stop().await;
        Ok(outcome)
    }

    /// The server is killed during a consent. A person whose browser failed opens another invitation if there is no account.
    async fn during_a_consent(&self, world: &World) -> anyhow::Result<Outcome> {
        let mut server = world.serve(0, &[("LATCHKEY_KILL_AT", self.at.name())]).await?;
        ensure!(
            world.connect(&server).await.is_err(),
            "the server should have been killed during the redirect from Zoom"
        );
        let signal = server.process.death(DIES_WITHIN, &world.fixture.env).await?;
        ensure!(signal == Some(SIGKILL), "the server ended with signal {signal:?}");

        let server = world.serve(0, &[]).await?;
        let stored = world.credentials(&server).await?.len();
        let expected = usize::from(self.at == AfterConsent);
        ensure!(stored == expected, "there are {stored} accounts instead of {expected}");
        let account = match expected {
            0 => world.connect(&server).await?,
            _ => world.account(&server).await?,
        };
        check_chain(world, &server, &account).await?;
        server.stop().await;
        Ok(Outcome::Recovered)
    }
}

/// Checks that the stored refresh token is the valid one, by two refreshes.
pub(crate) async fn check_chain(
    world: &World,
    server: &stage::Server,
    account: &Account,
) -> anyhow::Result<()> {
    for _ in 0..2 {
        world.expire().await?;
        let outcome = account.settle(server).await?;
        ensure!(outcome == Outcome::Recovered, "the next refresh fails: {outcome:?}");
    }
    Ok(())
}
