//! Leases and runs bots that are due, that are soon due, or whose server died.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::Timestamp;
use store::{Bot, Lease, StoreError};
use tokio_util::sync::CancellationToken;
use workers::{Claimed, Work};

use super::running_bots::{LeasedBot, RunningBots};
use crate::{
    log::{self, LogEntryKind, NewLogEntry},
    run::{self, RunParts},
    servers::{ThisServer, capacity},
};

/// How long a server leaves bots that exceed its share to the other servers, before it takes them itself.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(3);

/// A worker for bots that are due, that are soon due, or whose server died.
pub(super) struct DueBots {
    parts: Arc<RunParts>,
    running: Arc<RunningBots>,
    this_server: Arc<ThisServer>,
    /// Cancelled when running bots are to leave.
    stopping: CancellationToken,
    /// Since when this server has been leaving bots to the others, on the monotonic clock.
    left_since: Mutex<Option<Duration>>,
}

impl Work for DueBots {
    const NAME: &'static str = "bots";
    type Item = LeasedBot;
    type Error = StoreError;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<LeasedBot>>, StoreError> {
        let RunParts { store, env, timing, .. } = &*self.parts;
        let now = env.now();
        let soon = now + timing.warm_up;
        let demand = store.bot_demand(soon, now).await?;
        let running = self.running.count();
        let capacity = self.this_server.capacity.now();
        let room = capacity.saturating_sub(running).min(most);
        if demand.waiting == 0 || room == 0 {
            self.left(false);
            return Ok(Vec::new());
        }
        // Until this server is half full, it takes due bots at once, whatever its share is.
        let at_once = capacity.div_ceil(2).saturating_sub(running).min(room);
        let mut leased = self.lease(at_once, now, now).await?;
        if demand.waiting > leased.len() as u64 {
            let rest = room - u32::try_from(leased.len()).unwrap_or(room);
            let own = if self.left(true) {
                rest
            } else {
                let servers = store.bot_servers(now).await?;
                let of_all = capacity::of_all(&servers, (&self.this_server.id, capacity), now);
                let share = capacity::share(demand.needed, capacity, of_all);
                share.saturating_sub(running + (room - rest)).min(rest)
            };
            leased.extend(self.lease(own, soon, now).await?);
        }
        if demand.waiting <= leased.len() as u64 {
            self.left(false);
        }
        Ok(leased
            .into_iter()
            .map(|(bot, lease)| Claimed {
                due_at: run::due_at(&bot, now),
                item: self.running.add(bot, lease),
            })
            .collect())
    }

    async fn run(&self, item: &LeasedBot) -> Result<(), StoreError> {
        let now = self.parts.env.now();
        let late = log::milliseconds(run::due_at(&item.bot, now), now);
        let note = NewLogEntry::new(
            LogEntryKind::Taken,
            format!("A server took the bot {late} ms after it was due."),
        );
        self.parts.log.note(item.bot.id, note.with("milliseconds_late", late));
        run::run(&self.parts, &item.bot, item.lease, item.commands(), item.output_revision()).await;
        Ok(())
    }

    async fn keep_lease(&self, item: &LeasedBot) {
        item.renew_until_lost(&self.parts, &self.stopping).await;
    }
}

impl DueBots {
    pub(super) fn new(
        parts: Arc<RunParts>,
        running: Arc<RunningBots>,
        this_server: Arc<ThisServer>,
        stopping: CancellationToken,
    ) -> Self {
        Self { parts, running, this_server, stopping, left_since: Mutex::default() }
    }

    /// Leases up to `most` bots that are due by `until`.
    async fn lease(
        &self,
        most: u32,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let tokens = self.parts.lease_tokens(most);
        self.parts.store.lease_due_bots(&tokens, until, now, now + self.parts.timing.lease).await
    }

    /// Records whether bots are left to the other servers. Returns `true` if they have been left for so long that no other
    /// server seems to take them.
    fn left(&self, are_left: bool) -> bool {
        let now = self.parts.env.clock.elapsed();
        let mut since = self.left_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = are_left.then(|| since.unwrap_or(now));
        since.is_some_and(|since| now.saturating_sub(since) >= LEFT_TO_OTHERS)
    }
}
