//! `[bot_log]` and `[meeting_events]`: how long what bots leave behind is kept.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// `[bot_log]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BotLogSection {
    /// How long entries are kept, in days.
    pub(crate) keep_days: NonZeroU32,
}

/// `[meeting_events]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MeetingEventsSection {
    /// How long they are kept after the bot's end, in days.
    pub(crate) keep_days: NonZeroU32,
}

impl Default for BotLogSection {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::new(30).expect("not zero") }
    }
}

impl Default for MeetingEventsSection {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::new(30).expect("not zero") }
    }
}
