//! Wakes the workers of this process when a bot has changed.

use std::sync::Arc;

use model::BotId;

/// Notifies the workers of this process that a bot's row has changed. Without a call, the workers see the change at their
/// next poll, after a second by default. Clones share one function.
#[derive(Clone)]
pub(crate) struct Wake(Arc<dyn Fn(BotId) + Send + Sync>);

impl Wake {
    pub(crate) fn new(wake: impl Fn(BotId) + Send + Sync + 'static) -> Self {
        Self(Arc::new(wake))
    }

    /// Call this when the bot was created or changed.
    pub(crate) fn bot(&self, bot: BotId) {
        (self.0)(bot);
    }
}
