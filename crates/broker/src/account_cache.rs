//! Caches ZAKs in this process, and drops them when an account ends.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use model::{AccountUser, CredentialId, Failure, Timestamp, WorkspaceId};
use store::AccountStore;
use zoom::Zak;

use crate::expiring_map::ExpiringMap;

/// The owner of a ZAK: an account, and one of its users if it has several.
pub(crate) type ZakOwner = (CredentialId, Option<AccountUser>);

/// Cached ZAKs, and a counter of changes to accounts.
pub struct AccountCache {
    store: Arc<dyn AccountStore>,
    pub(crate) zaks: ExpiringMap<ZakOwner, CachedZak>,
    changes: AtomicU64,
}

#[derive(Clone)]
pub(crate) struct CachedZak {
    /// The tenant, because an id from another tenant must not match.
    pub(crate) workspace: WorkspaceId,
    pub(crate) credential: CredentialId,
    /// The account's epoch at the mint. The ZAK is void once the account has another epoch, after a
    /// consent or a disconnection.
    pub(crate) epoch: i64,
    pub(crate) zak: Zak,
    pub(crate) minted_at: Timestamp,
    pub(crate) ends_at: Timestamp,
}

impl AccountCache {
    pub(crate) fn new(store: Arc<dyn AccountStore>) -> Self {
        Self { store, zaks: ExpiringMap::default(), changes: AtomicU64::new(0) }
    }

    /// How often this server has ended an account or voided its tokens. Other caches of accounts compare it
    /// and read again.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Drops the cached data of an account. Call it after the store has the change.
    pub(crate) fn forget(&self, id: CredentialId) {
        self.forget_zaks(id);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Drops the ZAKs of all users of an account.
    pub(crate) fn forget_zaks(&self, id: CredentialId) {
        self.zaks.forget_where(|kept| kept.credential == id);
    }

    /// Voids the ZAKs of an account here and, within a second, on other servers.
    pub(crate) async fn void_zaks(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
    ) -> Result<(), Failure> {
        self.forget_zaks(credential);
        // Other servers see the new epoch, as after a consent.
        self.store.void_tokens(workspace, credential).await?;
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }
}
