//! ZAKs: from memory while enough life is left, else one mint for many callers.

use std::{sync::Arc, time::Duration};

use model::{Code, CredentialId, Failure, Secret, Timestamp, WorkspaceId};
use zoom::{ApiAccess, Zak, ZoomError};

use crate::{Broker, flights::Flights, memory::Memory};

/// What is asked of Zoom: its own default, and longer than any join takes.
const TTL: Duration = Duration::from_secs(7200);

/// What a caller needs.
#[derive(Debug, Clone, Copy)]
pub struct WantedZak {
    /// It must still be valid after this.
    pub outlives: Duration,
    /// Nothing from memory.
    pub fresh: bool,
}

/// ZAKs in memory, and mints under way.
#[derive(Default)]
pub(crate) struct ZakCache {
    kept: Memory<CredentialId, KeptZak>,
    mints: Flights<CredentialId, Result<Zak, Failure>>,
}

#[derive(Clone)]
struct KeptZak {
    /// Whose it is: an id alone, from another tenant, must find nothing.
    workspace: WorkspaceId,
    /// Void once the account is in another: it was disconnected, or connected again.
    epoch: i64,
    zak: Zak,
    ends_at: Timestamp,
}

impl ZakCache {
    pub(crate) fn forget(&self, id: CredentialId) {
        self.kept.forget(&id);
    }
}

impl Broker {
    /// A ZAK of the account. Many callers at once cost one mint, and at most one refresh.
    pub async fn zak(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        wanted: WantedZak,
    ) -> Result<Zak, Failure> {
        let epoch = self.usable(workspace, id).await?.epoch;
        self.zak_in(workspace, id, epoch, wanted).await
    }

    /// A ZAK of an account of this workspace that is usable and in this epoch, as the store said a moment ago.
    pub(crate) async fn zak_in(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        epoch: i64,
        wanted: WantedZak,
    ) -> Result<Zak, Failure> {
        let ours = |kept: &KeptZak| kept.workspace == workspace && kept.epoch == epoch;
        let kept = self.zaks.kept.get(&id).filter(ours);
        let kept_until = kept.as_ref().map(|kept| kept.ends_at);
        if let Some(kept) =
            kept.filter(|kept| !wanted.fresh && kept.ends_at >= self.env.now() + wanted.outlives)
        {
            return Ok(kept.zak);
        }
        if wanted.fresh {
            self.zaks.forget(id);
        }
        let broker = Arc::clone(self);
        let zak = self
            .zaks
            .mints
            .join(id, &self.tasks, move || {
                // An earlier flight may have landed meanwhile: what it brought is new.
                let landed = broker.zaks.kept.get(&id).filter(|kept| {
                    kept.workspace == workspace && kept.epoch == epoch && Some(kept.ends_at) != kept_until
                });
                async move {
                    match landed {
                        Some(kept) => Ok(kept.zak),
                        None => broker.mint(workspace, id).await,
                    }
                }
            })
            .await
            .unwrap_or_else(|| Err(Failure::new(Code::Internal, "the mint broke off")))?;
        match zak.expires_at {
            Some(end) if end < self.env.now() + wanted.outlives => Err(Failure::new(
                Code::ZoomUnexpected,
                "Zoom gave a ZAK that ends too soon: check this server's clock",
            )),
            _ => Ok(zak),
        }
    }

    /// Drops a ZAK that Zoom refused at a join, so that the next one is new. Whoever brought it may have had it through a
    /// token link of ours, so the token itself tells which account it is of.
    pub fn reject_zak(&self, workspace: WorkspaceId, refused: &Secret) {
        self.zaks
            .kept
            .forget_where(|kept| kept.workspace == workspace && kept.zak.token.expose() == refused.expose());
    }

    async fn mint(self: &Arc<Self>, workspace: WorkspaceId, id: CredentialId) -> Result<Zak, Failure> {
        let mut rejected = None;
        loop {
            let access = self.live_access(workspace, id, Duration::ZERO, rejected).await?;
            let api = ApiAccess { base: &access.base, access_token: &access.token };
            match self.zoom.zak(&api, "me", TTL).await {
                Ok(zak) => {
                    let now = self.env.now();
                    // Without a readable end, Zoom's answer to our `ttl` is the best record there is.
                    let ends_at = zak.expires_at.unwrap_or(now + TTL);
                    let kept = KeptZak { workspace, epoch: access.epoch, zak: zak.clone(), ends_at };
                    self.zaks.kept.put(id, kept, |kept| kept.ends_at > now);
                    tracing::info!(credential = %id, "ZAK minted");
                    return Ok(zak);
                }
                // Our record calls the token valid and Zoom does not: one refresh, one more try.
                Err(ZoomError::TokenRejected) if rejected.is_none() => rejected = Some(access.generation),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
