//! Counts pending deliveries, and deletes old events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use crate::Parts;

/// Interval between counts of pending deliveries.
const BACKLOG_INTERVAL: Duration = Duration::from_secs(30);
/// Interval between deletions of old events.
const RETENTION_INTERVAL: Duration = Duration::from_secs(3600);
/// The most events that are deleted in one transaction.
const MAX_FORGOTTEN: u32 = 500;

/// Counts pending deliveries for `/metrics`.
pub(crate) async fn run_backlog(parts: Arc<Parts>) -> Infallible {
    let Parts { store, env, metrics, .. } = &*parts;
    loop {
        match store.webhook_backlog().await {
            Ok(backlog) => {
                let age = backlog.oldest.map_or(0, |oldest| env.now().since(oldest).as_secs());
                metrics.webhook_backlog(backlog.pending, age);
            }
            Err(error) => {
                tracing::warn!(error = %model::chain(&error), "could not count pending deliveries");
            }
        }
        env.clock.sleep(BACKLOG_INTERVAL).await;
    }
}

/// Deletes events whose retention period has ended, with their deliveries.
pub(crate) async fn run_retention(parts: Arc<Parts>) -> Infallible {
    let Parts { store, env, keep, .. } = &*parts;
    loop {
        env.clock.sleep(RETENTION_INTERVAL).await;
        loop {
            match store.forget_events(env.now() - *keep, MAX_FORGOTTEN).await {
                Ok(forgotten) if forgotten >= u64::from(MAX_FORGOTTEN) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(error = %model::chain(&error), "could not delete old events");
                    break;
                }
            }
        }
    }
}
