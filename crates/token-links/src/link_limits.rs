//! Limits of a link: fetches in a minute, and total uses.

use std::{num::NonZeroU32, sync::Arc};

use model::{Code, Failure, Timestamp, TokenLinkId};
use rate_limits::Limiter;
use store::{StoreError, TokenLink, TokenLinks};

/// Counts fetches and uses. Fetches are counted by this server alone, uses by the store.
pub(crate) struct LinkLimits {
    store: Arc<dyn TokenLinks + Send + Sync>,
    rates: Limiter<TokenLinkId>,
}

impl LinkLimits {
    pub(crate) fn new(store: Arc<dyn TokenLinks + Send + Sync>) -> Self {
        Self { store, rates: Limiter::default() }
    }

    /// Counts a fetch; refuses it if the link has reached its limit of this minute.
    pub(crate) fn admit_fetch(&self, link: &TokenLink, now: Timestamp) -> Result<(), Failure> {
        let Some(limit) = link.terms.per_minute.and_then(NonZeroU32::new) else { return Ok(()) };
        self.rates.admit(&link.id, limit, now).map_err(|wait| {
            let limited =
                Failure::new(Code::RateLimited, "the link has reached its limit of fetches a minute");
            Failure { retry_after: Some(wait), ..limited }
        })
    }

    /// Counts a use of a link whose uses are limited; refuses it if no use is left.
    pub(crate) async fn count_use(&self, link: &TokenLink) -> Result<(), Failure> {
        if link.life.max_uses.is_some() && !self.store.count_use(link.id).await? {
            return Err(Failure::new(Code::LinkExpired, "the link has reached its limit of uses"));
        }
        Ok(())
    }

    /// Subtracts a use that gave no token.
    pub(crate) async fn uncount_use(&self, link: &TokenLink) -> Result<(), StoreError> {
        if link.life.max_uses.is_some() { self.store.uncount_use(link.id).await } else { Ok(()) }
    }
}
