//! What this process keeps in memory of accounts, and how it hears that an account has ended.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use model::{AccountUser, CredentialId, Failure, Timestamp, WorkspaceId};
use store::AccountStore;
use zoom::Zak;

use crate::memory::Memory;

/// Whose a ZAK is: an account, and which of its users if it has several.
pub(crate) type ZakOwner = (CredentialId, Option<AccountUser>);

/// ZAKs in memory, and how often accounts have changed.
pub struct AccountCache {
    store: Arc<dyn AccountStore>,
    pub(crate) zaks: Memory<ZakOwner, KeptZak>,
    changes: AtomicU64,
}

#[derive(Clone)]
pub(crate) struct KeptZak {
    /// Whose it is: an id alone, from another tenant, must find nothing.
    pub(crate) workspace: WorkspaceId,
    pub(crate) credential: CredentialId,
    /// Void once the account is in another: it was disconnected, or connected again.
    pub(crate) epoch: i64,
    pub(crate) zak: Zak,
    pub(crate) minted_at: Timestamp,
    pub(crate) ends_at: Timestamp,
}

impl AccountCache {
    pub(crate) fn new(store: Arc<dyn AccountStore>) -> Self {
        Self { store, zaks: Memory::default(), changes: AtomicU64::new(0) }
    }

    /// How often this server has ended an account or voided its tokens. Whoever keeps something of an account reads it again
    /// when this has changed.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Drops what this process keeps of an account. To be called after the store has the change.
    pub(crate) fn forget(&self, id: CredentialId) {
        self.forget_zaks(id);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Drops the ZAKs of an account, whoever's they are.
    pub(crate) fn forget_zaks(&self, id: CredentialId) {
        self.zaks.forget_where(|kept| kept.credential == id);
    }

    /// Voids the ZAKs of an account, here and, within a second, on the other servers.
    pub(crate) async fn void_zaks(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
    ) -> Result<(), Failure> {
        self.forget_zaks(credential);
        // The others hear of the epoch, as of a consent's.
        self.store.void_tokens(workspace, credential).await?;
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }
}
