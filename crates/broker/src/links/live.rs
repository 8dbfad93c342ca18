//! A link as it is served.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use ipnet::IpNet;
use model::{Code, CredentialId, Environment, Failure, Secret, Timestamp, TokenLinkId};
use outbound::attendee::AttendeeKey;
use outbound::signature::SigningKey;
use store::{AccountState, Dialect, Digest, LinkAccount, LinkSource, Proof, ServableLink, Store, TokenLink};
use tenants::{Cell, digest};
use tokio_util::task::TaskTracker;

use super::revision::{READ_WITHIN, Revision};
use crate::{Broker, memory::Memory};

/// A link that nobody has fetched from for so long is forgotten.
const KEPT_UNUSED: Duration = Duration::from_secs(600);

/// Row and keys, opened once, and what its accounts are like.
pub(crate) struct LiveLink {
    pub(super) row: TokenLink,
    pub(super) keys: Keys,
    pub(super) networks: Vec<IpNet>,
    accounts: Vec<AccountState>,
    /// The links' revision when it was read.
    revision: i64,
    /// When one of its keys ends by itself.
    keys_end_at: Option<Timestamp>,
    /// When it was fetched from last, in microseconds.
    used_at: AtomicI64,
}

/// What verifies the requests of a link: several while a secret is replaced.
pub(super) enum Keys {
    Standard(Vec<SigningKey>),
    Attendee(Vec<AttendeeKey>),
    /// It is not signatures that prove anything here.
    None,
}

impl LiveLink {
    /// Whether it can be served without reading it again.
    fn is_current(&self, revision: i64, now: Timestamp) -> bool {
        self.revision == revision && self.keys_end_at.is_none_or(|end| now < end)
    }

    fn is_in_use(&self, now: Timestamp) -> bool {
        now.since(Timestamp::from_microsecond(self.used_at.load(Ordering::Relaxed))) < KEPT_UNUSED
    }

    /// Whether it names this account.
    pub(crate) fn is_of(&self, id: CredentialId) -> bool {
        self.accounts.iter().any(|account| account.credential == id)
    }

    /// The accounts that it names, each with its state; `None` for one that is gone.
    pub(super) fn named(&self) -> impl Iterator<Item = (&LinkAccount, Option<AccountState>)> {
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
    kept: Memory<TokenLinkId, Arc<LiveLink>>,
    revision: Revision,
}

impl LinkCache {
    pub(crate) fn new(store: Arc<dyn Store>, env: Environment, tasks: TaskTracker) -> Self {
        Self { kept: Memory::default(), revision: Revision::new(store, env, tasks) }
    }

    /// Drops a link that this server has changed.
    pub(crate) fn forget(&self, id: TokenLinkId) {
        self.kept.forget(&id);
    }

    /// Drops the links that name an account.
    pub(crate) fn forget_those_of(&self, id: CredentialId) {
        self.kept.forget_where(|link| link.is_of(id));
    }
}

impl Broker {
    /// The link of an address, if the secret is right and the link lives. Unknown links and wrong secrets are told
    /// apart by neither answer nor time.
    pub(super) async fn live_link(&self, address: &str, now: Timestamp) -> Result<Arc<LiveLink>, Failure> {
        let unknown = || Failure::new(Code::LinkUnknown, "no link has this address");
        let (id, secret) = address.split_once('.').unwrap_or((address, ""));
        let link = match id.parse() {
            Ok(id) => self.read_link(id, now).await?,
            Err(_) => None,
        };
        let nobody: Digest = [0; 32];
        let expected = link.as_ref().map_or(&nobody, |link| &link.row.secret_digest);
        let right = verify_slices_are_equal(expected, &digest(secret)).is_ok();
        let link = link.filter(|_| right).ok_or_else(unknown)?;
        if link.row.revoked_at.is_some() {
            return Err(unknown());
        }
        let life = &link.row.life;
        if life.not_before.is_some_and(|begin| now < begin) {
            return Err(Failure::new(Code::LinkExpired, "the link is not valid yet"));
        }
        if life.expires_at.is_some_and(|end| now >= end) {
            return Err(Failure::new(Code::LinkExpired, "the link has expired"));
        }
        Ok(link)
    }

    /// The link, as the store had it within the last second.
    async fn read_link(&self, id: TokenLinkId, now: Timestamp) -> Result<Option<Arc<LiveLink>>, Failure> {
        let revision = self.links.revision.get(now).await?;
        let known = self.links.kept.get(&id);
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
            self.links.forget(id);
            return Ok(None);
        };
        self.links.kept.put(id, Arc::clone(&link), |link| link.is_in_use(now));
        Ok(Some(link))
    }

    async fn load_link(
        &self,
        id: TokenLinkId,
        revision: i64,
        now: Timestamp,
    ) -> Result<Option<LiveLink>, Failure> {
        let Some(ServableLink { link: row, accounts }) = self.store.servable_link(id).await? else {
            return Ok(None);
        };
        let (keys, keys_end_at) = self.keys_of_link(&row).await?;
        let networks = row.terms.networks.iter().map(|network| network.parse()).collect::<Result<_, _>>();
        let networks =
            networks.map_err(|_| Failure::new(Code::Internal, "a stored network that is not one"))?;
        let used_at = AtomicI64::new(now.as_microsecond());
        Ok(Some(LiveLink { row, keys, networks, accounts, revision, keys_end_at, used_at }))
    }

    /// The keys, and when one of them ends.
    async fn keys_of_link(&self, row: &TokenLink) -> Result<(Keys, Option<Timestamp>), Failure> {
        if row.terms.proof != Proof::Signature {
            return Ok((Keys::None, None));
        }
        let Some(sealed) = &row.signing_secret else {
            let secrets = self.workspaces.callback_secrets(row.workspace).await?;
            let end = secrets.former.as_ref().map(|(_, end)| *end);
            return Ok((Keys::Standard(secrets.keys()?), end));
        };
        let secrets = self.vault.open(row.workspace, Cell::SigningSecret(row.id), sealed)?;
        let secrets: Vec<Secret> = secrets.expose().split(' ').map(Secret::new).collect();
        let keys = match row.terms.dialect {
            Dialect::Attendee => Keys::Attendee(secrets.iter().filter_map(AttendeeKey::parse).collect()),
            Dialect::Recall | Dialect::MeetingBaas => {
                Keys::Standard(secrets.iter().filter_map(SigningKey::parse).collect())
            }
        };
        Ok((keys, None))
    }
}
