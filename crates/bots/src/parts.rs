//! What bots are made of.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use broker::Broker;
use metrics::Metrics;
use model::Environment;
use outbound::CallbackClient;
use store::Store;

use crate::{Fleet, Screenshots};

/// How often a running bot renews its lease while it lasts.
pub(crate) const LEASE_RENEWALS: u32 = 6;

/// How long a bot's seat in a pool is its own without a renewal. Longer than its lease: its server may die, and whoever takes
/// the bot over shall find the seat.
pub(crate) const SEAT_TTL: Duration = Duration::from_secs(300);

/// The operator's times.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// A bot that is later than this does not join.
    pub join_within: Duration,
    /// For how long a bot that lost its place tries to come back.
    pub come_back_within: Duration,
    /// From the join until Zoom has answered it.
    pub join_timeout: Duration,
    /// For how long the SDK may try to restore a connection by itself.
    pub reconnect_timeout: Duration,
    /// How long a bot belongs to a server that does not renew its lease.
    pub lease: Duration,
    /// How often due bots are looked for.
    pub poll_interval: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            join_within: Duration::from_secs(600),
            come_back_within: Duration::from_secs(300),
            join_timeout: Duration::from_secs(60),
            reconnect_timeout: Duration::from_secs(60),
            lease: Duration::from_secs(30),
            poll_interval: Duration::from_secs(1),
        }
    }
}

/// How long is kept what bots leave behind.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Rows of bots that have ended, with their steps.
    pub bots: Duration,
    /// Pictures.
    pub screenshots: Duration,
    /// Between two looks for what is past its time.
    pub sweep_interval: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self { bots: days(90), screenshots: days(30), sweep_interval: Duration::from_secs(3600) }
    }
}

/// What bots need.
pub struct Parts {
    /// Where rows live.
    pub store: Arc<dyn Store>,
    /// Gives tokens and signatures.
    pub broker: Arc<Broker>,
    /// Gives pages.
    pub fleet: Fleet,
    /// Fetches tokens from callers' URLs.
    pub callbacks: CallbackClient,
    /// Keeps pictures.
    pub screenshots: Screenshots,
    /// Counts.
    pub metrics: Metrics,
    /// Time and randomness.
    pub env: Environment,
    /// How many bots run here at once.
    pub capacity: usize,
    /// How many bots of a workspace may be waiting or running, on all servers.
    pub most_of_a_workspace: NonZeroU32,
    /// The operator's times.
    pub timing: Timing,
    /// How long is kept what they leave behind.
    pub retention: Retention,
}
