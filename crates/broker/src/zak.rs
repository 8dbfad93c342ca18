//! ZAKs: from memory while enough life is left, else one mint for many callers.
//!
//! An account is one Zoom user's, but for a server-to-server app's: that one mints for every user of its Zoom account, and
//! the caller says for which.

use std::{sync::Arc, time::Duration};

use audit::{Asker, Audited, TokenAccess};
use model::{
    About, AccountUser, Code, CredentialId, Failure, Secret, Source, Timestamp, TokenKind, WorkspaceId,
};
use zoom::Zak;

use crate::{
    Broker,
    flights::Flights,
    memory::Memory,
    mint::{Minted, Order},
};

/// What is asked of Zoom: its own default, and longer than most joins take.
const TTL: Duration = Duration::from_secs(7200);
/// A ZAK that has to outlive more than that shall still be of use to others for so long.
const SPARE: Duration = Duration::from_secs(3600);
/// A ZAK that is younger than this is not doubted for somebody's word: a newer one would fare no better.
const TOO_YOUNG_TO_DOUBT: Duration = Duration::from_secs(30);

/// What a caller needs.
#[derive(Debug, Clone, Copy)]
pub struct WantedZak<'a> {
    /// Whose, where the account is a server-to-server app's; `None` for every other.
    pub user: Option<&'a AccountUser>,
    /// It must still be valid after this.
    pub outlives: Duration,
    /// Nothing from memory.
    pub fresh: bool,
}

/// Whose a ZAK is: an account, and which of its users if it has several.
type Owner = (CredentialId, Option<AccountUser>);

/// ZAKs in memory, and mints under way.
#[derive(Default)]
pub(crate) struct ZakCache {
    kept: Memory<Owner, KeptZak>,
    /// By epoch as well: who asks after a new consent must not be given what is being minted with the old one.
    mints: Flights<(Owner, i64, Duration), Result<Zak, Failure>>,
}

#[derive(Clone)]
struct KeptZak {
    /// Whose it is: an id alone, from another tenant, must find nothing.
    workspace: WorkspaceId,
    credential: CredentialId,
    /// Void once the account is in another: it was disconnected, or connected again.
    epoch: i64,
    zak: Zak,
    minted_at: Timestamp,
    ends_at: Timestamp,
}

impl ZakCache {
    /// Drops the ZAKs of an account, whoever's they are.
    pub(crate) fn forget(&self, id: CredentialId) {
        self.kept.forget_where(|kept| kept.credential == id);
    }
}

impl Broker {
    /// A ZAK of the account. Many callers at once cost one mint, and at most one refresh.
    pub async fn zak(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        wanted: WantedZak<'_>,
        asker: Asker,
    ) -> Result<Audited<Zak>, Failure> {
        let about = About { user: wanted.user.cloned(), ..About::default() };
        let wish = TokenAccess { workspace, credential: id, kind: TokenKind::Zak, asker, about };
        let fetch = async {
            let epoch = self.usable(workspace, id).await?.epoch;
            self.fetch_zak_in(workspace, id, epoch, wanted).await
        };
        self.audit.audited(wish, fetch).await
    }

    /// The same from memory, if one that will do lies there.
    pub(crate) fn kept_zak(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        epoch: i64,
        wanted: WantedZak<'_>,
        now: Timestamp,
    ) -> Option<Zak> {
        if wanted.fresh {
            return None;
        }
        let kept = self.zaks.kept.get(&(id, wanted.user.cloned()))?;
        let good = kept.workspace == workspace
            && kept.epoch == epoch
            && !kept.minted_at.is_from_the_future(now)
            && kept.ends_at >= now + wanted.outlives;
        good.then_some(kept.zak)
    }

    /// A ZAK of an account of this workspace that is usable and in this epoch, as the store said a moment ago; and
    /// whether it was at hand. For [`Broker::audited`] and nobody else.
    pub(crate) async fn fetch_zak_in(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        epoch: i64,
        wanted: WantedZak<'_>,
    ) -> Result<(Zak, Source), Failure> {
        if let Some(zak) = self.kept_zak(workspace, id, epoch, wanted, self.env.now()) {
            return Ok((zak, Source::Kept));
        }
        let owner: Owner = (id, wanted.user.cloned());
        let kept_until = self.zaks.kept.get(&owner).map(|kept| kept.ends_at);
        if wanted.fresh {
            self.zaks.kept.forget(&owner);
        }
        let (broker, ttl) = (Arc::clone(self), TTL.max(wanted.outlives + SPARE));
        let zak = self
            .zaks
            .mints
            .join((owner.clone(), epoch, ttl), &self.tasks, move || {
                // An earlier flight may have landed meanwhile: what it brought is new.
                let landed = broker.zaks.kept.get(&owner).filter(|kept| {
                    kept.workspace == workspace && kept.epoch == epoch && Some(kept.ends_at) != kept_until
                });
                async move {
                    if let Some(kept) = landed {
                        return Ok(kept.zak);
                    }
                    broker.mint_zak(workspace, owner, ttl).await
                }
            })
            .await
            .unwrap_or_else(|| Err(Failure::new(Code::Internal, "the mint broke off")))?;
        match zak.expires_at {
            Some(end) if end < self.zoom.clock().now() + wanted.outlives => Err(Failure::new(
                Code::ZoomUnexpected,
                "Zoom gave a ZAK that ends too soon: check this server's clock",
            )),
            _ => Ok((zak, Source::Minted)),
        }
    }

    /// Drops a ZAK that Zoom refused at a join, so that the next one is new. Whoever brought it may have had it through a
    /// token link of ours, so the token itself tells which account it is of.
    pub async fn reject_zak(&self, workspace: WorkspaceId, refused: &Secret) -> Result<(), Failure> {
        let is_it =
            |kept: &KeptZak| kept.workspace == workspace && kept.zak.token.expose() == refused.expose();
        match self.zaks.kept.find(is_it) {
            Some(kept) => self.void_zaks(workspace, kept.credential).await,
            None => Ok(()),
        }
    }

    /// Somebody says that a bot was refused with a ZAK of this account. Nobody proves it, so a young one stays.
    pub async fn suspect_zaks(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
    ) -> Result<(), Failure> {
        let now = self.env.now();
        let young = |kept: &KeptZak| {
            kept.credential == credential && kept.minted_at.was_within(TOO_YOUNG_TO_DOUBT, now)
        };
        if self.zaks.kept.find(young).is_some() {
            return Ok(());
        }
        self.void_zaks(workspace, credential).await
    }

    /// Voids the ZAKs of an account, here and, within a second, on the other servers.
    pub(crate) async fn void_zaks(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
    ) -> Result<(), Failure> {
        self.zaks.forget(credential);
        // The others hear of the epoch, as of a consent's.
        self.store.void_tokens(workspace, credential).await?;
        self.note_account_change();
        Ok(())
    }

    async fn mint_zak(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        owner: Owner,
        ttl: Duration,
    ) -> Result<Zak, Failure> {
        let (credential, user) = (owner.0, owner.1.as_ref());
        let Minted { token, expires_at, epoch } =
            self.mint(workspace, credential, user, Order::Zak(ttl)).await?;
        let (zak, now) = (Zak { token, expires_at }, self.env.now());
        // Its end is by Zoom's clock, and never later than what was asked for. Without a readable one, Zoom's answer to our
        // `ttl` is the best record there is.
        let life = expires_at.map_or(ttl, |end| end.since(self.zoom.clock().now()).min(ttl));
        let ends_at = now + life;
        let kept = KeptZak { workspace, credential, epoch, zak: zak.clone(), minted_at: now, ends_at };
        self.zaks.kept.put(owner, kept, |kept| kept.ends_at > now);
        Ok(zak)
    }
}
