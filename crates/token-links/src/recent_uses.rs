//! The last uses of each link, for display: collected in memory and written every few seconds.
//!
//! The audit is the complete record; this one may lose a few seconds when a server dies.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{Environment, Failure, Outcome, Timestamp, TokenKind, TokenLinkId, chain};
use store::{LAST_USES, LinkUse, TokenLinks};

use crate::request::{LinkRequest, Requested};

/// The time between two rounds of writing.
const WRITE_INTERVAL: Duration = Duration::from_secs(5);
/// Links in one transaction, so that it takes a few milliseconds and the audit can write in between.
const BATCH: usize = 50;
/// After each write, the pause is this many times as long as the write took. With thousands of links in use their
/// uses are shown later, but reads don't slow down.
const REST_FACTOR: u32 = 19;
/// The most links whose uses are collected at a time; uses of further links are not shown.
const MAX_LINKS: usize = 10_000;

/// The last uses of links.
pub struct RecentUses {
    store: Arc<dyn TokenLinks + Send + Sync>,
    env: Environment,
    /// Uses that are not yet written, newest first.
    gathered: Mutex<HashMap<TokenLinkId, VecDeque<LinkUse>>>,
}

impl RecentUses {
    pub(crate) fn new(store: Arc<dyn TokenLinks + Send + Sync>, env: Environment) -> Self {
        Self { store, env, gathered: Mutex::default() }
    }

    /// Records how a fetch ended.
    pub(crate) fn note<T>(
        &self,
        id: TokenLinkId,
        (kind, requested): (TokenKind, &Requested),
        request: &LinkRequest<'_>,
        done: &Result<T, Failure>,
        at: Timestamp,
    ) {
        let outcome = match done {
            Ok(_) => Outcome::GIVEN,
            Err(failure) => failure.code.as_str(),
        };
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        if gathered.len() >= MAX_LINKS && !gathered.contains_key(&id) {
            return;
        }
        let uses = gathered.entry(id).or_default();
        uses.truncate(LAST_USES - 1);
        uses.push_front(LinkUse {
            at,
            kind,
            outcome: outcome.into(),
            from: request.from,
            bot: requested.bot.as_ref().map(|bot| bot.as_str().to_owned()),
            meeting: requested.meeting,
        });
    }

    /// The links with unwritten uses, in the order of their ids.
    fn links(&self) -> Vec<TokenLinkId> {
        let mut links: Vec<_> =
            self.gathered.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect();
        links.sort_unstable();
        links
    }

    /// Takes the unwritten uses of these links.
    fn take(&self, links: &[TokenLinkId]) -> Vec<(TokenLinkId, Vec<LinkUse>)> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        links.iter().filter_map(|id| Some((*id, gathered.remove(id)?.into()))).collect()
    }

    /// Writes the collected uses.
    pub async fn write(&self) {
        for links in self.links().chunks(BATCH) {
            self.write_of(links).await;
        }
    }

    async fn write_of(&self, links: &[TokenLinkId]) {
        let uses = self.take(links);
        if let Err(error) = self.store.note_uses(&uses).await {
            tracing::warn!(links = links.len(), error = %chain(&error), "the last uses of token links were not stored");
        }
    }

    /// Writes the last uses of links, for as long as it is polled.
    pub(crate) async fn run(&self) -> Infallible {
        loop {
            for links in self.links().chunks(BATCH) {
                let begun = self.env.now();
                self.write_of(links).await;
                let rest = self.env.now().since(begun) * REST_FACTOR;
                self.env.clock.sleep(rest.min(WRITE_INTERVAL)).await;
            }
            self.env.clock.sleep(WRITE_INTERVAL).await;
        }
    }
}

impl std::fmt::Debug for RecentUses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecentUses").finish_non_exhaustive()
    }
}
