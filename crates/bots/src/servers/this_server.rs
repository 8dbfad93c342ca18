//! This server, as one that runs bots.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::capacity::{Capacity, CapacityRule};

/// A bot that joins later than this counts as scheduled: a server that runs bots may still be started for it.
pub(crate) const AD_HOC: Duration = Duration::from_secs(600);
/// The row of a server that has not reported for this long is deleted.
pub(crate) const FORGET_SERVER_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// This server, as one that runs bots.
pub(crate) struct ThisServer {
    /// Identifies this server to the others.
    pub(crate) id: String,
    /// Whether this server runs bots at all.
    pub(crate) runs_bots: bool,
    pub(crate) capacity: Capacity,
    /// Cancelled when this server is to accept no further bots.
    pub(crate) finishing: CancellationToken,
}

impl ThisServer {
    pub(crate) fn new(id: String, rule: CapacityRule) -> Arc<Self> {
        Arc::new(Self {
            id,
            runs_bots: rule.runs_bots(),
            capacity: Capacity::new(rule),
            finishing: CancellationToken::new(),
        })
    }

    /// How many bots can run here now, including the running ones: 0 once the server is finishing.
    pub(crate) fn takes(&self) -> u32 {
        if self.runs_bots && !self.finishing.is_cancelled() { self.capacity.now() } else { 0 }
    }
}
