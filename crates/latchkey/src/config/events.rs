//! `[events]`: what endpoints are told.

use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

/// `[events]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Events {
    /// How long events and their deliveries are kept, in days.
    pub(crate) keep_days: NonZeroU32,
}

impl Default for Events {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::new(30).expect("not zero") }
    }
}

impl Events {
    /// How long they are kept.
    pub(crate) fn kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days.get()) * 24 * 3600)
    }
}
