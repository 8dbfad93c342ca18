//! Packs records of one tenant and one slice of time into a row.
//!
//! The first byte of a row's content says how they are packed:
//!
//! | | |
//! |---|---|
//! | `[` | a list of [`Packed`] in JSON, which SQL can expand |
//! | 1 | the same in postcard's encoding: rows from before schema 31 |
//! | `{` | lines of JSON, as an export has them: records from before there were batches |
//!
//! The values of an `enum` are stored as words, because its numbers change when its variants are reordered.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    error::Error,
    net::IpAddr,
    str::FromStr,
};

use aws_lc_rs::digest::{SHA256, digest};
use model::{
    AuditActor, AuditId, CredentialId, MeetingNumber, Outcome, Timestamp, TokenContext, TokenKind,
    WorkspaceId,
};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::{AuditRecord, AuditSubject};
use crate::StoreError;

/// Why a row is not readable.
type Unreadable = Box<dyn Error + Send + Sync>;

/// The length of a slice of time. A batch belongs to one slice, so batches of different slices never
/// overlap. It is long enough to contain what is written together, and short enough that a page
/// unpacks little more than it shows.
const SLICE_MICROSECONDS: i64 = 100_000;
/// The maximum number of records in a row, which then has about 130 kB.
const MAX_RECORDS: usize = 512;

const POSTCARD: u8 = 1;

/// The id of a row. It is derived from the content, so the same batch gives the same row.
pub type BatchId = [u8; 16];

/// A row with records of one tenant and one slice of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditBatch {
    /// The tenth of a second that its records belong to, counted from 1970.
    pub slice: i64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its id, derived from its content.
    pub id: BatchId,
    /// The number of its records.
    pub records: u32,
    /// The packed records.
    pub content: Vec<u8>,
    /// The subjects by which the records can be found. Empty in a row that was read from the store.
    pub subjects: Vec<AuditSubject>,
}

/// The slice that contains this time.
pub const fn slice_of(at: Timestamp) -> i64 {
    at.as_microsecond().div_euclid(SLICE_MICROSECONDS)
}

/// A record without the fields that its row has already.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    /// Microseconds since the slice began.
    at: u32,
    id: AuditId,
    credential: CredentialId,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    who: Cow<'a, str>,
    who_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<IpAddr>,
    #[serde(borrow)]
    why: Cow<'a, str>,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    source: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meeting: Option<i64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    bot: Option<Cow<'a, str>>,
}

/// Serialised as a list of [`Packed`].
struct Records<'r> {
    slice: i64,
    records: &'r [&'r AuditRecord],
}

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.records.iter().map(|record| Packed::of(self.slice, record)))
    }
}

impl AuditBatch {
    /// Packs these records into as few rows as possible.
    pub fn pack<'r>(records: impl IntoIterator<Item = &'r AuditRecord>) -> Vec<Self> {
        let mut groups: BTreeMap<(i64, WorkspaceId), Vec<&AuditRecord>> = BTreeMap::new();
        for record in records {
            groups.entry((slice_of(record.at), record.workspace)).or_default().push(record);
        }
        let rows = groups.iter().flat_map(|((slice, workspace), records)| {
            records.chunks(MAX_RECORDS).map(|records| Self::of(*slice, *workspace, records))
        });
        rows.collect()
    }

    fn of(slice: i64, workspace: WorkspaceId, records: &[&AuditRecord]) -> Self {
        let count = u32::try_from(records.len()).expect("at most MAX_RECORDS");
        let content = json(slice, records);
        let id = id_of(&content);
        Self { slice, workspace, id, records: count, content, subjects: subjects_of(records) }
    }

    /// Reads a row that was stored outside a database. An older version may have packed it. The id is
    /// derived from the content as it was, so a database that already has the row stores it once.
    pub(super) fn read(
        slice: i64,
        workspace: WorkspaceId,
        records: u32,
        content: Vec<u8>,
    ) -> Result<Self, StoreError> {
        let id = id_of(&content);
        Self { slice, workspace, id, records, content, subjects: Vec::new() }.modern()
    }

    /// The same row with the same id, packed in the current format, with its subjects.
    pub fn modern(self) -> Result<Self, StoreError> {
        let records = self.unpack()?;
        let records: Vec<_> = records.iter().collect();
        Ok(Self { content: json(self.slice, &records), subjects: subjects_of(&records), ..self })
    }

    /// Unpacks the records.
    pub fn unpack(&self) -> Result<Vec<AuditRecord>, StoreError> {
        let records = match self.content.split_first() {
            Some((b'[', _)) => serde_json::from_slice(&self.content)
                .map_err(Unreadable::from)
                .and_then(|packed: Vec<_>| self.unpack_packed(&packed)),
            Some((&POSTCARD, packed)) => {
                from_postcard(packed).and_then(|packed: Vec<_>| self.unpack_packed(&packed))
            }
            Some((b'{', _)) => self.unpack_lines(),
            _ => Err("the content has an unknown format".into()),
        };
        let whole = records.and_then(|records| {
            let whole = usize::try_from(self.records) == Ok(records.len());
            let ours = |it: &AuditRecord| it.workspace == self.workspace && slice_of(it.at) == self.slice;
            let right = whole && records.iter().all(ours);
            if right { Ok(records) } else { Err("the content is of another row".into()) }
        });
        whole.map_err(|cause| StoreError::Corrupt { table: "audit_batches", cause })
    }

    fn unpack_packed(&self, packed: &[Packed<'_>]) -> Result<Vec<AuditRecord>, Unreadable> {
        packed.iter().map(|packed| packed.unpack(self.slice, self.workspace)).collect()
    }

    fn unpack_lines(&self) -> Result<Vec<AuditRecord>, Unreadable> {
        let lines = self.content.split(|byte| *byte == b'\n');
        lines.map(|line| serde_json::from_slice(line).map_err(Unreadable::from)).collect()
    }
}

fn json(slice: i64, records: &[&AuditRecord]) -> Vec<u8> {
    serde_json::to_vec(&Records { slice, records }).expect("a write to a Vec succeeds")
}

fn id_of(content: &[u8]) -> BatchId {
    let hash = digest(&SHA256, content);
    let mut id = BatchId::default();
    id.copy_from_slice(&hash.as_ref()[..size_of::<BatchId>()]);
    id
}

fn subjects_of(records: &[&AuditRecord]) -> Vec<AuditSubject> {
    let subjects: BTreeSet<_> = records.iter().flat_map(|record| AuditSubject::all_of(record)).collect();
    subjects.into_iter().collect()
}

fn from_postcard(packed: &[u8]) -> Result<Vec<Packed<'_>>, Unreadable> {
    let (packed, rest) = postcard::take_from_bytes(packed)?;
    if rest.is_empty() { Ok(packed) } else { Err("there is data after the records".into()) }
}

impl<'a> Packed<'a> {
    fn of(slice: i64, record: &'a AuditRecord) -> Self {
        let since = record.at.as_microsecond() - slice * SLICE_MICROSECONDS;
        Self {
            at: u32::try_from(since).expect("it is in this slice"),
            id: record.id,
            credential: record.credential,
            kind: record.kind.as_str().into(),
            who: record.who.kind().into(),
            who_id: record.who.uuid(),
            from: record.from,
            why: record.why.as_str().into(),
            outcome: record.outcome.as_str().into(),
            source: record.outcome.source().map(|source| source.as_str().into()),
            user: record.about.user.as_ref().map(|user| user.as_str().into()),
            meeting: record.about.meeting.map(MeetingNumber::as_i64),
            bot: record.about.bot.as_ref().map(|bot| bot.as_str().into()),
        }
    }

    fn unpack(&self, slice: i64, workspace: WorkspaceId) -> Result<AuditRecord, Unreadable> {
        let at = slice.checked_mul(SLICE_MICROSECONDS).and_then(|start| start.checked_add(self.at.into()));
        let source = self.source.as_deref().map(str::parse).transpose()?;
        let about = TokenContext {
            user: parsed(self.user.as_deref())?,
            meeting: self.meeting.map(MeetingNumber::try_from).transpose()?,
            bot: parsed(self.bot.as_deref())?,
        };
        Ok(AuditRecord {
            id: self.id,
            at: Timestamp::from_microsecond(at.ok_or("its time is out of range")?),
            workspace,
            credential: self.credential,
            kind: self.kind.parse::<TokenKind>()?,
            who: AuditActor::read(&self.who, self.who_id)?,
            from: self.from,
            why: self.why.parse()?,
            outcome: Outcome::read(&self.outcome, source)?,
            about,
        })
    }
}

fn parsed<T: FromStr<Err: Into<Unreadable>>>(text: Option<&str>) -> Result<Option<T>, Unreadable> {
    text.map(|text| text.parse().map_err(Into::into)).transpose()
}

#[cfg(test)]
mod tests;
