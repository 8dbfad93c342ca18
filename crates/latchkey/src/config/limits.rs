//! `[limits]`: rate limits of the API.

use std::num::NonZeroU32;

use ::api::Rates;
use serde::{Deserialize, Serialize};

/// `[limits]`: calls per minute.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Whether the limits apply. Limits of single keys always do.
    pub(crate) enabled: bool,
    /// New bots, per workspace.
    pub(crate) create_bot: NonZeroU32,
    /// Each long list, per workspace.
    pub(crate) lists: NonZeroU32,
    /// Every other endpoint, per workspace.
    pub(crate) others: NonZeroU32,
    /// All calls with one key, unless the key has a limit of its own.
    pub(crate) key: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        let Rates { create_bot, lists, others, key } = Rates::default();
        Self { enabled: true, create_bot, lists, others, key }
    }
}

impl Limits {
    /// The rate limits, if enabled.
    pub(crate) fn rates(&self) -> Option<Rates> {
        let &Self { enabled, create_bot, lists, others, key } = self;
        enabled.then_some(Rates { create_bot, lists, others, key })
    }
}
