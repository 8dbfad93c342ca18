//! ZAKs: from memory while enough life is left, else one mint for many callers.
//!
//! An account is one Zoom user's, but for a server-to-server app's: that one mints for every user of its Zoom account, and
//! the caller says for which.

use std::{sync::Arc, time::Duration};

use model::{
    About, AccountUser, Code, CredentialId, CredentialKind, Failure, Secret, Source, Timestamp, TokenKind,
    WorkspaceId,
};
use zoom::{Label, Zak, ZoomError};

use crate::{Asker, Audited, Broker, audit::Wish, budget::Need, flights::Flights, memory::Memory};

/// What is asked of Zoom: its own default, and longer than any join takes.
const TTL: Duration = Duration::from_secs(7200);
/// How long a mint waits for its turn at Zoom: longer than a caller does, because whoever comes back finds what it brought.
const PATIENCE: Duration = Duration::from_secs(10);

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
    mints: Flights<(Owner, i64), Result<Zak, Failure>>,
}

#[derive(Clone)]
struct KeptZak {
    /// Whose it is: an id alone, from another tenant, must find nothing.
    workspace: WorkspaceId,
    credential: CredentialId,
    /// Void once the account is in another: it was disconnected, or connected again.
    epoch: i64,
    zak: Zak,
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
        let wish = Wish { workspace, credential: id, kind: TokenKind::Zak, asker, about };
        let fetch = async {
            let epoch = self.usable(workspace, id).await?.epoch;
            self.fetch_zak_in(workspace, id, epoch, wanted).await
        };
        self.audited(wish, fetch).await
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
        let ours = |kept: &KeptZak| kept.workspace == workspace && kept.epoch == epoch;
        let owner: Owner = (id, wanted.user.cloned());
        let kept = self.zaks.kept.get(&owner).filter(ours);
        let kept_until = kept.as_ref().map(|kept| kept.ends_at);
        if let Some(kept) =
            kept.filter(|kept| !wanted.fresh && kept.ends_at >= self.env.now() + wanted.outlives)
        {
            return Ok((kept.zak, Source::Kept));
        }
        if wanted.fresh {
            self.zaks.kept.forget(&owner);
        }
        let broker = Arc::clone(self);
        let zak = self
            .zaks
            .mints
            .join((owner.clone(), epoch), &self.tasks, move || {
                // An earlier flight may have landed meanwhile: what it brought is new.
                let landed = broker.zaks.kept.get(&owner).filter(|kept| {
                    kept.workspace == workspace && kept.epoch == epoch && Some(kept.ends_at) != kept_until
                });
                async move {
                    if let Some(kept) = landed {
                        return Ok(kept.zak);
                    }
                    let minted = broker.mint(workspace, owner).await;
                    broker.metrics.mint(TokenKind::Zak, &minted);
                    minted
                }
            })
            .await
            .unwrap_or_else(|| Err(Failure::new(Code::Internal, "the mint broke off")))?;
        match zak.expires_at {
            Some(end) if end < self.env.now() + wanted.outlives => Err(Failure::new(
                Code::ZoomUnexpected,
                "Zoom gave a ZAK that ends too soon: check this server's clock",
            )),
            _ => Ok((zak, Source::Minted)),
        }
    }

    /// Drops a ZAK that Zoom refused at a join, so that the next one is new. Whoever brought it may have had it through a
    /// token link of ours, so the token itself tells which account it is of.
    pub fn reject_zak(&self, workspace: WorkspaceId, refused: &Secret) {
        self.zaks
            .kept
            .forget_where(|kept| kept.workspace == workspace && kept.zak.token.expose() == refused.expose());
    }

    async fn mint(self: &Arc<Self>, workspace: WorkspaceId, owner: Owner) -> Result<Zak, Failure> {
        let (id, mut rejected) = (owner.0, None);
        loop {
            let access = self.live_access(workspace, id, Duration::ZERO, rejected).await?;
            let user = whom(access.kind, owner.1.as_ref())?;
            let api = self.api(&access, Label::Light, Need::now(&self.env, PATIENCE)).await?;
            match self.zoom.zak(api, user, TTL).await {
                Ok(zak) => {
                    let now = self.env.now();
                    // Without a readable end, Zoom's answer to our `ttl` is the best record there is.
                    let ends_at = zak.expires_at.unwrap_or(now + TTL);
                    let kept =
                        KeptZak { workspace, credential: id, epoch: access.epoch, zak: zak.clone(), ends_at };
                    self.zaks.kept.put(owner, kept, |kept| kept.ends_at > now);
                    tracing::info!(credential = %id, "ZAK minted");
                    return Ok(zak);
                }
                // Our record calls the token valid and Zoom does not: one refresh, one more try.
                Err(ZoomError::TokenRejected) if rejected.is_none() => rejected = Some(access.generation),
                Err(ZoomError::UserUnknown) if owner.1.is_some() => {
                    let words = "the app's Zoom account has no such user, or the user is not active";
                    return Err(Failure::new(Code::UserUnknown, words));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What Zoom calls the user. A server-to-server app has no `me`: Zoom would take its owner.
pub(crate) fn whom(kind: CredentialKind, user: Option<&AccountUser>) -> Result<&str, Failure> {
    match (kind, user) {
        (CredentialKind::ServerToServer, Some(user)) => Ok(user.as_str()),
        (CredentialKind::ServerToServer, None) => Err(Failure::new(
            Code::TokenNotAvailable,
            "a server-to-server app speaks for every user of its Zoom account: name one",
        )),
        (CredentialKind::UserOauth | CredentialKind::CustomerManaged, None) => Ok("me"),
        (CredentialKind::UserOauth | CredentialKind::CustomerManaged, Some(_)) => Err(Failure::new(
            Code::TokenNotAvailable,
            "this account is one user's: only a server-to-server app mints for others",
        )),
    }
}
