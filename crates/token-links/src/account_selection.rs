//! Selects the account whose token a link gives, and gets the token.

use std::{sync::Arc, time::Duration};

use audit::{Audited, TokenRequester};
use broker::{
    Hosting, IssueRequest, IssuedToken, MeetingHost, MeetingMap, PoolSeatRequest, Pools, Seated, Tokens,
    tokens::Users,
};
use model::{
    AccountUser, AuditActor, Class, Code, CredentialId, Environment, Failure, MeetingNumber, PoolId, Purpose,
    Timestamp, TokenKind, WorkspaceId, chain,
};
use store::{AccountState, LinkAccount, LinkSource, LinkTerms, TokenLink};

use crate::{
    account_refusal_log::AccountRefusalLog,
    request::{LinkRequest, Requested},
};

/// A verified request, and what it requests.
pub struct TokenRequest<'a> {
    pub(crate) link: &'a TokenLink,
    /// The state of the accounts that the link names.
    pub(crate) accounts: &'a [AccountState],
    pub(crate) requested: &'a Requested,
    pub(crate) request: &'a LinkRequest<'a>,
    /// When it was received.
    pub(crate) asked_at: Timestamp,
    /// When the sender must have an answer.
    pub(crate) deadline: Timestamp,
}

impl<'a> TokenRequest<'a> {
    pub(crate) fn terms(&self) -> &'a LinkTerms {
        &self.link.terms
    }

    pub(crate) fn workspace(&self) -> WorkspaceId {
        self.link.workspace
    }

    pub(crate) fn meeting(&self) -> Option<MeetingNumber> {
        self.requested.meeting
    }

    /// The accounts that the link names, each with its state; `None` for one that is gone.
    pub(crate) fn named_accounts(&self) -> impl Iterator<Item = (&'a LinkAccount, Option<AccountState>)> {
        let named = match &self.terms().source {
            LinkSource::Accounts(named) => named.as_slice(),
            LinkSource::Pool(_) | LinkSource::Host => &[],
        };
        named.iter().map(|account| {
            let state = self.accounts.iter().find(|state| state.credential == account.credential);
            (account, state.copied())
        })
    }

    fn wanted<'b>(&'b self, kind: TokenKind, account: Account<'b>) -> IssueRequest<'b> {
        let why = Purpose::TokenLink;
        IssueRequest {
            workspace: self.workspace(),
            credential: account.credential,
            user: account.user,
            epoch: account.epoch,
            kind,
            meeting: self.requested.meeting,
            bot: self.requested.bot.as_ref(),
            zak_outlives: Duration::from_secs(self.terms().zak_outlives_seconds.into()),
            fresh: self.requested.fresh,
            requester: TokenRequester {
                who: AuditActor::TokenLink(self.link.id),
                from: self.request.from,
                why,
            },
            asked_at: self.asked_at,
            deadline: self.deadline,
        }
    }
}

/// An account that was selected.
#[derive(Clone, Copy)]
struct Account<'a> {
    credential: CredentialId,
    user: Option<&'a AccountUser>,
    /// The account's epoch, if it was just read.
    epoch: Option<i64>,
}

/// Selects accounts, by the terms of links, and gets their tokens.
pub struct AccountSelection {
    pub(crate) env: Environment,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) users: Arc<Users>,
    pub(crate) pools: Arc<Pools>,
    pub(crate) meeting_map: Arc<MeetingMap>,
    pub(crate) alerts: AccountRefusalLog,
}

impl AccountSelection {
    /// A token of this kind, by the link's terms. If the link has several accounts, the first that can give one does.
    pub(crate) async fn token(
        &self,
        request: &TokenRequest<'_>,
        kind: TokenKind,
    ) -> Result<Audited<IssuedToken>, Failure> {
        match &request.terms().source {
            LinkSource::Accounts(_) => self.token_of_accounts(request, kind).await,
            LinkSource::Pool(pool) => self.token_of_pool(request, kind, *pool).await,
            LinkSource::Host => {
                let host = self.host(request).await?;
                self.token_of_host(request, kind, &host).await
            }
        }
    }

    async fn token_of_accounts(
        &self,
        request: &TokenRequest<'_>,
        kind: TokenKind,
    ) -> Result<Audited<IssuedToken>, Failure> {
        let mut first = None;
        for (account, state) in request.named_accounts() {
            match self.token_of_named(request, kind, account, state).await {
                Err(failure) if failure.class() == Class::PersonMustAct => first = first.or(Some(failure)),
                done => return done,
            }
        }
        Err(first.unwrap_or_else(|| Failure::new(Code::Internal, "the link has no account")))
    }

    /// A token of one account that the link names.
    pub(crate) async fn token_of_named(
        &self,
        request: &TokenRequest<'_>,
        kind: TokenKind,
        account: &LinkAccount,
        state: Option<AccountState>,
    ) -> Result<Audited<IssuedToken>, Failure> {
        let (credential, user) = (account.credential, account.user.as_ref());
        let Some(state) = state else {
            let gone = Failure::new(Code::TokenNotAvailable, "the link's account no longer exists");
            let wanted = request.wanted(kind, Account { credential, user, epoch: None });
            self.tokens.note_refused_token(&wanted, &gone);
            self.alerts.log_refusal(request.link, kind, credential, &gone).await;
            return Err(gone);
        };
        // The cached state is up to a second old, and the user may have consented since, at another server. So only the
        // store's current state, which the broker reads, makes a failure final. While the store is unavailable, it is
        // temporary.
        let epoch = state.status.is_usable().then_some(state.epoch);
        let token = self.token_of(request, kind, Account { credential, user, epoch }).await;
        match (token, user.zip(account.address.as_ref())) {
            (Err(failure), Some(named)) if failure.code == Code::UserUnknown => {
                let workspace = request.workspace();
                let look = Box::pin(self.users.address_has_moved(workspace, credential, named));
                let within = request.deadline.since(self.env.now());
                let moved = self.env.clock.timeout(within, look).await.flatten();
                Err(moved.unwrap_or(failure))
            }
            (token, _) => token,
        }
    }

    /// Takes a seat, and another one if the account of the first can't give a token.
    async fn token_of_pool(
        &self,
        request: &TokenRequest<'_>,
        kind: TokenKind,
        pool: PoolId,
    ) -> Result<Audited<IssuedToken>, Failure> {
        let (workspace, terms) = (request.workspace(), request.terms());
        let wanted = PoolSeatRequest {
            pool,
            meeting: request.meeting(),
            // If the request names no bot, its own id stands for the bot.
            holder: match &request.requested.bot {
                Some(bot) => bot.as_str(),
                None => request.request.signature_headers().map_or("", |headers| headers.id),
            },
            hosting: match kind {
                TokenKind::Zak if terms.hosting => Hosting::Always,
                TokenKind::Zak => Hosting::IfItsOwn,
                TokenKind::Obf | TokenKind::JoinToken | TokenKind::AccessToken => Hosting::Never,
            },
            until: self.env.now() + Duration::from_secs(terms.seat_seconds.into()),
        };
        let (mut without, mut first) = (Vec::new(), None);
        loop {
            let seated = match self.pools.take_seat_but(workspace, &wanted, &without).await {
                Ok(seated) => seated,
                // There is no other account. The first failure says more.
                Err(failure) => return Err(first.unwrap_or(failure)),
            };
            let Seated { seat, credential, user } = seated;
            let token = {
                let account = Account { credential, user: user.as_ref(), epoch: None };
                self.token_of(request, kind, account).await
            };
            match token {
                Err(failure) if failure.class() == Class::PersonMustAct => {
                    // A seat that is not released expires; the reason why there is no token matters more.
                    if let Err(error) = self.pools.release_seat(workspace, seat).await {
                        tracing::warn!(%seat, error = %chain(&error), "the seat of a failed token request was not released");
                    }
                    first = first.or(Some(failure));
                    without.push((credential, user));
                }
                // After a temporary failure the platform retries and gets the same seat.
                done => return done,
            }
        }
    }

    /// The host of a meeting, if it is known.
    pub(crate) async fn host_of(
        &self,
        workspace: WorkspaceId,
        meeting: MeetingNumber,
    ) -> Result<Option<MeetingHost>, Failure> {
        self.meeting_map.host_of(workspace, meeting).await
    }

    /// The account of the meeting's host.
    pub(crate) async fn host(&self, request: &TokenRequest<'_>) -> Result<MeetingHost, Failure> {
        let meeting = request.meeting().ok_or_else(|| {
            Failure::new(
                Code::RequestMalformed,
                "the link gives tokens of a meeting's host, so the request must name the meeting",
            )
        })?;
        self.host_of(request.workspace(), meeting).await?.ok_or_else(|| {
            Failure::new(Code::TokenNotAvailable, "no account here is known to host this meeting")
        })
    }

    pub(crate) async fn token_of_host(
        &self,
        request: &TokenRequest<'_>,
        kind: TokenKind,
        host: &MeetingHost,
    ) -> Result<Audited<IssuedToken>, Failure> {
        let account = Account { credential: host.credential, user: host.user.as_ref(), epoch: None };
        self.token_of(request, kind, account).await
    }

    /// A token of this account, with its audit record.
    async fn token_of(
        &self,
        request: &TokenRequest<'_>,
        kind: TokenKind,
        account: Account<'_>,
    ) -> Result<Audited<IssuedToken>, Failure> {
        let token = self.tokens.token(&request.wanted(kind, account)).await;
        if let Err(failure) = &token {
            Box::pin(self.alerts.log_refusal(request.link, kind, account.credential, failure)).await;
        }
        token
    }
}

impl std::fmt::Debug for AccountSelection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountSelection").finish_non_exhaustive()
    }
}
