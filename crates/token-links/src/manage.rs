//! Creates, narrows and revokes links.

use std::sync::Arc;

use ipnet::IpNet;
use model::{
    CredentialId, Environment, Failure, MeetingNumber, Secret, Timestamp, TokenKind, TokenLinkId, WorkspaceId,
};
use store::{LinkAccount, LinkLife, LinkSource, LinkStore, LinkTerms, LinkVerification, TokenLink};
use tenants::{Cell, Vault, digest};
use url::Url;

use crate::{
    dialects::{Address, rules},
    link_cache::LinkCache,
};

/// How often a change is tried if it collides with concurrent changes.
const ATTEMPTS: u32 = 5;

/// A link to create.
#[derive(Debug)]
pub struct NewLink {
    /// For people.
    pub name: String,
    /// Which tokens it gives, and to which requests.
    pub terms: LinkTerms,
    /// How long it is valid, and how often it can be used.
    pub life: LinkLife,
    /// They verify requests instead of the workspace's callback secret; newest first. Attendee's dialect needs one.
    pub signing_secrets: Vec<Secret>,
}

impl NewLink {
    /// A link with the default terms to one account.
    pub fn usual(kind: TokenKind, credential: CredentialId) -> Self {
        let source = LinkSource::Accounts(vec![LinkAccount { credential, user: None, address: None }]);
        let terms = LinkTerms::usual(kind, source);
        Self { name: String::new(), terms, life: LinkLife::default(), signing_secrets: Vec::new() }
    }
}

/// A new link. Its address and secret are shown once.
#[derive(Debug)]
pub struct LinkAddress {
    /// The row.
    pub link: TokenLink,
    /// The address, with its secret if the dialect has the secret there.
    pub url: Secret,
    /// The value of the `Authorization` header, if the dialect has the secret there.
    pub authorization: Option<Secret>,
}

/// A change of a link. Each part narrows what the link gives, or leaves it unchanged.
#[derive(Debug, Default)]
pub struct Narrowing {
    /// Another name.
    pub name: Option<String>,
    /// Fewer kinds, maybe in another order.
    pub kinds: Option<Vec<TokenKind>>,
    /// The only meeting, for a link that has none.
    pub meeting: Option<MeetingNumber>,
    /// A later beginning.
    pub not_before: Option<Timestamp>,
    /// An earlier end.
    pub expires_at: Option<Timestamp>,
    /// Fewer total uses.
    pub max_uses: Option<u32>,
    /// Fewer fetches a minute.
    pub per_minute: Option<u32>,
    /// Smaller networks.
    pub networks: Option<Vec<IpNet>>,
    /// Other signing secrets, to replace one.
    pub signing_secrets: Option<Vec<Secret>>,
}

/// The result of a change.
#[derive(Debug)]
pub enum Narrowed {
    /// It is done.
    Done(Box<TokenLink>),
    /// The workspace has no such link.
    Unknown,
    /// This part would give more than before.
    Wider(&'static str),
}

/// Creates, narrows and revokes links.
pub struct LinkManager {
    pub(crate) store: Arc<dyn LinkStore>,
    pub(crate) env: Environment,
    /// Seals the signing secrets of links that have their own.
    pub(crate) vault: Vault,
    pub(crate) public_base: Url,
    /// The cache of the links that this server serves.
    pub(crate) cache: Arc<LinkCache>,
}

impl LinkManager {
    /// Creates a link; `None` when the workspace has no such account or pool, or when the secrets are not valid in its
    /// dialect.
    pub async fn create(
        &self,
        workspace: WorkspaceId,
        new: &NewLink,
    ) -> Result<Option<LinkAddress>, Failure> {
        let NewLink { name, terms, life, signing_secrets } = new;
        let rules = rules(terms.dialect);
        let demandable = terms.proof == LinkVerification::Nothing || rules.verification_refusal().is_none();
        let verifiable = match signing_secrets[..] {
            [] => terms.proof != LinkVerification::Signature || rules.missing_secret_reason().is_none(),
            _ => rules.verifier(signing_secrets).is_some(),
        };
        let sound = demandable && verifiable && !terms.kinds.is_empty();
        if !sound || !self.has(workspace, &terms.source).await? {
            return Ok(None);
        }
        let (id, secret) = (TokenLinkId::generate(&self.env), self.env.entropy.token());
        let link = TokenLink {
            id,
            workspace,
            name: name.clone(),
            secret_digest: digest(&secret),
            terms: terms.clone(),
            life: *life,
            signing_secret: self.seal_secrets(workspace, id, signing_secrets),
            uses: 0,
            last_uses: Vec::new(),
            revision: 0,
            created_at: self.env.now(),
            revoked_at: None,
        };
        self.store.add_token_link(&link).await?;
        let Address { path, authorization } = rules.address(id, &secret);
        let mut url = self.public_base.clone();
        url.set_path(&format!("{}/{path}", self.public_base.path().trim_end_matches('/')));
        Ok(Some(LinkAddress { link, url: Secret::new(url), authorization }))
    }

    async fn has(&self, workspace: WorkspaceId, source: &LinkSource) -> Result<bool, Failure> {
        match source {
            LinkSource::Accounts(accounts) => {
                for account in accounts {
                    if self.store.credential(workspace, account.credential).await?.is_none() {
                        return Ok(false);
                    }
                }
                Ok(!accounts.is_empty())
            }
            LinkSource::Pool(pool) => Ok(self.store.pool(workspace, *pool, self.env.now()).await?.is_some()),
            LinkSource::Host => Ok(true),
        }
    }

    fn seal_secrets(
        &self,
        workspace: WorkspaceId,
        id: TokenLinkId,
        secrets: &[Secret],
    ) -> Option<model::Sealed> {
        let all: Vec<&str> = secrets.iter().map(Secret::expose).collect();
        let all = Some(Secret::new(all.join(" "))).filter(|all| !all.is_empty());
        all.map(|all| self.vault.seal(workspace, Cell::SigningSecret(id), &all))
    }

    /// Narrows a link, so that it gives no more than before. It takes effect within a second.
    pub async fn narrow(
        &self,
        workspace: WorkspaceId,
        id: TokenLinkId,
        narrowing: &Narrowing,
    ) -> Result<Narrowed, Failure> {
        for _ in 0..ATTEMPTS {
            let Some(mut link) = self.store.token_link(workspace, id).await? else {
                return Ok(Narrowed::Unknown);
            };
            if let Err(part) = apply(&mut link, narrowing) {
                return Ok(Narrowed::Wider(part));
            }
            if let Some(secrets) = &narrowing.signing_secrets {
                link.signing_secret = self.seal_secrets(workspace, id, secrets);
            }
            if self.store.change_token_link(&link).await? {
                link.revision += 1;
                self.cache.forget(id);
                return Ok(Narrowed::Done(Box::new(link)));
            }
        }
        Err(Failure::new(model::Code::Unavailable, "other requests are changing the link at the same time"))
    }

    /// Revokes a link. It takes effect on every server within a second. `false` when the workspace has no such link.
    pub async fn revoke(&self, workspace: WorkspaceId, id: TokenLinkId) -> Result<bool, Failure> {
        let known = self.store.revoke_token_link(workspace, id, self.env.now()).await?;
        self.cache.forget(id);
        Ok(known)
    }
}

impl std::fmt::Debug for LinkManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkManager").field("public_base", &self.public_base.as_str()).finish_non_exhaustive()
    }
}

/// Applies a narrowing, or names the part that would widen.
fn apply(link: &mut TokenLink, narrowing: &Narrowing) -> Result<(), &'static str> {
    let Narrowing { name, kinds, meeting, not_before, expires_at, max_uses, per_minute, networks, .. } =
        narrowing;
    if let Some(name) = name {
        link.name.clone_from(name);
    }
    if let Some(kinds) = kinds {
        if kinds.is_empty() || !kinds.iter().all(|kind| link.terms.kinds.contains(kind)) {
            return Err("kinds");
        }
        link.terms.kinds.clone_from(kinds);
    }
    if let Some(meeting) = meeting {
        // A link without a meeting gives tokens for any.
        if link.terms.meeting.is_some_and(|only| only != *meeting) {
            return Err("meeting");
        }
        link.terms.meeting = Some(*meeting);
    }
    let life = &mut link.life;
    at_most(&mut life.expires_at, *expires_at, "expires_at")?;
    at_most(&mut life.max_uses, *max_uses, "max_uses")?;
    at_most(&mut link.terms.per_minute, *per_minute, "per_minute")?;
    if let Some(begin) = *not_before {
        if life.not_before.is_some_and(|before| begin < before) {
            return Err("not_before");
        }
        life.not_before = Some(begin);
    }
    if let Some(networks) = networks {
        let before: Vec<IpNet> =
            link.terms.networks.iter().filter_map(|network| network.parse().ok()).collect();
        let inside = |network: &IpNet| before.is_empty() || before.iter().any(|wide| wide.contains(network));
        if networks.is_empty() || !networks.iter().all(inside) {
            return Err("networks");
        }
        link.terms.networks = networks.iter().map(ToString::to_string).collect();
    }
    Ok(())
}

/// Lowers a limit. It may not exceed the current one.
fn at_most<T: PartialOrd + Copy>(
    limit: &mut Option<T>,
    new: Option<T>,
    part: &'static str,
) -> Result<(), &'static str> {
    match (*limit, new) {
        (_, None) => Ok(()),
        (Some(before), Some(new)) if new > before => Err(part),
        (_, new) => {
            *limit = new;
            Ok(())
        }
    }
}
