//! `[limits]`: how often the API may be called.

use std::num::NonZeroU32;

use ::api::Rates;
use serde::{Deserialize, Serialize};

/// `[limits]`: calls a minute.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Whether there are any, but for those of single keys.
    pub(crate) enabled: bool,
    /// New bots, for each workspace.
    pub(crate) create_bot: NonZeroU32,
    /// Each long list, for each workspace.
    pub(crate) lists: NonZeroU32,
    /// Every other endpoint, for each workspace.
    pub(crate) others: NonZeroU32,
    /// Everything that one key asks for, unless the key has a limit of its own.
    pub(crate) key: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        let Rates { create_bot, lists, others, key } = Rates::default();
        Self { enabled: true, create_bot, lists, others, key }
    }
}

impl Limits {
    /// How often the API may be called.
    pub(crate) fn rates(&self) -> Option<Rates> {
        let &Self { enabled, create_bot, lists, others, key } = self;
        enabled.then_some(Rates { create_bot, lists, others, key })
    }
}
