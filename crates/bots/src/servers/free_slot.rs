//! Checks whether a server has a free slot for a new bot.

use std::{sync::Arc, time::Duration};

use model::Timestamp;
use store::{BotServers, StoreError};

use super::{
    capacity,
    this_server::{AD_HOC, FORGET_SERVER_AFTER, ThisServer},
};

/// How long after the last report of a server a bot that joins now is still accepted, because the server may be restarting.
const RESTARTS_WITHIN: Duration = Duration::from_secs(600);

/// Why no server would run a new bot in time, and what can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoFreeSlot {
    /// No server that runs bots has reported.
    #[error(
        "No server of this installation runs bots: set bots.capacity above 0 in the configuration of one, and start it."
    )]
    NoServer,
    /// The last report of a server that runs bots is too old.
    #[error(
        "The last server that runs bots was seen at {0}: start one with bots.capacity above 0, and try again."
    )]
    NoServerSince(Timestamp),
    /// All slots are in use, or will be when the bot joins.
    #[error(
        "All {0} slots for bots of this installation are in use at that time: try again later, schedule the bot more than \
         ten minutes ahead, or ask the operator to raise bots.capacity or to start another server."
    )]
    Full(u64),
}

/// The slots for bots on all servers.
pub(crate) struct BotSlots {
    store: Arc<dyn BotServers + Send + Sync>,
    this_server: Arc<ThisServer>,
}

impl BotSlots {
    pub(crate) fn new(store: Arc<dyn BotServers + Send + Sync>, this_server: Arc<ThisServer>) -> Self {
        Self { store, this_server }
    }

    /// Returns the reason if a new bot would find no free slot. A scheduled bot is not refused when all slots are in use.
    pub(crate) async fn why_none(
        &self,
        join_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<NoFreeSlot>, StoreError> {
        let scheduled = join_at.is_some_and(|at| at > now + AD_HOC);
        let servers = self.store.bot_servers(now).await?;
        let here = (self.this_server.id.as_str(), self.this_server.takes());
        let places = capacity::of_all(&servers, here, now);
        if places > 0 {
            if scheduled {
                return Ok(None);
            }
            // Concurrent callers may all see the last free slot. Bots that get no slot wait, up to `bots.join_within`.
            let needed = self.store.bot_demand(join_at.map_or(now, |at| at.max(now)), now).await?.needed;
            return Ok((needed >= places).then_some(NoFreeSlot::Full(places)));
        }
        // A server may be started in time for a scheduled bot.
        let silence = if scheduled { FORGET_SERVER_AFTER } else { RESTARTS_WITHIN };
        Ok(match servers.first() {
            None => Some(NoFreeSlot::NoServer),
            Some(last) => {
                (now.since(last.seen_at) > silence).then_some(NoFreeSlot::NoServerSince(last.seen_at))
            }
        })
    }
}
