//! OBF and join tokens: minted for each call and never cached, because each can be used only once.

use std::sync::Arc;

use audit::{Audited, TokenAccess, TokenRequester};
use model::{
    AccountUser, Code, CredentialId, Failure, MeetingNumber, Secret, Source, Timestamp, TokenContext,
    TokenKind, WorkspaceId,
};

use super::{Tokens, mint::MintRequest};

/// A request for an OBF token.
#[derive(Debug, Clone, Copy)]
pub struct ObfRequest<'a> {
    /// The user, if the account is a server-to-server app's; otherwise `None`.
    pub user: Option<&'a AccountUser>,
    /// The only meeting it is for; `None` means any.
    pub meeting: Option<MeetingNumber>,
    /// When the bot joins. If many requests wait, earlier joins are served first.
    pub join_at: Timestamp,
}

impl Tokens {
    /// An OBF token of the account. Its user vouches for a bot, and must be in the meeting.
    pub async fn obf(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        credential: CredentialId,
        wanted: ObfRequest<'_>,
        requester: TokenRequester,
    ) -> Result<Audited<Secret>, Failure> {
        let about = TokenContext { user: wanted.user.cloned(), meeting: wanted.meeting, bot: None };
        let access = TokenAccess { workspace, credential, kind: TokenKind::Obf, requester, about };
        self.audit.audited(access, self.fetch_obf(workspace, credential, wanted)).await
    }

    /// Only for [`audit::Audit::audited`].
    pub(crate) async fn fetch_obf(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        credential: CredentialId,
        wanted: ObfRequest<'_>,
    ) -> Result<(Secret, Source), Failure> {
        let request = MintRequest::Obf { meeting: wanted.meeting, join_at: wanted.join_at };
        let minted = self.minter.mint(workspace, credential, wanted.user, request).await?;
        Ok((minted.token, Source::Minted))
    }

    /// A token of the meeting's host that allows recording without asking. Only for [`audit::Audit::audited`].
    pub(crate) async fn fetch_join_token(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        credential: CredentialId,
        user: Option<&AccountUser>,
        meeting: Option<MeetingNumber>,
    ) -> Result<(Secret, Source), Failure> {
        let meeting = meeting.ok_or_else(|| {
            Failure::new(
                Code::RequestMalformed,
                "a join token is for one meeting, which the request must name",
            )
        })?;
        let minted = self.minter.mint(workspace, credential, user, MintRequest::JoinToken(meeting)).await?;
        Ok((minted.token, Source::Minted))
    }
}
