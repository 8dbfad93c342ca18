//! The servers that run bots, and how many bots need a slot on one.

use async_trait::async_trait;
use model::Timestamp;

use crate::StoreError;

/// A server that runs bots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotServer {
    /// Its name, chosen at its start.
    pub id: String,
    /// How many bots it can run at once; 0 when it accepts no more.
    pub capacity: u32,
    /// When it last reported.
    pub seen_at: Timestamp,
}

/// How many bots need a slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BotDemand {
    /// Those that have not ended, up to the limit of each workspace.
    pub needed: u64,
    /// Those of them that no server has leased.
    pub waiting: u64,
}

/// The servers that run bots.
#[async_trait]
pub trait BotServers {
    /// How many bots due until `until` need a slot. Across tenants: used by the supervisor.
    async fn bot_demand(&self, until: Timestamp, now: Timestamp) -> Result<BotDemand, StoreError>;

    /// Records that a server which runs bots is alive, and its capacity; deletes servers not seen
    /// since `forget_before`.
    async fn report_bot_server(&self, server: &BotServer, forget_before: Timestamp)
    -> Result<(), StoreError>;

    /// The servers that run bots, the most recently seen first. A server with a time after `now` was
    /// written by a wrong clock and is left out.
    async fn bot_servers(&self, now: Timestamp) -> Result<Vec<BotServer>, StoreError>;
}
