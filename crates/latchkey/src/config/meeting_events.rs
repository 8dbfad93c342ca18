//! `[meeting_events]`

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// `[meeting_events]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MeetingEventsSection {
    /// Retention after the bot's end, in days.
    pub(crate) keep_days: NonZeroU32,
}

impl Default for MeetingEventsSection {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::new(30).expect("not zero") }
    }
}
