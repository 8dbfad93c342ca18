//! The bots that run on this server, and their leases.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use metrics::Metrics;
use model::{BotId, chain};
use store::{Bot, Lease};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    log::{LogEntryKind, NewLogEntry},
    run::{BotCommand, LatestCommand, RunParts},
};

/// How often a bot's lease is renewed within the lease's duration.
const LEASE_RENEWALS: u32 = 6;

/// The bots that run on this server.
#[derive(Debug)]
pub(super) struct RunningBots {
    /// Notifies each bot when its row has changed.
    changed: Mutex<HashMap<BotId, Arc<Notify>>>,
    metrics: Metrics,
}

impl RunningBots {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self { changed: Mutex::default(), metrics }
    }

    /// Adds a bot that this server has leased.
    pub(super) fn add(self: &Arc<Self>, bot: Bot, lease: Lease) -> LeasedBot {
        let changed = Arc::new(Notify::new());
        self.lock().insert(bot.id, Arc::clone(&changed));
        self.metrics.bots_running(1);
        let output_revision = watch::Sender::new(bot.output_revision);
        let commands = watch::Sender::new(None);
        LeasedBot { bot, lease, changed, commands, output_revision, running: Arc::clone(self) }
    }

    /// How many bots run here.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.lock().len()).unwrap_or(u32::MAX)
    }

    /// Notifies a bot that its row has changed, if it runs here.
    pub(super) fn changed(&self, bot: BotId) {
        if let Some(changed) = self.lock().get(&bot) {
            changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BotId, Arc<Notify>>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bot that runs here. Dropping this removes it from the [`RunningBots`], also after a panic.
#[derive(Debug)]
pub(super) struct LeasedBot {
    pub(super) bot: Bot,
    pub(super) lease: Lease,
    /// Notified when its row has changed.
    changed: Arc<Notify>,
    commands: watch::Sender<Option<BotCommand>>,
    /// The output revision of the bot's row, as it was read last.
    output_revision: watch::Sender<u32>,
    running: Arc<RunningBots>,
}

impl LeasedBot {
    /// The output revision: it changes when the bot is to show another picture or to send a message.
    pub(super) fn output_revision(&self) -> watch::Receiver<u32> {
        self.output_revision.subscribe()
    }

    /// The commands to the bot.
    pub(super) fn commands(&self) -> LatestCommand {
        self.commands.subscribe()
    }

    /// Renews the lease and passes commands from the row to the bot's task. Returns when the lease is lost: another server
    /// may run the bot then.
    pub(super) async fn renew_until_lost(&self, parts: &RunParts, stopping: &CancellationToken) {
        let id = self.bot.id;
        loop {
            let expires_at = parts.env.now() + parts.timing.lease;
            let renewed = parts.store.renew_bot(id, &self.lease, expires_at).await;
            if let Ok(Some(row)) = &renewed {
                self.output_revision.send_if_modified(|known| {
                    std::mem::replace(known, row.output_revision) != row.output_revision
                });
            }
            match renewed {
                Ok(Some(row)) if row.leave_requested_at.is_some() => self.send_command(BotCommand::Leave),
                Ok(Some(_)) if stopping.is_cancelled() => self.send_command(BotCommand::HandOver),
                Ok(Some(_)) => {}
                Ok(None) => return,
                // While the store is unavailable, no other server can lease the bot. A server that stops does not wait for
                // the store.
                Err(error) => {
                    tracing::warn!(bot = %id, error = %chain(&error), "could not renew a bot's lease");
                    let words = format!("The bot's lease could not be renewed: {error}.");
                    parts.log.note(id, NewLogEntry::new(LogEntryKind::HeartbeatMissed, words));
                    if stopping.is_cancelled() {
                        self.send_command(BotCommand::HandOver);
                    }
                }
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = stopping.cancelled(), if !stopping.is_cancelled() => {}
                () = parts.env.clock.sleep(parts.timing.lease / LEASE_RENEWALS) => {}
            }
        }
    }

    fn send_command(&self, command: BotCommand) {
        self.commands.send_if_modified(|current| {
            let is_new = *current != Some(command);
            *current = Some(command);
            is_new
        });
    }
}

impl Drop for LeasedBot {
    fn drop(&mut self) {
        self.running.metrics.bots_running(-1);
        let mut running = self.running.lock();
        // If the lease expired while this process was paused, the process may have leased the bot a second time. The entry
        // of that second run must stay.
        if running.get(&self.bot.id).is_some_and(|changed| Arc::ptr_eq(changed, &self.changed)) {
            running.remove(&self.bot.id);
        }
    }
}
