//! Removes an app, its ended accounts and its parked consents.

use std::sync::Arc;

use model::{CredentialStatus, DisconnectCause, Environment, Failure, WorkspaceId, ZoomOauthAppId};
use store::{AccountStore, AppRemoval, Credential, CredentialFilter, Order, Page};

use super::{apps::Apps, disconnect::Disconnection, parked::ParkedConsents};
use crate::log_lines::note;

/// Removes apps.
pub struct AppRemovals {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) env: Environment,
    pub(crate) apps: Arc<Apps>,
    pub(crate) parked: Arc<ParkedConsents>,
    pub(crate) disconnection: Arc<Disconnection>,
}

impl AppRemovals {
    /// Removes an app without connected accounts. Accounts that Zoom has ended are removed with it, and its
    /// parked consents are revoked if Zoom can be reached.
    pub async fn remove(&self, workspace: WorkspaceId, id: ZoomOauthAppId) -> Result<AppRemoval, Failure> {
        let in_use =
            CredentialStatus::ALL.into_iter().filter(|s| !matches!(s, CredentialStatus::Disconnected(_)));
        if self.accounts_of(workspace, id, in_use.collect()).await?.is_empty() {
            for parked in self.store.parked_consents(workspace).await? {
                if parked.app == id {
                    self.parked.discard(workspace, parked.id).await?;
                }
            }
            let ended = CredentialStatus::ALL.into_iter().filter(
                |s| matches!(s, CredentialStatus::Disconnected(cause) if *cause != DisconnectCause::Asked),
            );
            let ended: Vec<_> = ended.collect();
            loop {
                let accounts = self.accounts_of(workspace, id, ended.clone()).await?;
                for account in &accounts {
                    self.disconnection.disconnect(workspace, account.id).await?;
                }
                if accounts.is_empty() {
                    break;
                }
            }
        }
        // The store decides, in case something has changed since.
        let removal =
            self.apps.store.remove_zoom_oauth_app(workspace, id, &note(&self.env, "removed")).await?;
        if removal == AppRemoval::Removed {
            tracing::info!(app = %id, "app removed");
        }
        Ok(removal)
    }

    /// Some accounts of an app in these states.
    async fn accounts_of(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        statuses: Vec<CredentialStatus>,
    ) -> Result<Vec<Credential>, Failure> {
        let filter = CredentialFilter { app: Some(app), statuses, ..CredentialFilter::default() };
        let page = Page { order: Order::Ascending, after: None, most: 100 };
        Ok(self.store.list_credentials(workspace, &filter, &page).await?)
    }
}
