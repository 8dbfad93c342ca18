//! Token links: the addresses that bot platforms fetch tokens from (`/t/<link>.<secret>`).
//!
//! The order of checks is the contract's: link secret, link live, signature, replay, then the mint. Nothing is minted
//! before all of them have passed.

use std::{net::IpAddr, sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use model::{
    About, AccountUser, Code, CredentialId, CredentialStatus, Failure, Purpose, Secret, Timestamp, TokenKind,
    TokenLinkId, Who, WorkspaceId,
};
use store::{Digest, ServableLink, TokenLink};

use crate::{
    Asker, Audited, Broker, Cell, WantedZak,
    audit::Wish,
    may_give_tokens,
    memory::Memory,
    signature::{self, SignatureHeaders, SigningKey},
    workspace::digest,
};

/// A platform gives up after about 5 s: better to say "try again" while it still listens. The mint goes on.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// A ZAK in an answer lasts at least this long.
const ZAK_OUTLIVES: Duration = Duration::from_secs(600);
/// How long a link is served from memory: a revocation takes hold within this.
const LINK_MEMORY: Duration = Duration::from_secs(1);

/// A link to make.
#[derive(Debug)]
pub struct NewLink {
    /// The kind of token it gives.
    pub kind: TokenKind,
    /// The account it draws on.
    pub credential: CredentialId,
    /// Whose tokens, where the account is a server-to-server app's; `None` for every other.
    pub user: Option<AccountUser>,
    /// Verifies requests instead of the workspace's own callback secret: the platform's `whsec_…`.
    pub signing_secret: Option<Secret>,
    /// Its end.
    pub expires_at: Option<Timestamp>,
}

/// A link that was just made. The address is shown once.
#[derive(Debug)]
pub struct LinkAddress {
    /// The row.
    pub link: TokenLink,
    /// The address, with its secret.
    pub url: Secret,
}

/// A request for a token, as it came.
#[derive(Clone, Copy)]
pub struct LinkRequest<'a> {
    /// The last part of the path.
    pub address: &'a str,
    /// The signature headers, if all three are there.
    pub signature: Option<SignatureHeaders<'a>>,
    /// The body; empty for a GET.
    pub body: &'a [u8],
    /// `fresh=1`: nothing from memory.
    pub fresh: bool,
    /// The address at the other end of the connection, for the audit.
    pub from: Option<IpAddr>,
}

/// A token to be sent.
#[derive(Debug)]
pub struct ServedToken {
    /// The token.
    pub token: Audited<Secret>,
    /// Which link gave it, for the log.
    pub link: TokenLinkId,
}

/// How long a link is served although the store is away. What was revoked meanwhile is known only to the store.
const STORE_MAY_BE_AWAY: Duration = Duration::from_secs(120);
/// How long a known link waits for the store.
const READ_WITHIN: Duration = Duration::from_secs(1);

/// A link as it is served: row and keys, opened once, and what its account is like.
#[derive(Clone)]
pub(crate) struct LiveLink {
    row: TokenLink,
    status: CredentialStatus,
    epoch: i64,
    keys: Vec<SigningKey>,
    read_at: Timestamp,
    /// Later than `read_at` while the store is away: it is not asked for every request.
    looked_at: Timestamp,
}

impl LiveLink {
    /// Whether it draws on this account.
    pub(crate) fn is_of(&self, id: CredentialId) -> bool {
        self.row.credential == id
    }
}

/// Links that were served within the last second.
pub(crate) type LinkCache = Memory<TokenLinkId, Arc<LiveLink>>;

impl Broker {
    /// Makes a link; `None` when the workspace has no such account, or the signing secret is not one.
    pub async fn make_link(
        &self,
        workspace: WorkspaceId,
        new: &NewLink,
    ) -> Result<Option<LinkAddress>, Failure> {
        let verifiable = new.signing_secret.as_ref().is_none_or(|secret| SigningKey::parse(secret).is_some());
        if !verifiable || self.store.credential(workspace, new.credential).await?.is_none() {
            return Ok(None);
        }
        let (id, secret) = (TokenLinkId::generate(&self.env), self.env.entropy.token());
        let seal = |secret| self.vault.seal(workspace, Cell::SigningSecret(id), secret);
        let link = TokenLink {
            id,
            workspace,
            secret_digest: digest(&secret),
            kind: new.kind,
            credential: new.credential,
            user: new.user.clone(),
            signing_secret: new.signing_secret.as_ref().map(seal),
            expires_at: new.expires_at,
            created_at: self.env.now(),
            revoked_at: None,
        };
        self.store.add_token_link(&link).await?;
        let url = Secret::new(self.at(&format!("t/{id}.{secret}")));
        Ok(Some(LinkAddress { link, url }))
    }

    /// Answers a fetch, or says in one code why not.
    pub async fn serve_link(self: &Arc<Self>, request: LinkRequest<'_>) -> Result<ServedToken, Failure> {
        let now = self.env.now();
        let link = self.live_link(request.address, now).await?;
        let headers = request.signature.ok_or_else(|| {
            Failure::new(Code::SignatureMissing, "the request carries no webhook-* or svix-* headers")
        })?;
        signature::verify(&link.keys, headers, request.body, now)?;
        self.replays.admit(link.row.workspace, link.row.id, headers.id, now)?;

        let TokenLink { id, workspace, credential, kind, .. } = link.row;
        let late = || {
            let late = Failure::new(Code::Deadline, "it takes longer than a platform waits");
            Failure { retry_after: Some(Duration::from_secs(1)), ..late }
        };
        let wanted = WantedZak { user: link.row.user.as_ref(), outlives: ZAK_OUTLIVES, fresh: request.fresh };
        let minted = async {
            if kind != TokenKind::Zak {
                return Err(Failure::new(Code::TokenNotAvailable, "links give ZAKs and nothing else"));
            }
            may_give_tokens(link.status)?;
            let minted = self.fetch_zak_in(workspace, credential, link.epoch, wanted);
            self.env.clock.timeout(ANSWER_WITHIN, minted).await.unwrap_or_else(|| Err(late()))
        };
        let asker = Asker { who: Who::TokenLink(id), from: request.from, why: Purpose::TokenLink };
        let about = About { user: link.row.user.clone(), ..About::default() };
        let audited = self.audited(Wish { workspace, credential, kind, asker, about }, minted);
        // Once more: the platform waits for the record too.
        let zak = self.env.clock.timeout(ANSWER_WITHIN, audited).await.unwrap_or_else(|| Err(late()))?;
        Ok(ServedToken { token: zak.map(|zak| zak.token), link: id })
    }

    /// The link of an address, if the secret is right and the link lives. Unknown links and wrong secrets are told
    /// apart by neither answer nor time.
    async fn live_link(&self, address: &str, now: Timestamp) -> Result<Arc<LiveLink>, Failure> {
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
        if link.row.expires_at.is_some_and(|end| now >= end) {
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
        let Some(ServableLink { link: row, status, epoch }) = self.store.token_link(id).await? else {
            return Ok(None);
        };
        let keys = match &row.signing_secret {
            Some(sealed) => {
                let secret = self.vault.open(row.workspace, Cell::SigningSecret(id), sealed)?;
                SigningKey::parse(&secret).into_iter().collect()
            }
            None => self.callback_keys(row.workspace).await?,
        };
        Ok(Some(LiveLink { row, status, epoch, keys, read_at: now, looked_at: now }))
    }
}

fn stale(known: &LiveLink, now: Timestamp) -> LiveLink {
    LiveLink { looked_at: now, ..known.clone() }
}

/// Without the address, which is as good as a key.
impl std::fmt::Debug for LinkRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { address: _, signature, body, fresh, from } = self;
        f.debug_struct("LinkRequest")
            .field("signature", signature)
            .field("body", body)
            .field("fresh", fresh)
            .field("from", from)
            .finish_non_exhaustive()
    }
}
