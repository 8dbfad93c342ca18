//! Leases bots that will not join any more, and records their last step.

use std::sync::Arc;

use store::{Bot, Lease, StoreError};
use workers::{Claimed, Work};

use crate::run::{self, RunParts};

/// A worker for bots that will not join any more. Recording their last step needs no browser and no free slot.
pub(super) struct BotsToClose {
    pub(super) parts: Arc<RunParts>,
}

impl Work for BotsToClose {
    const NAME: &'static str = "bots_to_close";
    type Item = (Bot, Lease);
    type Error = StoreError;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<(Bot, Lease)>>, StoreError> {
        let RunParts { store, env, timing, .. } = &*self.parts;
        let (tokens, now) = (self.parts.lease_tokens(most), env.now());
        let missed_before = now - timing.join_within;
        let leased = store.lease_bots_to_close(&tokens, missed_before, now, now + timing.lease).await?;
        // Their last step was due when they missed the deadline for joining.
        let claimed =
            |item: (Bot, Lease)| Claimed { due_at: run::due_at(&item.0, now) + timing.join_within, item };
        Ok(leased.into_iter().map(claimed).collect())
    }

    async fn run(&self, (bot, lease): &(Bot, Lease)) -> Result<(), StoreError> {
        run::close(&self.parts, bot, *lease).await;
        Ok(())
    }
}
