//! Access tokens for a customer's own calls of Zoom's API.

use std::{sync::Arc, time::Duration};

use model::{CredentialId, Failure, Secret, Timestamp, TokenKind, WorkspaceId};

use crate::{Asker, Audited, Broker, audit::Wish};

/// An access token, and how long our own record calls it valid.
#[derive(Debug)]
pub struct AccessToken {
    /// Opens Zoom's API.
    pub token: Secret,
    /// Its end.
    pub expires_at: Timestamp,
}

impl Broker {
    /// An access token of the account with at least `life` left, refreshed first if need be. While Zoom is away, one with
    /// more than a minute left will do.
    pub async fn access_token(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        life: Duration,
        asker: Asker,
    ) -> Result<Audited<AccessToken>, Failure> {
        let wish = Wish { workspace, credential: id, kind: TokenKind::AccessToken, asker };
        let fetch = async {
            let access = self.live_access(workspace, id, life, None).await?;
            Ok((AccessToken { token: access.token, expires_at: access.expires_at }, access.source))
        };
        self.audited(wish, fetch).await
    }
}
