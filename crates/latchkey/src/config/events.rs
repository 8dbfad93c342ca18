//! `[events]`: events for webhook endpoints.

use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

/// `[events]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Events {
    /// Retention of events and their deliveries, in days.
    pub(crate) keep_days: NonZeroU32,
    /// Interval between searches for events that other servers wrote, in seconds.
    poll_seconds: NonZeroU32,
}

impl Default for Events {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::new(30).expect("not zero"), poll_seconds: NonZeroU32::MIN }
    }
}

impl Events {
    /// Retention of events and their deliveries.
    pub(crate) fn kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days.get()) * 24 * 3600)
    }

    /// Interval between searches for events that other servers wrote.
    pub(crate) fn poll_interval(&self) -> Duration {
        Duration::from_secs(self.poll_seconds.get().into())
    }
}
