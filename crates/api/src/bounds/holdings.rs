//! What a workspace can have only so many of.

use model::WorkspaceId;
use store::Held;

use crate::{State, error::ApiError, request_code::RequestCode};

/// The most of each that one workspace may have, so that it does not fill the store of all. Calls at the same time may go
/// beyond it by their number.
#[derive(Debug, Clone, Copy)]
pub struct Holdings {
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

impl Default for Holdings {
    fn default() -> Self {
        Self { token_links: 20_000, pools: 1000, zoom_oauth_apps: 1000, api_keys: 1000, invitations: 10_000 }
    }
}

impl Holdings {
    const fn most(&self, what: Held) -> u64 {
        match what {
            Held::TokenLinks => self.token_links,
            Held::Pools => self.pools,
            Held::ZoomOauthApps => self.zoom_oauth_apps,
            Held::ApiKeys => self.api_keys,
            Held::Invitations => self.invitations,
        }
    }
}

/// The workspace has as many as it may.
pub(crate) fn full(what: Held, most: u64) -> ApiError {
    let (things, remedy) = match what {
        Held::TokenLinks => ("token links", "revoke one"),
        Held::Pools => ("pools", "delete one"),
        Held::ZoomOauthApps => ("apps", "delete one"),
        Held::ApiKeys => ("API keys", "revoke one"),
        Held::Invitations => ("open invitations", "withdraw one"),
    };
    let detail = format!("This workspace has {most} {things}, which is the most: {remedy} first.");
    ApiError::refused(RequestCode::WorkspaceFull, detail)
}

/// Refuses one more where the workspace has as many as it may.
pub(crate) async fn check_room(state: &State, workspace: WorkspaceId, what: Held) -> Result<(), ApiError> {
    let most = state.admission.bounds.held.most(what);
    let held = state.store.held(workspace, what, state.env.now()).await?;
    if held < most { Ok(()) } else { Err(full(what, most)) }
}
