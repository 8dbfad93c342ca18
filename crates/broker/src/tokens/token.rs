//! Gives one token of any kind of an account, with its audit record: the interface for token links.

use std::{sync::Arc, time::Duration};

use audit::{Audited, TokenAccess, TokenRequester};
use model::{
    AccountUser, Code, CredentialId, Failure, MeetingNumber, PlatformBot, Secret, Source, Timestamp,
    TokenContext, TokenKind, WorkspaceId,
};
use tracing::{Instrument as _, debug_span};

use super::{Tokens, meeting_tokens::ObfRequest, zak::ZakRequest};
use crate::accounts::usable_account;

/// An access token in an answer is valid at least this long.
const ACCESS_OUTLIVES: Duration = Duration::from_secs(300);

/// A request for a token.
#[derive(Debug, Clone, Copy)]
pub struct IssueRequest<'a> {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The account.
    pub credential: CredentialId,
    /// The user, if the account is a server-to-server app's; otherwise `None`.
    pub user: Option<&'a AccountUser>,
    /// The account's epoch, if the caller has just read that the account is usable.
    pub epoch: Option<i64>,
    /// The kind.
    pub kind: TokenKind,
    /// The meeting, for OBF and join tokens, and for the record.
    pub meeting: Option<MeetingNumber>,
    /// The bot at its platform, for the record.
    pub bot: Option<&'a PlatformBot>,
    /// The shortest remaining lifetime of a ZAK.
    pub zak_outlives: Duration,
    /// Whether to bypass the cache.
    pub fresh: bool,
    /// The requester, for the record.
    pub requester: TokenRequester,
    /// When the request was received.
    pub asked_at: Timestamp,
    /// When the caller gives up. The work continues, for a later call.
    pub deadline: Timestamp,
}

/// A token with its kind and expiry.
#[derive(Debug)]
pub struct IssuedToken {
    /// Its kind.
    pub kind: TokenKind,
    /// The token.
    pub token: Secret,
    /// When it expires by Zoom's clock, if that is known.
    pub expires_at: Option<Timestamp>,
}

impl<'a> IssueRequest<'a> {
    const fn zak(&self) -> ZakRequest<'a> {
        ZakRequest { user: self.user, outlives: self.zak_outlives, fresh: self.fresh }
    }

    fn access(&self) -> TokenAccess {
        let about = TokenContext { user: self.user.cloned(), meeting: self.meeting, bot: self.bot.cloned() };
        let Self { workspace, credential, kind, requester, .. } = *self;
        TokenAccess { workspace, credential, kind, requester, about }
    }
}

impl Tokens {
    /// A token of an account, and its audit record.
    pub async fn token(self: &Arc<Self>, wanted: &IssueRequest<'_>) -> Result<Audited<IssuedToken>, Failure> {
        let (credential, kind) = (wanted.credential, wanted.kind.as_str());
        if let Some(token) = self.token_in_memory(wanted) {
            let span = debug_span!("record", %credential, kind);
            return self.audit.give(wanted.access(), token, Source::Cached).instrument(span).await;
        }
        // The future is boxed, so that the future of an answer from the cache stays small.
        let span = debug_span!("fetch_token", %credential, kind);
        Box::pin(self.audit.audited(wanted.access(), self.token_in_time(wanted)).instrument(span)).await
    }

    /// Records that a token was refused before Zoom was called.
    pub fn note_refused_token(&self, wanted: &IssueRequest<'_>, failure: &Failure) {
        self.audit.refuse(wanted.access(), failure.code);
    }

    fn token_in_memory(&self, wanted: &IssueRequest<'_>) -> Option<IssuedToken> {
        let epoch = wanted.epoch.filter(|_| wanted.kind == TokenKind::Zak)?;
        let IssueRequest { workspace, credential, asked_at, .. } = *wanted;
        let zak = self.cached_zak(workspace, credential, epoch, wanted.zak(), asked_at)?;
        Some(IssuedToken { kind: TokenKind::Zak, token: zak.token, expires_at: zak.expires_at })
    }

    async fn token_in_time(
        self: &Arc<Self>,
        wanted: &IssueRequest<'_>,
    ) -> Result<(IssuedToken, Source), Failure> {
        let within = wanted.deadline.since(self.env.now());
        self.env.clock.timeout(within, self.fetch_token(wanted)).await.unwrap_or_else(|| Err(late()))
    }

    #[tracing::instrument(skip_all, fields(credential = %wanted.credential, kind = wanted.kind.as_str()))]
    async fn fetch_token(
        self: &Arc<Self>,
        wanted: &IssueRequest<'_>,
    ) -> Result<(IssuedToken, Source), Failure> {
        let IssueRequest { workspace, credential, user, kind, meeting, .. } = *wanted;
        let (token, expires_at, source) = match kind {
            TokenKind::Zak => {
                let epoch = match wanted.epoch {
                    Some(epoch) => epoch,
                    None => usable_account(&*self.store, workspace, credential).await?.epoch,
                };
                let (zak, source) = self.fetch_zak_in(workspace, credential, epoch, wanted.zak()).await?;
                (zak.token, zak.expires_at, source)
            }
            TokenKind::Obf => {
                let wanted = ObfRequest { user, meeting, join_at: self.env.now() };
                let (token, source) = self.fetch_obf(workspace, credential, wanted).await?;
                (token, None, source)
            }
            TokenKind::JoinToken => {
                let (token, source) = self.fetch_join_token(workspace, credential, user, meeting).await?;
                (token, None, source)
            }
            TokenKind::AccessToken => {
                let access = self.access.live(workspace, credential, ACCESS_OUTLIVES, None).await?;
                (access.token, Some(access.expires_at), access.source)
            }
        };
        Ok((IssuedToken { kind, token, expires_at }, source))
    }
}

fn late() -> Failure {
    let late = Failure::new(Code::Deadline, "the token takes longer than a platform waits");
    Failure { retry_after: Some(Duration::from_secs(1)), ..late }
}
