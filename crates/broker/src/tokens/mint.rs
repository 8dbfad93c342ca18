//! Mints short-lived tokens at Zoom with a valid access token.

use std::{sync::Arc, time::Duration};

use metrics::Metrics;
use model::{
    AccountUser, Code, CredentialId, CredentialKind, Environment, Failure, MeetingNumber, Secret, Timestamp,
    TokenKind, WorkspaceId,
};
use rate_limits::CallPriority;
use zoom::{Label, ZoomClient, ZoomError};

use super::{access_token::AccessTokens, users::Users};

/// How long a mint waits for its turn at Zoom: longer than its caller, because a later call can use the result.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// A request to Zoom.
#[derive(Debug, Clone, Copy)]
pub(crate) enum MintRequest {
    /// A ZAK with this lifetime.
    Zak(Duration),
    /// An OBF token, for this meeting only if one is given. `join_at` is when it is needed.
    Obf { meeting: Option<MeetingNumber>, join_at: Timestamp },
    /// A join token, which also bypasses the waiting room.
    JoinToken(MeetingNumber),
}

impl MintRequest {
    const fn kind(self) -> TokenKind {
        match self {
            Self::Zak(_) => TokenKind::Zak,
            Self::Obf { .. } => TokenKind::Obf,
            Self::JoinToken(_) => TokenKind::JoinToken,
        }
    }
}

/// A minted token.
pub(crate) struct Minted {
    pub(crate) token: Secret,
    /// When it expires, if that can be read from the token.
    pub(crate) expires_at: Option<Timestamp>,
    /// The epoch of the account at the mint.
    pub(crate) epoch: i64,
}

/// Mints short-lived tokens.
pub struct Minter {
    pub(crate) env: Environment,
    pub(crate) zoom: ZoomClient,
    pub(crate) metrics: Metrics,
    pub(crate) access: Arc<AccessTokens>,
    pub(crate) users: Arc<Users>,
}

impl Minter {
    /// Mints a token. `user` is the user, if the account is a server-to-server app's.
    #[tracing::instrument(skip_all, fields(credential = %id, kind = request.kind().as_str()))]
    pub(crate) async fn mint(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        user: Option<&AccountUser>,
        request: MintRequest,
    ) -> Result<Minted, Failure> {
        let minted = self.ask_zoom(workspace, id, user, request).await;
        self.metrics.mint(request.kind(), &minted);
        minted
    }

    async fn ask_zoom(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        user: Option<&AccountUser>,
        request: MintRequest,
    ) -> Result<Minted, Failure> {
        let mut rejected = None;
        loop {
            let access = self.access.live(workspace, id, Duration::ZERO, rejected).await?;
            // A request that Zoom can't serve takes no turn.
            let whose = match request {
                MintRequest::Zak(_) | MintRequest::Obf { .. } => whom(access.kind, user)?,
                // A join token belongs to the meeting.
                MintRequest::JoinToken(_) => Whose::Nobody,
            };
            let whose = match whose {
                Whose::User(user) => match self.users.to_mint_for(&access, id, user).await? {
                    Ok(user) => user.to_string(),
                    Err(ZoomError::TokenRejected) if rejected.is_none() => {
                        rejected = Some(access.generation);
                        continue;
                    }
                    Err(ZoomError::UserUnknown) => return Err(no_such_user()),
                    Err(error) => return Err(error.into()),
                },
                Whose::Own => "me".to_owned(),
                Whose::Nobody => String::new(),
            };
            let need = match request {
                MintRequest::Obf { join_at, .. } => CallPriority::for_join(join_at, TURN_TIMEOUT),
                MintRequest::Zak(_) | MintRequest::JoinToken(_) => CallPriority::now(&self.env, TURN_TIMEOUT),
            };
            let api = self.access.api(&access, Label::Light, need).await?;
            let answer = match request {
                MintRequest::Zak(ttl) => {
                    let zak = self.zoom.zak(api, &whose, ttl).await;
                    zak.map(|zak| (zak.token, zak.expires_at))
                }
                MintRequest::Obf { meeting, .. } => {
                    let token = self.zoom.obf(api, &whose, meeting).await;
                    token.map(|token| (token, None))
                }
                MintRequest::JoinToken(meeting) => {
                    let token = self.zoom.join_token(api, meeting, true).await;
                    token.map(|token| (token, None))
                }
            };
            // Zoom gives ZAKs for expired access tokens (observed), but no meeting accepts them. Its answer
            // contains the time, and so shows whether our record was wrong.
            let was_dead = self.zoom.clock().now() >= access.expires_at;
            match answer {
                Ok(_) if was_dead && rejected.is_none() => {
                    tracing::warn!(credential = %id, "a token was minted with an expired access token, requesting another one");
                    rejected = Some(access.generation);
                }
                Ok((token, expires_at)) => {
                    tracing::info!(credential = %id, kind = request.kind().as_str(), "token minted");
                    return Ok(Minted { token, expires_at, epoch: access.epoch });
                }
                // Our record says that the token is valid, but Zoom refuses it: refresh once and retry.
                Err(ZoomError::TokenRejected) if rejected.is_none() => rejected = Some(access.generation),
                Err(ZoomError::UserUnknown) if user.is_some() => return Err(no_such_user()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn no_such_user() -> Failure {
    Failure::new(Code::UserUnknown, "the app's Zoom account has no such user, or the user is not active")
}

/// The owner of the token.
enum Whose<'a> {
    /// A user of the account.
    User(&'a AccountUser),
    /// The account's own user.
    Own,
    /// The call names no user.
    Nobody,
}

/// The user of the call. A server-to-server app has no `me`: Zoom would use the app's owner.
fn whom(kind: CredentialKind, user: Option<&AccountUser>) -> Result<Whose<'_>, Failure> {
    match (kind, user) {
        (CredentialKind::ServerToServer, Some(user)) => Ok(Whose::User(user)),
        (CredentialKind::ServerToServer, None) => Err(Failure::new(
            Code::TokenNotAvailable,
            "a server-to-server app acts for every user of its Zoom account: name one",
        )),
        (CredentialKind::UserOauth | CredentialKind::CustomerManaged, None) => Ok(Whose::Own),
        (CredentialKind::UserOauth | CredentialKind::CustomerManaged, Some(_)) => Err(Failure::new(
            Code::TokenNotAvailable,
            "this account belongs to one user: only a server-to-server app can mint for other users",
        )),
    }
}
