//! What the bots of a process depend on.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use broker::Broker;
use metrics::Metrics;
use model::Environment;
use outbound::CallbackClient;
use store::Store;

use crate::{BotLog, Browsers, CapacityRule, Screenshots};

/// How often a running bot renews its lease within the lease's duration.
pub(crate) const LEASE_RENEWALS: u32 = 6;

/// How long a bot keeps its seat of a pool without a renewal. Longer than its lease, so that a server that
/// takes the bot over finds the seat.
pub(crate) const SEAT_TTL: Duration = Duration::from_secs(300);

/// The operator's time limits.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// A bot that is later than this does not join.
    pub join_within: Duration,
    /// How long a bot that lost its place tries to rejoin.
    pub rejoin_within: Duration,
    /// From the join until Zoom has answered it.
    pub join_timeout: Duration,
    /// How long the SDK may try to reconnect by itself.
    pub reconnect_timeout: Duration,
    /// How long a bot's lease lasts without a renewal.
    pub lease: Duration,
    /// Interval between looks for due bots.
    pub poll_interval: Duration,
    /// How long before its time a scheduled bot is leased and its page opened.
    pub warm_up: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            join_within: Duration::from_secs(600),
            rejoin_within: Duration::from_secs(300),
            join_timeout: Duration::from_secs(60),
            reconnect_timeout: Duration::from_secs(60),
            lease: Duration::from_secs(30),
            poll_interval: Duration::from_secs(1),
            warm_up: Duration::from_secs(30),
        }
    }
}

/// How long data of bots is kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Rows of bots that have ended, with their steps.
    pub bots: Duration,
    /// Pictures.
    pub screenshots: Duration,
    /// Entries of bots' logs.
    pub bot_log: Duration,
    /// What happened in meetings, sealed: names, chat, captions. A request may ask for less.
    pub meeting_events: Duration,
    /// Interval between sweeps.
    pub sweep_interval: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self {
            bots: days(90),
            screenshots: days(30),
            bot_log: days(30),
            meeting_events: days(30),
            sweep_interval: Duration::from_secs(3600),
        }
    }
}

/// What bots depend on.
pub struct Parts {
    /// Rows.
    pub store: Arc<dyn Store>,
    /// Tokens and signatures.
    pub broker: Arc<Broker>,
    /// Pages.
    pub browsers: Browsers,
    /// Fetches tokens from callers' URLs.
    pub callbacks: CallbackClient,
    /// Pictures.
    pub screenshots: Screenshots,
    /// What bots do, and why.
    pub log: BotLog,
    /// Counts.
    pub metrics: Metrics,
    /// Time and randomness.
    pub env: Environment,
    /// How many bots run here at once.
    pub capacity: CapacityRule,
    /// Most bots of a workspace that wait or run, on all servers.
    pub most_of_a_workspace: NonZeroU32,
    /// The operator's time limits.
    pub timing: Timing,
    /// How long data of bots is kept.
    pub retention: Retention,
}
