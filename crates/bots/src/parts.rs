//! What bots are made of.

use std::{sync::Arc, time::Duration};

use broker::Broker;
use model::Environment;
use outbound::CallbackClient;
use store::Store;

use crate::{Fleet, Screenshots};

/// How long a bot belongs to a supervisor that says nothing.
pub(crate) const LEASE_LIFE: Duration = Duration::from_secs(30);

/// How long a bot's seat in a pool is its own without a word. Longer than its lease: its server may die, and whoever takes
/// the bot over shall find the seat.
pub(crate) const SEAT_LIFE: Duration = Duration::from_secs(300);

/// How long a bot may be late or away.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// A bot that is later than this does not join.
    pub join_within: Duration,
    /// For how long a bot that lost its place tries to come back.
    pub come_back_within: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { join_within: Duration::from_secs(600), come_back_within: Duration::from_secs(300) }
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
    /// Time and randomness.
    pub env: Environment,
    /// How many bots run here at once.
    pub capacity: usize,
    /// How long a bot may be late or away.
    pub deadlines: Deadlines,
}
