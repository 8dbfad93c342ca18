//! The type of every token that leaves this server, and its audit record.

use std::{net::IpAddr, ops::Deref};

use model::{
    AuditActor, AuditId, Code, CredentialId, Failure, Outcome, Purpose, Source, TokenContext, TokenKind,
    WorkspaceId,
};
use store::AuditRecord;

use crate::Audit;

/// Who requests a token, from where and for which purpose.
#[derive(Debug, Clone, Copy)]
pub struct TokenRequester {
    /// Who.
    pub who: AuditActor,
    /// The peer's address; `None` if this server itself requests the token.
    pub from: Option<IpAddr>,
    /// The purpose.
    pub why: Purpose,
}

/// Which token is requested, and by whom.
#[derive(Debug, Clone)]
pub struct TokenAccess {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The account.
    pub credential: CredentialId,
    /// The kind of token.
    pub kind: TokenKind,
    /// Who requests it.
    pub requester: TokenRequester,
    /// Further details of the request: user, meeting, bot.
    pub about: TokenContext,
}

/// A token that may leave this server: the audit has a record of it.
#[derive(Debug)]
pub struct Audited<T> {
    token: T,
    record: AuditId,
}

impl<T> Audited<T> {
    /// The record, for logs.
    pub fn record(&self) -> AuditId {
        self.record
    }
}

impl<T> Deref for Audited<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.token
    }
}

impl Audit {
    /// The only way to give a token: runs `fetch`, records the outcome, and only then returns the token.
    pub async fn audited<T>(
        &self,
        access: TokenAccess,
        fetch: impl Future<Output = Result<(T, Source), Failure>>,
    ) -> Result<Audited<T>, Failure> {
        match fetch.await {
            Ok((token, source)) => self.give(access, token, source).await,
            Err(failure) => {
                self.refuse(access, failure.code);
                Err(failure)
            }
        }
    }

    /// Does the same for a token that was fetched before.
    pub async fn give<T>(
        &self,
        access: TokenAccess,
        token: T,
        source: Source,
    ) -> Result<Audited<T>, Failure> {
        let (kind, outcome) = (access.kind, Outcome::Given(source));
        let record = self.record(access, outcome);
        let id = record.id;
        let given = self.write(record).await;
        let outcome = given.as_ref().map_or_else(|failure| Outcome::Refused(failure.code), |()| outcome);
        self.metrics().token_read(kind, outcome);
        given.map(|()| Audited { token, record: id })
    }

    /// Records that a token was refused. The caller doesn't wait for it.
    pub fn refuse(&self, access: TokenAccess, code: Code) {
        let refused = Outcome::Refused(code);
        self.metrics().token_read(access.kind, refused);
        self.write_later(self.record(access, refused));
    }

    fn record(&self, access: TokenAccess, outcome: Outcome) -> AuditRecord {
        let TokenAccess { workspace, credential, kind, requester: TokenRequester { who, from, why }, about } =
            access;
        let at = self.env().now();
        let id = AuditId::generate_at(at, self.env());
        AuditRecord { id, at, workspace, credential, kind, who, from, why, outcome, about }
    }
}
