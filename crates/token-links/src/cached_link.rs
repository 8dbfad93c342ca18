//! A link as it is served.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use broker::Memory;
use ipnet::IpNet;
use model::{Code, Environment, Failure, Secret, Timestamp, TokenLinkId};
use store::{AccountState, Digest, LinkAccount, LinkSource, LinkStore, Proof, ServableLink, TokenLink};
use tenants::{CallbackSecrets, Cell, digest};
use tokio_util::task::TaskTracker;

use crate::{
    TokenLinks,
    dialects::{DialectRules, Verifier, recognised, rules},
    in_flight::Fetches,
    request::LinkRequest,
    revision::{READ_WITHIN, Revision},
    serve::LinkRefusal,
};

/// A link without fetches for this long is dropped from the cache.
const IDLE_TTL: Duration = Duration::from_secs(600);

/// Row and verifier, opened once, and the state of its accounts.
pub(crate) struct CachedLink {
    pub(crate) row: TokenLink,
    /// `None`: it is not signatures that prove anything here.
    pub(crate) verifier: Option<Box<dyn Verifier>>,
    pub(crate) networks: Vec<IpNet>,
    accounts: Vec<AccountState>,
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

    /// The accounts that it names, each with its state; `None` for one that is gone.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&LinkAccount, Option<AccountState>)> {
        let named = match &self.row.terms.source {
            LinkSource::Accounts(named) => named.as_slice(),
            LinkSource::Pool(_) | LinkSource::Host => &[],
        };
        named.iter().map(|account| {
            let state = self.accounts.iter().find(|state| state.credential == account.credential);
            (account, state.copied())
        })
    }
}

/// Links that this server keeps.
pub(crate) struct LinkCache {
    links: Memory<TokenLinkId, Arc<CachedLink>>,
    revision: Revision,
}

impl LinkCache {
    pub(crate) fn new(store: Arc<dyn LinkStore>, env: Environment, tasks: TaskTracker) -> Self {
        Self { links: Memory::default(), revision: Revision::new(store, env, tasks) }
    }

    /// Drops a link that this server has changed.
    pub(crate) fn forget(&self, id: TokenLinkId) {
        self.links.forget(&id);
    }
}

impl TokenLinks {
    /// The link of a request, if the secret is right and the link lives. Unknown links and wrong secrets are told apart by
    /// neither answer nor time.
    pub(crate) async fn link_of(
        &self,
        request: &LinkRequest<'_>,
        now: Timestamp,
    ) -> Result<Arc<CachedLink>, LinkRefusal> {
        let link = match request.id_and_secret().0.parse() {
            Ok(id) => self.read_link(id, now).await,
            Err(_) => Ok(None),
        };
        let link = link.map_err(|failure| LinkRefusal::new(recognised(request), None, failure))?;
        let link = link.filter(|link| link.row.revoked_at.is_none());
        let rules = link.as_ref().map_or_else(|| recognised(request), |link| link.rules());
        let nobody: Digest = [0; 32];
        let expected = link.as_ref().map_or(&nobody, |link| &link.row.secret_digest);
        let given = rules.secret(request).unwrap_or("");
        let right = verify_slices_are_equal(expected, &digest(given)).is_ok();
        let Some(link) = link.filter(|_| right) else {
            let unknown = Failure::new(Code::LinkUnknown, "no link has this address");
            return Err(match rules.unauthorized(request) {
                Some(failure) => LinkRefusal::new(rules, None, failure),
                None => LinkRefusal::new(recognised(request), None, unknown),
            });
        };
        let life = &link.row.life;
        let expired = |words| {
            let failure = Failure::new(Code::LinkExpired, words);
            self.refusals.note(&link.row, &failure, now);
            LinkRefusal::new(recognised(request), None, failure)
        };
        if life.not_before.is_some_and(|begin| now < begin) {
            return Err(expired("the link is not valid yet"));
        }
        if life.expires_at.is_some_and(|end| now >= end) {
            return Err(expired("the link has expired"));
        }
        Ok(link)
    }

    /// The link, as the store had it within the last second.
    async fn read_link(&self, id: TokenLinkId, now: Timestamp) -> Result<Option<Arc<CachedLink>>, Failure> {
        let revision = self.cache.revision.get(now, self.broker.accounts.cache.changes()).await?;
        let known = self.cache.links.get(&id);
        if let Some(link) = known.as_ref().filter(|link| link.is_current(revision, now)) {
            link.used_at.store(now.as_microsecond(), Ordering::Relaxed);
            return Ok(known);
        }
        let loading = self.load_link(id, revision, now);
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
            self.cache.forget(id);
            return Ok(None);
        };
        self.cache.links.put(id, Arc::clone(&link), |link| link.is_in_use(now));
        Ok(Some(link))
    }

    async fn load_link(
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
        if row.terms.proof != Proof::Signature {
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
