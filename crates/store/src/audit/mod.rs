//! The audit: who got which kind of token for which account, when, from where and why. It never
//! contains the token.
//!
//! Thousands of records are written and few are read, so a row contains many: [`AuditBatch`] packs
//! them, [`PageBuilder`] builds pages from them.

mod batch;
mod bundle;
mod page_builder;
mod subjects;

use std::{fmt, net::IpAddr, str::FromStr};

use async_trait::async_trait;
use model::{
    AccountUser, AuditActor, AuditId, CredentialId, MeetingNumber, Outcome, PlatformBot, Purpose, Timestamp,
    TokenContext, TokenKind, WorkspaceId,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

use crate::StoreError;

pub use batch::{AuditBatch, BatchId, slice_of};
pub use bundle::{bundle, unbundle};
pub use page_builder::{PageBuilder, RowRange};
pub use subjects::{AuditFilter, AuditSubject, minute_of, slices_of};

/// One request for a token and its outcome. It refers to accounts and people by id alone, so it can
/// outlive them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its id.
    pub id: AuditId,
    /// When the token was about to be sent, or was refused.
    pub at: Timestamp,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The account that was requested.
    pub credential: CredentialId,
    /// The kind of token.
    pub kind: TokenKind,
    /// Who requested the token.
    pub who: AuditActor,
    /// The address of the peer; behind a proxy that is the proxy's. `None` for this server itself.
    pub from: Option<IpAddr>,
    /// The purpose.
    pub why: Purpose,
    /// The outcome.
    pub outcome: Outcome,
    /// What else the token refers to, beyond the account.
    pub about: TokenContext,
}

impl AuditRecord {
    /// Its position in the audit.
    pub const fn place(&self) -> AuditPlace {
        AuditPlace { at: self.at, id: self.id }
    }
}

/// A record as JSON, in exports and answers; `docs/audit.md` describes each field.
#[derive(Serialize, Deserialize)]
struct Line {
    id: AuditId,
    at: Timestamp,
    workspace: WorkspaceId,
    credential: CredentialId,
    kind: String,
    who: String,
    who_id: Uuid,
    from: Option<IpAddr>,
    why: String,
    outcome: String,
    source: Option<String>,
    // Records that are older than this field lack it.
    #[serde(default)]
    user: Option<AccountUser>,
    #[serde(default)]
    meeting: Option<MeetingNumber>,
    #[serde(default)]
    bot: Option<PlatformBot>,
}

impl Serialize for AuditRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, at, workspace, credential, kind, who, from, why, outcome, about } = self.clone();
        let line = Line {
            id,
            at,
            workspace,
            credential,
            kind: kind.as_str().into(),
            who: who.kind().into(),
            who_id: who.uuid(),
            from,
            why: why.as_str().into(),
            outcome: outcome.as_str().into(),
            source: outcome.source().map(|source| source.as_str().into()),
            user: about.user,
            meeting: about.meeting,
            bot: about.bot,
        };
        line.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AuditRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = Line::deserialize(deserializer)?;
        let Line { id, at, workspace, credential, kind, who, who_id, from, why, outcome, source, .. } = line;
        let about = TokenContext { user: line.user, meeting: line.meeting, bot: line.bot };
        let source = source.map(|source| source.parse()).transpose().map_err(D::Error::custom)?;
        Ok(Self {
            id,
            at,
            workspace,
            credential,
            kind: kind.parse().map_err(D::Error::custom)?,
            who: AuditActor::read(&who, who_id).map_err(D::Error::custom)?,
            from,
            why: why.parse().map_err(D::Error::custom)?,
            outcome: Outcome::read(&outcome, source).map_err(D::Error::custom)?,
            about,
        })
    }
}

/// A position in the audit. Records are ordered by time, and by id where times are equal. Written
/// `<microseconds>_<id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPlace {
    /// The record's time.
    pub at: Timestamp,
    /// The record's id.
    pub id: AuditId,
}

impl fmt::Display for AuditPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.at.as_microsecond(), self.id)
    }
}

impl FromStr for AuditPlace {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = text.split_once('_').and_then(|(at, id)| {
            Some(Self { at: Timestamp::from_microsecond(at.parse().ok()?), id: id.parse().ok()? })
        });
        place.ok_or_else(|| format!("{text:?} is not a position in the audit"))
    }
}

/// The direction in which the audit is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// For an export.
    OldestFirst,
    /// For pages that people read.
    NewestFirst,
}

/// A page of the audit.
#[derive(Debug, Clone)]
pub struct AuditPage {
    /// No record before this.
    pub since: Option<Timestamp>,
    /// No record at or after this.
    pub until: Option<Timestamp>,
    /// Only what follows this position in the direction of reading: the last record of the previous
    /// page.
    pub after: Option<AuditPlace>,
    /// The direction of reading.
    pub direction: Direction,
    /// Only these records.
    pub filter: AuditFilter,
    /// At most this many records.
    pub most: u32,
}

impl AuditPage {
    /// The oldest records.
    pub const fn oldest_first(most: u32) -> Self {
        let direction = Direction::OldestFirst;
        Self { since: None, until: None, after: None, direction, filter: AuditFilter::NONE, most }
    }

    /// The first and the last slice that may contain its records.
    pub fn slices(&self) -> (i64, i64) {
        let (first, last) = (self.since.map_or(i64::MIN, slice_of), self.until.map_or(i64::MAX, slice_of));
        match (self.after.map(|place| slice_of(place.at)), self.direction) {
            (Some(slice), Direction::OldestFirst) => (first.max(slice), last),
            (Some(slice), Direction::NewestFirst) => (first, last.min(slice)),
            (None, _) => (first, last),
        }
    }
}

/// How much was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Rows of records. Fewer than the limit means that there are no more.
    pub batches: u32,
    /// The records in them.
    pub records: u64,
    /// Rows that named a subject of a minute. Fewer than the limit means that there are no more.
    pub subjects: u32,
}

/// The audit.
#[async_trait]
pub trait Audits: Send + Sync {
    /// Stores all batches or none. A batch that is already stored is not stored twice, so a caller
    /// that doesn't know whether a write succeeded can repeat it.
    async fn append_audit_batches(&self, batches: &[AuditBatch]) -> Result<(), StoreError>;

    /// Stores records, packed into as few batches as possible. A caller that doesn't know whether a
    /// write succeeded can repeat it, with the same records or with further ones.
    async fn append_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        self.append_audit_batches(&AuditBatch::pack(records)).await
    }

    /// A page of the workspace's audit.
    async fn audit(&self, workspace: WorkspaceId, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError>;

    /// A page of the audit of all workspaces. Across tenants: used by the operator.
    async fn audit_of_all(&self, page: &AuditPage) -> Result<Vec<AuditRecord>, StoreError>;

    /// Converts batches of older versions to the current format, at most `most`, and records their
    /// subjects. Returns how many; fewer than `most` means that there are no more. Pages are the
    /// same before and after, but before it a query for a subject unpacks these batches too.
    async fn modernize_audit(&self, most: u32) -> Result<u32, StoreError>;

    /// Deletes the oldest batches from before `end`, at most `most`. Newer ones stay, and also
    /// those that are older by less than the length of a slice, a tenth of a second. When no batch
    /// is left to delete, it deletes the subjects of the minutes before `end`, at most `most`.
    async fn prune_audit(&self, end: Timestamp, most: u32) -> Result<Pruned, StoreError>;
}
