//! A link as it is served.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use ipnet::IpNet;
use model::{Code, CredentialId, Failure, Secret, Timestamp, TokenLinkId};
use outbound::attendee::AttendeeKey;
use store::{AccountState, Dialect, Digest, LinkAccount, LinkSource, Proof, ServableLink, TokenLink};

use crate::{Broker, Cell, memory::Memory, signature::SigningKey, workspace::digest};

/// How long a link is served from memory: a revocation takes hold within this.
const LINK_MEMORY: Duration = Duration::from_secs(1);
/// How long a link is served although the store is away. What was revoked meanwhile is known only to the store.
const STORE_MAY_BE_AWAY: Duration = Duration::from_secs(120);
/// How long a known link waits for the store.
const READ_WITHIN: Duration = Duration::from_secs(1);

/// Row and keys, opened once, and what its accounts are like.
#[derive(Clone)]
pub(crate) struct LiveLink {
    pub(super) row: TokenLink,
    pub(super) keys: Keys,
    pub(super) networks: Vec<IpNet>,
    accounts: Vec<AccountState>,
    read_at: Timestamp,
    /// Later than `read_at` while the store is away: it is not asked for every request.
    looked_at: Timestamp,
}

/// What verifies the requests of a link: several while a secret is replaced.
#[derive(Clone)]
pub(super) enum Keys {
    Standard(Vec<SigningKey>),
    Attendee(Vec<AttendeeKey>),
    /// It is not signatures that prove anything here.
    None,
}

impl LiveLink {
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

/// Links that were served within the last second.
pub(crate) type LinkCache = Memory<TokenLinkId, Arc<LiveLink>>;

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

    /// The link, as the store has it, or had it a second ago.
    async fn read_link(&self, id: TokenLinkId, now: Timestamp) -> Result<Option<Arc<LiveLink>>, Failure> {
        let recent = |link: &Arc<LiveLink>| now.since(link.looked_at) < LINK_MEMORY;
        let known = self.links.get(&id);
        if let Some(link) = known.as_ref().filter(|link| recent(link)) {
            return Ok(Some(Arc::clone(link)));
        }
        let link = match known {
            None => self.load_link(id, now).await?,
            // While the store is away, what it said last goes on for a while: tokens that are valid are served.
            Some(known) => match self.env.clock.timeout(READ_WITHIN, self.load_link(id, now)).await {
                None if now.since(known.read_at) < STORE_MAY_BE_AWAY => Some(stale(&known, now)),
                Some(Err(failure))
                    if failure.code == Code::Unavailable && now.since(known.read_at) < STORE_MAY_BE_AWAY =>
                {
                    Some(stale(&known, now))
                }
                None => return Err(Failure::new(Code::Unavailable, "the store does not answer")),
                Some(loaded) => loaded?,
            },
        };
        let Some(link) = link else {
            self.links.forget(&id);
            return Ok(None);
        };
        let link = Arc::new(link);
        self.links.put(id, Arc::clone(&link), |link| now.since(link.looked_at) < STORE_MAY_BE_AWAY);
        Ok(Some(link))
    }

    async fn load_link(&self, id: TokenLinkId, now: Timestamp) -> Result<Option<LiveLink>, Failure> {
        let Some(ServableLink { link: row, accounts }) = self.store.servable_link(id).await? else {
            return Ok(None);
        };
        let keys = self.keys_of_link(&row).await?;
        let networks = row.terms.networks.iter().map(|network| network.parse()).collect::<Result<_, _>>();
        let networks =
            networks.map_err(|_| Failure::new(Code::Internal, "a stored network that is not one"))?;
        Ok(Some(LiveLink { row, keys, networks, accounts, read_at: now, looked_at: now }))
    }

    async fn keys_of_link(&self, row: &TokenLink) -> Result<Keys, Failure> {
        if row.terms.proof != Proof::Signature {
            return Ok(Keys::None);
        }
        let Some(sealed) = &row.signing_secret else {
            return Ok(Keys::Standard(self.callback_keys(row.workspace).await?));
        };
        let secrets = self.vault.open(row.workspace, Cell::SigningSecret(row.id), sealed)?;
        let secrets: Vec<Secret> = secrets.expose().split(' ').map(Secret::new).collect();
        Ok(match row.terms.dialect {
            Dialect::Attendee => Keys::Attendee(secrets.iter().filter_map(AttendeeKey::parse).collect()),
            Dialect::Recall | Dialect::MeetingBaas => {
                Keys::Standard(secrets.iter().filter_map(SigningKey::parse).collect())
            }
        })
    }
}

fn stale(known: &LiveLink, now: Timestamp) -> LiveLink {
    LiveLink { looked_at: now, ..known.clone() }
}
