//! What waits is counted, and what is old is forgotten.

use std::{convert::Infallible, sync::Arc, time::Duration};

use crate::Parts;

/// Between two counts of what waits.
const BACKLOG_INTERVAL: Duration = Duration::from_secs(30);
/// Between two looks for events that are old.
const RETENTION_INTERVAL: Duration = Duration::from_secs(3600);
/// Events that are deleted in one transaction.
const MAX_FORGOTTEN: u32 = 500;

/// Counts what waits, for `/metrics`.
pub(crate) async fn run_backlog(parts: Arc<Parts>) -> Infallible {
    let Parts { store, env, metrics, .. } = &*parts;
    loop {
        match store.webhook_backlog().await {
            Ok(backlog) => {
                let age = backlog.oldest.map_or(0, |oldest| env.now().since(oldest).as_secs());
                metrics.webhook_backlog(backlog.pending, age);
            }
            Err(error) => {
                tracing::warn!(error = %model::chain(&error), "deliveries that wait could not be counted")
            }
        }
        env.clock.sleep(BACKLOG_INTERVAL).await;
    }
}

/// Deletes events that are past their retention, with their deliveries.
pub(crate) async fn run_retention(parts: Arc<Parts>) -> Infallible {
    let Parts { store, env, keep, .. } = &*parts;
    loop {
        env.clock.sleep(RETENTION_INTERVAL).await;
        loop {
            match store.forget_events(env.now() - *keep, MAX_FORGOTTEN).await {
                Ok(forgotten) if forgotten >= u64::from(MAX_FORGOTTEN) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(error = %model::chain(&error), "old events could not be forgotten");
                    break;
                }
            }
        }
    }
}
