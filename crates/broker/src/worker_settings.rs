//! How often workers poll, and how much they do at once.

use std::{num::NonZeroU32, time::Duration};

use workers::Settings;

/// The operator's settings for the broker's workers.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The interval of polls for accounts that are due for a refresh.
    pub refresh_poll: Duration,
    /// How many accounts this process refreshes at once, including those that wait for their turn at Zoom.
    pub refreshes_at_once: NonZeroU32,
    /// The interval of polls for accounts whose meetings are due to be listed.
    pub list_poll: Duration,
    /// For how many accounts this process lists meetings at once.
    pub lists_at_once: NonZeroU32,
    /// The interval between two lists of an account's meetings. At most [`store::MAX_SYNC_PAUSE`].
    pub list_every: Duration,
    /// The interval for an app whose webhooks report changes in between.
    pub list_every_with_webhooks: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            refresh_poll: Duration::from_secs(1),
            refreshes_at_once: NonZeroU32::new(256).expect("not zero"),
            list_poll: Duration::from_secs(2),
            lists_at_once: NonZeroU32::new(4).expect("not zero"),
            list_every: Duration::from_secs(6 * 3600),
            list_every_with_webhooks: Duration::from_secs(24 * 3600),
        }
    }
}

impl Timing {
    /// A claim is made when half of the slots are free, so that the next claim is made while refreshes of this one still
    /// run.
    pub(crate) fn refreshes(&self) -> Settings {
        let half = NonZeroU32::new(self.refreshes_at_once.get() / 2).unwrap_or(NonZeroU32::MIN);
        Settings {
            most_at_once: self.refreshes_at_once,
            claim_at_least: half,
            poll_interval: self.refresh_poll,
        }
    }

    pub(crate) fn lists(&self) -> Settings {
        Settings {
            most_at_once: self.lists_at_once,
            claim_at_least: NonZeroU32::MIN,
            poll_interval: self.list_poll,
        }
    }
}
