//! How many links, pools, apps, keys and invitations a workspace may have.

use model::WorkspaceId;
use store::QuotaResource;

use crate::{State, error::ApiError, request_code::RequestCode};

/// The quotas of one workspace, so that none fills the database. Concurrent calls may exceed a quota by their
/// number.
#[derive(Debug, Clone, Copy)]
pub struct WorkspaceQuotas {
    /// Token links that are not revoked and have not ended.
    pub token_links: u64,
    /// Pools.
    pub pools: u64,
    /// Registered apps.
    pub zoom_oauth_apps: u64,
    /// API keys that are not revoked and have not ended.
    pub api_keys: u64,
    /// Invitations that can still be used.
    pub invitations: u64,
}

impl Default for WorkspaceQuotas {
    fn default() -> Self {
        Self { token_links: 20_000, pools: 1000, zoom_oauth_apps: 1000, api_keys: 1000, invitations: 10_000 }
    }
}

impl WorkspaceQuotas {
    const fn most(&self, what: QuotaResource) -> u64 {
        match what {
            QuotaResource::TokenLinks => self.token_links,
            QuotaResource::Pools => self.pools,
            QuotaResource::ZoomOauthApps => self.zoom_oauth_apps,
            QuotaResource::ApiKeys => self.api_keys,
            QuotaResource::Invitations => self.invitations,
        }
    }
}

/// The workspace has reached the quota.
pub(crate) fn quota_exceeded(what: QuotaResource, most: u64) -> ApiError {
    let (things, remedy) = match what {
        QuotaResource::TokenLinks => ("token links", "revoke one"),
        QuotaResource::Pools => ("pools", "delete one"),
        QuotaResource::ZoomOauthApps => ("apps", "delete one"),
        QuotaResource::ApiKeys => ("API keys", "revoke one"),
        QuotaResource::Invitations => ("open invitations", "withdraw one"),
    };
    let detail = format!("This workspace has reached its limit of {most} {things}: {remedy} first.");
    ApiError::refused(RequestCode::WorkspaceFull, detail)
}

/// Refuses one more when the workspace has reached the quota.
pub(crate) async fn check_quota(
    state: &State,
    workspace: WorkspaceId,
    what: QuotaResource,
) -> Result<(), ApiError> {
    let most = state.admission.bounds.held.most(what);
    let held = state.store.held(workspace, what, state.env.now()).await?;
    if held < most { Ok(()) } else { Err(quota_exceeded(what, most)) }
}
