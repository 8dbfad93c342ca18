//! Whether a new bot would find a server with a place.

use std::{sync::Arc, time::Duration};

use model::Timestamp;
use store::{BotServers, StoreError};

use super::{
    capacity,
    this_server::{AD_HOC, FORGET_SERVER_AFTER, ThisServer},
};

/// How long a bot for now may wait for a server that is being started again.
const RESTARTS_WITHIN: Duration = Duration::from_secs(600);

/// Why a new bot would wait, maybe for ever, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoFreeBot {
    /// There never was a server that runs bots.
    #[error(
        "No server of this installation runs bots: set bots.capacity above 0 in the configuration of one, and start it."
    )]
    NoServer,
    /// There was one.
    #[error(
        "The last server that runs bots was seen at {0}: start one with bots.capacity above 0, and try again."
    )]
    NoServerSince(Timestamp),
    /// Every place is taken, or will be.
    #[error(
        "All {0} bots that this installation can run at once are taken at that time: try again later, schedule the bot \
         more than ten minutes ahead, or have the operator raise bots.capacity or start another server."
    )]
    Full(u64),
}

/// The places for bots on all servers.
pub(crate) struct Places {
    store: Arc<dyn BotServers + Send + Sync>,
    this_server: Arc<ThisServer>,
}

impl Places {
    pub(crate) fn new(store: Arc<dyn BotServers + Send + Sync>, this_server: Arc<ThisServer>) -> Self {
        Self { store, this_server }
    }

    /// Why a new bot would find no place. A scheduled bot is never refused because all places are taken.
    pub(crate) async fn why_none(
        &self,
        join_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<NoFreeBot>, StoreError> {
        let scheduled = join_at.is_some_and(|at| at > now + AD_HOC);
        let servers = self.store.bot_servers(now).await?;
        let here = (self.this_server.id.as_str(), self.this_server.takes());
        let places = capacity::of_all(&servers, here, now);
        if places > 0 {
            if scheduled {
                return Ok(None);
            }
            // Concurrent callers may all see the last free place. Bots that get none wait, up to `bots.join_within`.
            let needed = self.store.bot_demand(join_at.map_or(now, |at| at.max(now)), now).await?.needed;
            return Ok((needed >= places).then_some(NoFreeBot::Full(places)));
        }
        // For a scheduled bot a server may be started in time.
        let silence = if scheduled { FORGET_SERVER_AFTER } else { RESTARTS_WITHIN };
        Ok(match servers.first() {
            None => Some(NoFreeBot::NoServer),
            Some(last) => {
                (now.since(last.seen_at) > silence).then_some(NoFreeBot::NoServerSince(last.seen_at))
            }
        })
    }
}
