//! A cache of links as they are served. An entry is used while the link in the store is unchanged.

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

/// A cached link: its row, its verifier with opened secrets, and the state of its accounts.
pub(crate) struct CachedLink {
    pub(crate) row: TokenLink,
    /// `None` if the link does not require signatures.
    pub(crate) verifier: Option<Box<dyn Verifier>>,
    pub(crate) networks: Vec<IpNet>,
    /// The state of the accounts that it names, without those that no longer exist.
    pub(crate) accounts: Vec<AccountState>,
    /// The counter of its workspace's fetches.
    pub(crate) fetches: Arc<Fetches>,
    /// The revision of links when it was read.
    revision: i64,
    /// When the first of its keys expires.
    keys_end_at: Option<Timestamp>,
    /// The time of the last fetch, in microseconds.
    used_at: AtomicI64,
}

impl CachedLink {
    /// The rules of its dialect.
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

/// Finds links, and caches those that are in use.
pub(crate) struct LinkCache {
    pub(crate) store: Arc<dyn TokenLinks + Send + Sync>,
    pub(crate) env: Environment,
    /// Opens the signing secrets of links that have their own.
    pub(crate) vault: Vault,
    /// Has the callback secrets, for links without their own signing secret.
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

    /// The link as it was in the store within the last second.
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
            // If the store became unavailable just after a change, the cached link is still served, as all other links are.
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
        let networks = networks
            .map_err(|_| Failure::new(Code::Internal, "a stored network of this link is not a valid CIDR"))?;
        let used_at = AtomicI64::new(now.as_microsecond());
        let fetches = self.in_flight.of(row.workspace);
        Ok(Some(CachedLink { row, verifier, networks, accounts, fetches, revision, keys_end_at, used_at }))
    }

    /// The verifier of signatures, and when the first of its keys expires.
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
        let verifier = verifier.ok_or_else(|| {
            Failure::new(Code::Internal, "a stored signing secret of this link is not valid")
        })?;
        Ok((Some(verifier), end))
    }
}
