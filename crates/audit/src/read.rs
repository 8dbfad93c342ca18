//! Reads the audit.

use model::WorkspaceId;
use store::{AuditPage, AuditRecord, StoreError};

use crate::Audit;

impl Audit {
    /// A page of the workspace's audit. It includes the records of all tokens that this server has given before the call.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        page: &AuditPage,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        self.catch_up().await?;
        self.store().audit(workspace, page).await
    }
}
