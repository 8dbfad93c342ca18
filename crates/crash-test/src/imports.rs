//! A refresh token of another program is imported, and the server is killed during the import.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use model::KillPoint::{
    self, BeforeCommit, BeforeEscrow, BeforeRead, BeforeRename, BeforeSend, BeforeWithdrawal, HalfEscrow,
};
use serde_json::json;
use stage::Server;

use crate::{
    Case, Database, Story,
    account::Account,
    kill_points::{DIES_WITHIN, Outcome, SIGKILL, check_chain},
    world::World,
};

const ACCOUNTS: &str = "/api/v2/zoom-oauth-credentials/";
/// A server checks its escrow at the start, and then every five seconds.
const RESUMES_WITHIN: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The kill point, and what may be lost.
pub(crate) struct Import {
    at: KillPoint,
    fate: Fate,
}

/// What the kill point means for the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The token was not sent: the same import works afterwards.
    Unspent,
    /// The token is used up, and the answer was not durable: repeating the import reports that the user must consent again.
    MayBeLost,
    /// The grant is durable: the next start connects the account, without another import.
    Durable,
}

/// Every kill point, on both databases.
pub(crate) fn all() -> impl Iterator<Item = Case> {
    let moments = [
        (BeforeSend, Fate::Unspent),
        (BeforeRead, Fate::MayBeLost),
        (BeforeEscrow, Fate::MayBeLost),
        (HalfEscrow, Fate::MayBeLost),
        (BeforeRename, Fate::Durable),
        (BeforeCommit, Fate::Durable),
        (BeforeWithdrawal, Fate::Durable),
    ];
    moments.into_iter().flat_map(|(at, fate)| {
        [Database::Sqlite, Database::Postgres].map(|database| Case {
            name: format!("{database}: an import killed {}", at.name()),
            database,
            story: Story::Import(Import { at, fate }),
        })
    })
}

impl Import {
    pub(crate) async fn run(&self, world: &World) -> anyhow::Result<Outcome> {
        let (user, held) = world.grant_of_another_program().await?;
        let import = json!({ "oauth_app": world.app(), "refresh_token": held.expose() });
        let mut server = world.serve(0, &[("LATCHKEY_KILL_AT", self.at.name())]).await?;
        ensure!(
            server.post(ACCOUNTS, &import).await.is_err(),
            "the server should have been killed during the import"
        );
        let signal = server.process.death(DIES_WITHIN, &world.fixture.env).await?;
        ensure!(signal == Some(SIGKILL), "the server ended with signal {signal:?}");
        world.search_escrow().await?;

        let server = world.serve(0, &[]).await?;
        let (account, outcome) = match (resumed(world, &server).await?, self.fate) {
            (Some(account), Fate::Durable) => (account, Outcome::Recovered),
            (Some(_), fate) => bail!("an account exists, although its grant was {fate:?}"),
            (None, Fate::Durable) => bail!("the account was lost, although the grant was durable"),
            // An importer that received no answer repeats the import.
            (None, fate) => match (server.post(ACCOUNTS, &import).await, fate) {
                (Ok(_), Fate::Unspent) => (world.account(&server).await?, Outcome::Recovered),
                (Ok(_), _) => bail!("a used token was accepted again"),
                (Err(error), Fate::MayBeLost) => {
                    let words = format!("{error:#}");
                    ensure!(words.contains("zoom_oauth_error"), "the importer receives {words}");
                    world.connect_link(&server, &user).await?;
                    (world.account(&server).await?, Outcome::ResponseLost)
                }
                (Err(error), _) => return Err(error.context("the token was not used")),
            },
        };
        ensure!(account.user == user, "the account belongs to another user");
        let stored = world.credentials(&server).await?.len();
        ensure!(stored == 1, "there are {stored} accounts");
        check_chain(world, &server, &account).await?;
        server.stop().await;
        Ok(outcome)
    }
}

/// The account, if the server resumes the import by itself.
async fn resumed(world: &World, server: &Server) -> anyhow::Result<Option<Account>> {
    let env = &world.fixture.env;
    let give_up = env.now() + RESUMES_WITHIN;
    loop {
        if !world.credentials(server).await?.is_empty() {
            return world.account(server).await.map(Some).context("of a resumed import");
        }
        if env.now() > give_up {
            return Ok(None);
        }
        env.clock.sleep(POLL_INTERVAL).await;
    }
}
