//! Deletes rows of bots that have ended, and pictures, when they are past their time.

use std::{convert::Infallible, sync::Arc};

use store::StoreError;

use crate::{Parts, Swept, screenshots::SWEEP_BATCH};

/// Sweeps for as long as it is polled.
pub(crate) async fn run(parts: Arc<Parts>) -> Infallible {
    let Parts { env, screenshots, retention, .. } = &*parts;
    loop {
        match forget_bots(&parts).await {
            Ok(0) => {}
            Ok(bots) => tracing::info!(bots, "bots that ended long ago were deleted"),
            Err(error) => tracing::warn!(%error, "bots that ended long ago stay"),
        }
        match forget_meeting_events(&parts).await {
            Ok(0) => {}
            Ok(bots) => tracing::info!(bots, "what happened in meetings was erased"),
            Err(error) => tracing::warn!(%error, "what happened in meetings stays"),
        }
        match forget_log(&parts).await {
            Ok(0) => {}
            Ok(entries) => tracing::info!(entries, "old entries of bots' logs were deleted"),
            Err(error) => tracing::warn!(%error, "old entries of bots' logs stay"),
        }
        // After the bots: the files of their pictures have no row any more.
        match screenshots.sweep(env.now() - retention.screenshots).await {
            Ok(Swept { rows: 0, files: 0 }) => {}
            Ok(Swept { rows, files }) => tracing::info!(rows, files, "old screenshots were deleted"),
            Err(error) => tracing::warn!(%error, "old screenshots stay"),
        }
        env.clock.sleep(retention.sweep_interval).await;
    }
}

async fn forget_bots(parts: &Parts) -> Result<u64, StoreError> {
    let Parts { store, env, retention, .. } = parts;
    let (end, mut all) = (env.now() - retention.bots, 0);
    loop {
        let forgotten = store.forget_ended_bots(end, SWEEP_BATCH).await?;
        all += forgotten;
        if forgotten < u64::from(SWEEP_BATCH) {
            return Ok(all);
        }
    }
}

async fn forget_log(parts: &Parts) -> Result<u64, StoreError> {
    let Parts { store, env, retention, .. } = parts;
    let (end, mut all) = (env.now() - retention.bot_log, 0);
    loop {
        let forgotten = store.forget_bot_log(end, SWEEP_BATCH).await?;
        all += forgotten;
        if forgotten < u64::from(SWEEP_BATCH) {
            return Ok(all);
        }
    }
}

async fn forget_meeting_events(parts: &Parts) -> Result<u64, StoreError> {
    let Parts { store, env, .. } = parts;
    let mut all = 0;
    loop {
        let forgotten = store.forget_meeting_events(env.now(), SWEEP_BATCH).await?;
        all += forgotten;
        if forgotten < u64::from(SWEEP_BATCH) {
            return Ok(all);
        }
    }
}
