//! No record, no token.
//!
//! Every token leaves the broker as [`Audited`], which only this room can make: [`Broker::audited`] runs what fetches the
//! token, has the record written (`writer`; on this server's disk where that is as good as the store, or while the store is
//! away: `journal`), and then wraps it.
//!
//! - A record says `given` when the token was about to be handed over. A caller who hung up, or whose time ran out,
//!   while the record was written has no token all the same: the audit may claim too much, never too little.
//! - A request that was refused leaves a record with the failure's code, if it came as far as being answered for an
//!   account. Nobody waits for that one. What is turned away at the door of a token link (address, signature, replay)
//!   leaves none: strangers must not be able to write here.

mod frame;
mod journal;
mod left;
mod segment;
mod segments;
mod sheet;
mod writer;

use std::{convert::Infallible, net::IpAddr, ops::Deref, time::Duration};

use model::{
    About, AuditId, Code, CredentialId, Failure, Outcome, Purpose, Source, Timestamp, TokenKind, Who,
    WorkspaceId,
};
use serde::{Deserialize, Serialize};
use store::{AuditPage, AuditRecord, StoreError};

use crate::Broker;

pub use journal::Journal;
pub use left::bring_in_journal;
pub use writer::Audit;

/// Between two rounds of deleting old records.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// Rows of old records are deleted so many at a time: others want to write meanwhile.
const PRUNED_AT_ONCE: u32 = 200;
/// Between two batches.
const PRUNE_PAUSE: Duration = Duration::from_millis(100);

/// What happens to a token whose record cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditMode {
    /// It is not given: the store is away, and this server's disk can't take the record either.
    #[default]
    Strict,
    /// It is given without waiting for its record, which waits in memory, and goes to the log when there are too many.
    Relaxed,
}

/// Who asks for a token, from where and what for.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// Who.
    pub who: Who,
    /// The address at the other end of the connection; `None`: this server itself.
    pub from: Option<IpAddr>,
    /// What for.
    pub why: Purpose,
}

/// Which token is asked for, and by whom.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) workspace: WorkspaceId,
    pub(crate) credential: CredentialId,
    pub(crate) kind: TokenKind,
    pub(crate) asker: Asker,
    pub(crate) about: About,
}

/// A token that may leave the house: the audit holds a record of it.
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

impl Broker {
    /// The one way out for a token: runs `fetch`, writes down what came of it, and only then gives the token.
    pub(crate) async fn audited<T>(
        &self,
        wish: Wish,
        fetch: impl Future<Output = Result<(T, Source), Failure>>,
    ) -> Result<Audited<T>, Failure> {
        match fetch.await {
            Ok((token, source)) => self.give(wish, token, source).await,
            Err(failure) => {
                let refused = Outcome::Refused(failure.code);
                self.metrics.token_read(wish.kind, refused);
                self.audit.note(self.record(wish, refused));
                Err(failure)
            }
        }
    }

    /// The same for a token that is at hand.
    pub(crate) async fn give<T>(&self, wish: Wish, token: T, source: Source) -> Result<Audited<T>, Failure> {
        let (kind, outcome) = (wish.kind, Outcome::Given(source));
        let record = self.record(wish, outcome);
        let id = record.id;
        let given = self.audit.admit(record).await;
        let outcome = given.as_ref().map_or_else(|failure| Outcome::Refused(failure.code), |()| outcome);
        self.metrics.token_read(kind, outcome);
        given.map(|()| Audited { token, record: id })
    }

    fn record(&self, wish: Wish, outcome: Outcome) -> AuditRecord {
        let Wish { workspace, credential, kind, asker: Asker { who, from, why }, about } = wish;
        let at = self.env.now();
        let id = AuditId::generate_at(at, &self.env);
        AuditRecord { id, at, workspace, credential, kind, who, from, why, outcome, about }
    }

    /// A stretch of the workspace's audit. The record of a token that this server gave before is in it.
    pub async fn audit(
        &self,
        workspace: WorkspaceId,
        page: &AuditPage,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        self.audit.catch_up().await?;
        self.store.audit(workspace, page).await
    }

    /// Brings into the store what servers that are no more had on this disk alone. Before the doors open.
    pub async fn replay_journal(&self) {
        self.audit.replay().await;
    }

    /// Brings into the store what the audit has on this server's disk, for as long as it is polled.
    pub async fn tend_journal(&self) -> Infallible {
        self.audit.tend().await
    }

    /// The same for the last time: once the tasks are over, nobody is given a token any more.
    pub async fn close_journal(&self) {
        self.audit.close().await;
    }

    /// Deletes records that are older than `keep`, for as long as it is polled.
    pub async fn tend_audit(&self, keep: Duration) -> Infallible {
        loop {
            match self.prune_audit(self.env.now() - keep).await {
                Ok(0) => {}
                Ok(pruned) => tracing::info!(pruned, "old records were deleted from the audit"),
                Err(error) => tracing::warn!(%error, "old records stay in the audit"),
            }
            self.env.clock.sleep(PRUNE_EVERY).await;
        }
    }

    /// Deletes what is older than `end`, a few rows at a time. Answers how many records that were.
    pub async fn prune_audit(&self, end: Timestamp) -> Result<u64, StoreError> {
        let mut pruned = 0;
        loop {
            let gone = self.store.prune_audit(end, PRUNED_AT_ONCE).await?;
            pruned += gone.records;
            if gone.batches < PRUNED_AT_ONCE {
                return Ok(pruned);
            }
            self.env.clock.sleep(PRUNE_PAUSE).await;
        }
    }
}

fn unwritten() -> Failure {
    Failure::new(Code::Unavailable, "the audit cannot be written, and without a record no token is given")
}
