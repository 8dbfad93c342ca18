//! `[bot_log]`

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// `[bot_log]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BotLogSection {
    /// Retention of entries, in days.
    pub(crate) keep_days: NonZeroU32,
}

impl Default for BotLogSection {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::new(30).expect("not zero") }
    }
}
