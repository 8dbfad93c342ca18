//! The dependencies of running bots.

use std::{sync::Arc, time::Duration};

use broker::Broker;
use metrics::Metrics;
use model::{Environment, LeaseToken};
use outbound::CallbackClient;
use store::BotStore;

use crate::{browsers::Browsers, log::BotLog, screenshots::Screenshots, settings::Timing};

/// How long a bot's seat of a pool stays reserved without a renewal. Longer than the bot's lease, so that a server that
/// takes over the bot finds the seat.
pub(super) const SEAT_TTL: Duration = Duration::from_secs(300);

/// The dependencies that running bots share.
pub(crate) struct RunParts {
    pub(crate) store: Arc<dyn BotStore>,
    pub(crate) broker: Arc<Broker>,
    pub(crate) browsers: Browsers,
    pub(crate) callbacks: CallbackClient,
    pub(crate) screenshots: Screenshots,
    pub(crate) log: BotLog,
    pub(crate) metrics: Metrics,
    pub(crate) env: Environment,
    pub(crate) timing: Timing,
    /// How long events of meetings are stored after a bot's end, at most.
    pub(crate) events_kept_for: Duration,
}

impl RunParts {
    /// Generates one token for each bot that is to be leased.
    pub(crate) fn lease_tokens(&self, count: u32) -> Vec<LeaseToken> {
        LeaseToken::generate_many(&self.env, count)
    }
}
