//! `[refresh]`

use std::{num::NonZeroU32, time::Duration};

use broker::Timing;
use serde::{Deserialize, Serialize};

/// `[refresh]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Refresh {
    /// Interval between searches for due accounts, in seconds.
    pub(super) poll_seconds: NonZeroU32,
    /// Most accounts that are refreshed at once, including those that wait for Zoom's rate limit.
    pub(super) most_at_once: NonZeroU32,
}

impl Default for Refresh {
    fn default() -> Self {
        let Timing { refresh_poll, refreshes_at_once, .. } = Timing::default();
        Self { poll_seconds: whole_seconds(refresh_poll), most_at_once: refreshes_at_once }
    }
}

pub(super) fn whole_seconds(span: Duration) -> NonZeroU32 {
    u32::try_from(span.as_secs()).ok().and_then(NonZeroU32::new).expect("a short time")
}
