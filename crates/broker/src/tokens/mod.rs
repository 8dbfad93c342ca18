//! Tokens of connected accounts. Each is given with its audit record.
//!
//! - [`Tokens`]: gives callers a ZAK (`zak`: from the cache while enough lifetime is left, else one mint for many callers),
//!   an OBF token (`meeting_tokens`), an access token, or one of any kind (`token`, for the crate `token-links`).
//! - `mint`: requests tokens from Zoom with a valid access token; `access_token`: provides it.
//! - [`Users`]: resolves users of accounts that act for many users.
//! - [`SigningApps`]: chooses the app that signs a bot's join.

mod access_token;
mod meeting_tokens;
mod mint;
mod named_account;
mod signing_app;
mod token;
mod users;
mod zak;

use std::{sync::Arc, time::Duration};

use audit::{Audit, Audited, TokenAccess, TokenRequester};
use model::{CredentialId, Environment, Failure, TokenContext, TokenKind, WorkspaceId};
use store::AccountStore;
use tokio_util::task::TaskTracker;
use zoom::{Zak, ZoomClient};

use crate::{
    account_cache::{AccountCache, ZakOwner},
    single_flight::SingleFlight,
};

pub(crate) use access_token::ZoomAccess;
pub use access_token::{AccessToken, AccessTokens};
pub use meeting_tokens::ObfRequest;
pub use mint::Minter;
pub use named_account::{NamedAccount, WrongField};
pub use signing_app::{NoSigningApp, SigningApp, SigningAppRequest, SigningApps};
pub use token::{IssueRequest, IssuedToken};
pub use users::Users;
pub use zak::ZakRequest;

/// Gives tokens of accounts, with their audit records.
pub struct Tokens {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) env: Environment,
    pub(crate) tasks: TaskTracker,
    pub(crate) zoom: ZoomClient,
    pub(crate) audit: Audit,
    pub(crate) cache: Arc<AccountCache>,
    pub(crate) access: Arc<AccessTokens>,
    pub(crate) minter: Arc<Minter>,
    /// The key includes the epoch: a caller after a new consent must not get a token of the old one.
    pub(crate) mints: SingleFlight<(ZakOwner, i64, Duration), Result<Zak, Failure>>,
}

impl Tokens {
    /// An access token of the account that is valid for at least `life`, refreshed first if necessary. While
    /// Zoom is unavailable, more than a minute is enough.
    pub async fn access_token(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        life: Duration,
        requester: TokenRequester,
    ) -> Result<Audited<AccessToken>, Failure> {
        let about = TokenContext::default();
        let access =
            TokenAccess { workspace, credential: id, kind: TokenKind::AccessToken, requester, about };
        let fetch = async {
            let access = self.access.live(workspace, id, life, None).await?;
            Ok((AccessToken { token: access.token, expires_at: access.expires_at }, access.source))
        };
        self.audit.audited(access, fetch).await
    }
}
