//! Wakes the workers of this process.

use std::sync::Arc;

use model::BotId;

/// Makes the workers of this process look at a bot whose row has changed. A lost call costs a second. Clones share it.
#[derive(Clone)]
pub(crate) struct Wake(Arc<dyn Fn(BotId) + Send + Sync>);

impl Wake {
    pub(crate) fn new(wake: impl Fn(BotId) + Send + Sync + 'static) -> Self {
        Self(Arc::new(wake))
    }

    /// This bot was created or changed.
    pub(crate) fn bot(&self, bot: BotId) {
        (self.0)(bot);
    }
}
