//! ZAKs: from the cache while enough lifetime is left, else one mint for many callers.
//!
//! An account belongs to one Zoom user, except a server-to-server app's: it mints for every user of its Zoom
//! account, and the caller names the user.

use std::{sync::Arc, time::Duration};

use audit::{Audited, TokenAccess, TokenRequester};
use model::{
    AccountUser, Code, CredentialId, Failure, Secret, Source, Timestamp, TokenContext, TokenKind, WorkspaceId,
};
use zoom::Zak;

use super::{
    Tokens,
    mint::{MintRequest, Minted},
};
use crate::{
    account_cache::{CachedZak, ZakOwner as Owner},
    accounts::usable_account,
};

/// The requested lifetime: Zoom's own default, and longer than most joins take.
const TTL: Duration = Duration::from_secs(7200);
/// The extra lifetime of a ZAK that must be valid for longer than that, for later callers.
const EXTRA_LIFETIME: Duration = Duration::from_secs(3600);
/// A younger ZAK is not dropped on an unproven report, because a new one would not be better.
const MIN_SUSPECT_AGE: Duration = Duration::from_secs(30);

/// A request for a ZAK.
#[derive(Debug, Clone, Copy)]
pub struct ZakRequest<'a> {
    /// The user, if the account is a server-to-server app's; otherwise `None`.
    pub user: Option<&'a AccountUser>,
    /// The shortest remaining lifetime.
    pub outlives: Duration,
    /// Whether to bypass the cache.
    pub fresh: bool,
}

impl Tokens {
    /// A ZAK of the account. Many concurrent callers cost one mint, and at most one refresh.
    pub async fn zak(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        wanted: ZakRequest<'_>,
        requester: TokenRequester,
    ) -> Result<Audited<Zak>, Failure> {
        let about = TokenContext { user: wanted.user.cloned(), ..TokenContext::default() };
        let access = TokenAccess { workspace, credential: id, kind: TokenKind::Zak, requester, about };
        let fetch = async {
            let epoch = usable_account(&*self.store, workspace, id).await?.epoch;
            self.fetch_zak_in(workspace, id, epoch, wanted).await
        };
        self.audit.audited(access, fetch).await
    }

    /// A cached ZAK that satisfies the request, if there is one.
    pub(crate) fn cached_zak(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        epoch: i64,
        wanted: ZakRequest<'_>,
        now: Timestamp,
    ) -> Option<Zak> {
        if wanted.fresh {
            return None;
        }
        let kept = self.cache.zaks.get(&(id, wanted.user.cloned()))?;
        let good = kept.workspace == workspace
            && kept.epoch == epoch
            && !kept.minted_at.is_from_the_future(now)
            && kept.ends_at >= now + wanted.outlives;
        good.then_some(kept.zak)
    }

    /// A ZAK of an account that was just read as usable and in this epoch, and whether the ZAK was cached.
    /// Only for [`audit::Audit::audited`].
    pub(crate) async fn fetch_zak_in(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        epoch: i64,
        wanted: ZakRequest<'_>,
    ) -> Result<(Zak, Source), Failure> {
        if let Some(zak) = self.cached_zak(workspace, id, epoch, wanted, self.env.now()) {
            return Ok((zak, Source::Cached));
        }
        let owner: Owner = (id, wanted.user.cloned());
        let kept_until = self.cache.zaks.get(&owner).map(|kept| kept.ends_at);
        if wanted.fresh {
            self.cache.zaks.forget(&owner);
        }
        let (this, ttl) = (Arc::clone(self), TTL.max(wanted.outlives + EXTRA_LIFETIME));
        let zak = self
            .mints
            .run((owner.clone(), epoch, ttl), &self.tasks, move || {
                // A mint that has finished in the meantime has a fresh one.
                let ended = this.cache.zaks.get(&owner).filter(|kept| {
                    kept.workspace == workspace && kept.epoch == epoch && Some(kept.ends_at) != kept_until
                });
                async move {
                    if let Some(kept) = ended {
                        return Ok(kept.zak);
                    }
                    this.mint_zak(workspace, owner, ttl).await
                }
            })
            .await
            .unwrap_or_else(|| Err(Failure::new(Code::Internal, "the mint was aborted")))?;
        match zak.expires_at {
            Some(end) if end < self.zoom.clock().now() + wanted.outlives => Err(Failure::new(
                Code::ZoomUnexpected,
                "Zoom gave a ZAK that expires too soon: check this server's clock",
            )),
            _ => Ok((zak, Source::Minted)),
        }
    }

    /// Drops a ZAK that Zoom refused at a join, so that the next one is new. It may have been fetched through
    /// a token link, so the account is found by the token itself.
    pub async fn reject_zak(&self, workspace: WorkspaceId, refused: &Secret) -> Result<(), Failure> {
        let is_it =
            |kept: &CachedZak| kept.workspace == workspace && kept.zak.token.expose() == refused.expose();
        match self.cache.zaks.find(is_it) {
            Some(kept) => self.cache.void_zaks(workspace, kept.credential).await,
            None => Ok(()),
        }
    }

    /// Handles a report that a bot was refused with a ZAK of this account. The report is unproven, so a young
    /// ZAK stays.
    pub async fn suspect_zaks(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
    ) -> Result<(), Failure> {
        let now = self.env.now();
        let young = |kept: &CachedZak| {
            kept.credential == credential && kept.minted_at.was_within(MIN_SUSPECT_AGE, now)
        };
        if self.cache.zaks.find(young).is_some() {
            return Ok(());
        }
        self.cache.void_zaks(workspace, credential).await
    }

    async fn mint_zak(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        owner: Owner,
        ttl: Duration,
    ) -> Result<Zak, Failure> {
        let (credential, user) = (owner.0, owner.1.as_ref());
        let Minted { token, expires_at, epoch } =
            self.minter.mint(workspace, credential, user, MintRequest::Zak(ttl)).await?;
        let (zak, now) = (Zak { token, expires_at }, self.env.now());
        // The expiry is by Zoom's clock, and never later than requested. If it is unreadable, the `ttl` that
        // Zoom accepted is the best estimate.
        let life = expires_at.map_or(ttl, |end| end.since(self.zoom.clock().now()).min(ttl));
        let ends_at = now + life;
        let kept = CachedZak { workspace, credential, epoch, zak: zak.clone(), minted_at: now, ends_at };
        self.cache.zaks.put(owner, kept, |kept| kept.ends_at > now);
        Ok(zak)
    }
}
