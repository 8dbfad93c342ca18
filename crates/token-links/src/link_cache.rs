//! Links as they are served, kept in memory for as long as the store's are the same.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use broker::{AccountCache, ExpiringMap};
use ipnet::IpNet;
use model::{Code, Environment, Failure, Secret, Timestamp, TokenLinkId};
use store::{AccountState, LinkVerification, ServableLink, TokenLink, TokenLinks};
use tenants::{CallbackSecrets, Cell, Vault, Workspaces};

use crate::{
    dialects::{DialectRules, Verifier, rules},
    in_flight::{Fetches, InFlight},
    revision::{READ_WITHIN, Revision},
};

/// A link without fetches for this long is dropped from the cache.
const IDLE_TTL: Duration = Duration::from_secs(600);

/// Row and verifier, opened once, and the state of its accounts.
pub(crate) struct CachedLink {
    pub(crate) row: TokenLink,
    /// `None`: it is not signatures that prove anything here.
    pub(crate) verifier: Option<Box<dyn Verifier>>,
    pub(crate) networks: Vec<IpNet>,
    /// The state of the accounts that it names; none of those that are gone.
    pub(crate) accounts: Vec<AccountState>,
    /// Fetches of its workspace.
    pub(crate) fetches: Arc<Fetches>,
    /// The links' revision when it was read.
    revision: i64,
    /// When one of its keys ends by itself.
    keys_end_at: Option<Timestamp>,
    /// When it was fetched from last, in microseconds.
    used_at: AtomicI64,
}

impl CachedLink {
    /// How it is asked.
    pub(crate) fn rules(&self) -> &'static dyn DialectRules {
        rules(self.row.terms.dialect)
    }

    /// Whether it can be served without reading it again.
    fn is_current(&self, revision: i64, now: Timestamp) -> bool {
        self.revision == revision && self.keys_end_at.is_none_or(|end| now < end)
    }

    fn is_in_use(&self, now: Timestamp) -> bool {
        now.since(Timestamp::from_microsecond(self.used_at.load(Ordering::Relaxed))) < IDLE_TTL
    }
}

/// Finds links, and keeps those that are in use.
pub(crate) struct LinkCache {
    pub(crate) store: Arc<dyn TokenLinks + Send + Sync>,
    pub(crate) env: Environment,
    /// Opens the secrets of links that have one.
    pub(crate) vault: Vault,
    /// Knows the secrets that verify requests of links without one of their own.
    pub(crate) workspaces: Workspaces,
    /// Counts this server's own changes of accounts.
    pub(crate) accounts: Arc<AccountCache>,
    pub(crate) in_flight: InFlight,
    pub(crate) revision: Revision,
    pub(crate) links: ExpiringMap<TokenLinkId, Arc<CachedLink>>,
}

impl LinkCache {
    /// Drops a link that this server has changed.
    pub(crate) fn forget(&self, id: TokenLinkId) {
        self.links.forget(&id);
    }

    /// The link, as the store had it within the last second.
    pub(crate) async fn find(
        &self,
        id: TokenLinkId,
        now: Timestamp,
    ) -> Result<Option<Arc<CachedLink>>, Failure> {
        let revision = self.revision.get(now, self.accounts.changes()).await?;
        let known = self.links.get(&id);
        if let Some(link) = known.as_ref().filter(|link| link.is_current(revision, now)) {
            link.used_at.store(now.as_microsecond(), Ordering::Relaxed);
            return Ok(known);
        }
        let loading = self.load(id, revision, now);
        let loaded = match known {
            None => loading.await?,
            // When the store went away just after something has changed, what it said last goes on, as for all other links.
            Some(known) => match self.env.clock.timeout(READ_WITHIN, loading).await {
                None => return Ok(Some(known)),
                Some(Err(failure)) if failure.code == Code::Unavailable => return Ok(Some(known)),
                Some(loaded) => loaded?,
            },
        };
        let Some(link) = loaded.map(Arc::new) else {
            self.forget(id);
            return Ok(None);
        };
        self.links.put(id, Arc::clone(&link), |link| link.is_in_use(now));
        Ok(Some(link))
    }

    async fn load(
        &self,
        id: TokenLinkId,
        revision: i64,
        now: Timestamp,
    ) -> Result<Option<CachedLink>, Failure> {
        let Some(ServableLink { link: row, accounts }) = self.store.servable_link(id).await? else {
            return Ok(None);
        };
        let (verifier, keys_end_at) = self.verifier_of(&row).await?;
        let networks = row.terms.networks.iter().map(|network| network.parse()).collect::<Result<_, _>>();
        let networks =
            networks.map_err(|_| Failure::new(Code::Internal, "a stored network that is not one"))?;
        let used_at = AtomicI64::new(now.as_microsecond());
        let fetches = self.in_flight.of(row.workspace);
        Ok(Some(CachedLink { row, verifier, networks, accounts, fetches, revision, keys_end_at, used_at }))
    }

    /// What verifies signatures, and when one of its keys ends.
    async fn verifier_of(
        &self,
        row: &TokenLink,
    ) -> Result<(Option<Box<dyn Verifier>>, Option<Timestamp>), Failure> {
        if row.terms.proof != LinkVerification::Signature {
            return Ok((None, None));
        }
        let (secrets, end): (Vec<_>, _) = if let Some(sealed) = &row.signing_secret {
            let secrets = self.vault.open(row.workspace, Cell::SigningSecret(row.id), sealed)?;
            (secrets.expose().split(' ').map(Secret::new).collect(), None)
        } else {
            let CallbackSecrets { current, former } = self.workspaces.callback_secrets(row.workspace).await?;
            let (former, end) = former.unzip();
            ([current].into_iter().chain(former).collect(), end)
        };
        let verifier = rules(row.terms.dialect).verifier(&secrets);
        let verifier = verifier
            .ok_or_else(|| Failure::new(Code::Internal, "a stored signing secret that is not one"))?;
        Ok((Some(verifier), end))
    }
}
