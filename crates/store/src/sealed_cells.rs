//! Every cell with a ciphertext, for key rotation.

use async_trait::async_trait;
use model::{Sealed, WorkspaceId};

use crate::StoreError;

/// A column of ciphertexts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedColumn {
    /// The table. Its rows have an `id`.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The column with the tenant of a row.
    pub workspace: &'static str,
}

const fn column(table: &'static str, column: &'static str) -> SealedColumn {
    SealedColumn { table, column, workspace: "workspace" }
}

/// Every column of ciphertexts. The conformance suite compares this list with the real database.
pub const SEALED_COLUMNS: &[SealedColumn] = &[
    SealedColumn { table: "workspaces", column: "callback_secret", workspace: "id" },
    SealedColumn { table: "workspaces", column: "former_callback_secret", workspace: "id" },
    column("zoom_oauth_apps", "client_secret"),
    column("zoom_oauth_apps", "webhook_secret"),
    column("zoom_oauth_apps", "former_webhook_secret"),
    column("credentials", "access_token"),
    column("credentials", "refresh_token"),
    column("credentials", "callback_url"),
    column("parked_consents", "access_token"),
    column("parked_consents", "refresh_token"),
    column("token_links", "signing_secret"),
    column("idempotent_requests", "answer"),
    column("bots", "request"),
    column("bot_pictures", "picture"),
    column("bot_chat_messages", "message"),
    column("meeting_events", "events"),
    column("webhook_endpoints", "url"),
    column("webhook_endpoints", "secrets"),
];

/// The first bytes of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedHead {
    /// The row's id.
    pub row: String,
    /// The first bytes of its ciphertext.
    pub head: Vec<u8>,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCell {
    /// The row's id.
    pub row: String,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The ciphertext.
    pub sealed: Sealed,
}

/// A cell to be re-encrypted.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// The row's id.
    pub row: String,
    /// The expected current ciphertext.
    pub old: Sealed,
    /// The new ciphertext.
    pub new: Sealed,
}

/// Ciphertexts of every tenant, for key rotation. An empty cell counts as absent.
#[async_trait]
pub trait SealedCells {
    /// How many cells of a column contain a ciphertext.
    async fn count_sealed(&self, column: &SealedColumn) -> Result<u64, StoreError>;

    /// The first `head` bytes of the next cells of a column, at most `limit`, sorted by row, after
    /// the row `after`.
    async fn sealed_heads(
        &self,
        column: &SealedColumn,
        after: Option<&str>,
        head: u32,
        limit: u32,
    ) -> Result<Vec<SealedHead>, StoreError>;

    /// The cells of these rows. A row that is gone or empty is left out.
    async fn sealed_cells(
        &self,
        column: &SealedColumn,
        rows: &[String],
    ) -> Result<Vec<SealedCell>, StoreError>;

    /// Replaces the cells that still have the expected ciphertext, in one transaction; returns how
    /// many. A cell that was written in the meantime is newer and stays.
    async fn replace_sealed(
        &self,
        column: &SealedColumn,
        replacements: &[Replacement],
    ) -> Result<u64, StoreError>;
}
