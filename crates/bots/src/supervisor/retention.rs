//! Deletes data whose retention period has ended: rows of ended bots, events of meetings, entries of logs, and pictures.

use std::{convert::Infallible, sync::Arc};

use model::{Environment, chain};
use store::{BotLogs, Bots, MeetingEvents, StoreError};

use crate::{
    screenshots::{SWEEP_BATCH, Screenshots, Swept},
    settings::Retention,
};

/// Deletes data whose retention period has ended.
pub(crate) struct Sweeper {
    pub(crate) bots: Arc<dyn Bots + Send + Sync>,
    pub(crate) logs: Arc<dyn BotLogs + Send + Sync>,
    pub(crate) events: Arc<dyn MeetingEvents + Send + Sync>,
    pub(crate) screenshots: Screenshots,
    pub(crate) retention: Retention,
    pub(crate) env: Environment,
}

impl Sweeper {
    /// Sweeps for as long as it is polled.
    pub(super) async fn run(self: Arc<Self>) -> Infallible {
        let Self { bots, logs, events, screenshots, retention, env } = &*self;
        loop {
            let now = env.now();
            let before = now - retention.bots;
            match all(|| bots.forget_ended_bots(before, SWEEP_BATCH)).await {
                Ok(0) => {}
                Ok(bots) => tracing::info!(bots, "deleted the rows of bots that ended long ago"),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "could not delete the rows of bots that ended long ago");
                }
            }
            match all(|| events.forget_meeting_events(env.now(), SWEEP_BATCH)).await {
                Ok(0) => {}
                Ok(bots) => tracing::info!(bots, "erased old events of meetings"),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "could not erase old events of meetings");
                }
            }
            let before = now - retention.bot_log;
            match all(|| logs.forget_bot_log(before, SWEEP_BATCH)).await {
                Ok(0) => {}
                Ok(entries) => tracing::info!(entries, "deleted old entries of bots' logs"),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "could not delete old entries of bots' logs");
                }
            }
            // Last, because the pictures of bots that were deleted above have no row any more.
            match screenshots.sweep(env.now() - retention.screenshots).await {
                Ok(Swept { rows: 0, files: 0 }) => {}
                Ok(Swept { rows, files }) => tracing::info!(rows, files, "deleted old screenshots"),
                Err(error) => tracing::warn!(error = %chain(&error), "could not delete old screenshots"),
            }
            env.clock.sleep(retention.sweep_interval).await;
        }
    }
}

/// Deletes batches until one is not full. Returns how many rows were deleted.
async fn all<F>(batch: impl Fn() -> F) -> Result<u64, StoreError>
where
    F: Future<Output = Result<u64, StoreError>>,
{
    let mut sum = 0;
    loop {
        let deleted = batch().await?;
        sum += deleted;
        if deleted < u64::from(SWEEP_BATCH) {
            return Ok(sum);
        }
    }
}
