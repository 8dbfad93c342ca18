//! Records of one moment and one tenant, packed into a row.
//!
//! The first byte of a row's content says how they are packed:
//!
//! | | |
//! |---|---|
//! | `{` | lines of JSON, as an export has them: records from before there were batches |
//! | 1 | a list of [`Packed`], in postcard's encoding |
//!
//! Words stay words in there, because the numbers of an `enum` move when somebody sorts it.

use std::{collections::BTreeMap, net::IpAddr};

use aws_lc_rs::digest::{SHA256, digest};
use model::{
    About, AuditId, CredentialId, MeetingNumber, Outcome, Source, Timestamp, TokenKind, Who, WorkspaceId,
};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::AuditRecord;
use crate::StoreError;

/// Length of a slice of time. A batch lies within one slice, so batches of different slices never
/// overlap. It is long enough to hold what is written together, and short enough that a page
/// unpacks little more than it shows.
const SLICE_MICROSECONDS: i64 = 100_000;
/// Most records in a row: some 50 kB.
const MOST: usize = 512;

const PACKED: u8 = 1;

/// The name of a row. It is derived from the content, so the same batch gives the same row.
pub type BatchId = [u8; 16];

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditBatch {
    /// The tenth of a second that its records belong to, counted from 1970.
    pub slice: i64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its name, derived from its content.
    pub id: BatchId,
    /// How many records are in it.
    pub records: u32,
    /// The records.
    pub content: Vec<u8>,
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
    kind: &'a str,
    who: &'a str,
    who_id: Uuid,
    from: Option<IpAddr>,
    why: &'a str,
    outcome: &'a str,
    source: Option<&'a str>,
    user: Option<&'a str>,
    meeting: Option<i64>,
    bot: Option<&'a str>,
}

/// Written as a list of [`Packed`].
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
            records.chunks(MOST).map(|records| Self::of(*slice, *workspace, records))
        });
        rows.collect()
    }

    fn of(slice: i64, workspace: WorkspaceId, records: &[&AuditRecord]) -> Self {
        // Not `to_extend`, which copies byte by byte.
        let content = postcard::to_allocvec(&(PACKED, Records { slice, records }));
        let content = content.expect("a Vec takes everything");
        let count = u32::try_from(records.len()).expect("at most MOST");
        Self::named(slice, workspace, count, content)
    }

    /// A row with this content and the name derived from it.
    pub(super) fn named(slice: i64, workspace: WorkspaceId, records: u32, content: Vec<u8>) -> Self {
        let hash = digest(&SHA256, &content);
        let mut id = BatchId::default();
        id.copy_from_slice(&hash.as_ref()[..size_of::<BatchId>()]);
        Self { slice, workspace, id, records, content }
    }

    /// The records.
    pub fn unpack(&self) -> Result<Vec<AuditRecord>, StoreError> {
        let records = match self.content.split_first() {
            Some((&PACKED, packed)) => self.unpack_packed(packed),
            Some((b'{', _)) => self.unpack_lines(),
            _ => Err("the content is of no known form".into()),
        };
        let whole = records.and_then(|records| {
            let whole = usize::try_from(self.records) == Ok(records.len());
            let ours = |it: &AuditRecord| it.workspace == self.workspace && slice_of(it.at) == self.slice;
            let right = whole && records.iter().all(ours);
            if right { Ok(records) } else { Err("the content is another row's".into()) }
        });
        whole.map_err(|cause| StoreError::Corrupt { table: "audit_batches", cause })
    }

    fn unpack_packed(&self, packed: &[u8]) -> Result<Vec<AuditRecord>, String> {
        let (packed, rest): (Vec<Packed<'_>>, _) =
            postcard::take_from_bytes(packed).map_err(|error| error.to_string())?;
        if !rest.is_empty() {
            return Err("there is more than the records".into());
        }
        packed.iter().map(|packed| packed.unpack(self.slice, self.workspace)).collect()
    }

    fn unpack_lines(&self) -> Result<Vec<AuditRecord>, String> {
        let lines = self.content.split(|byte| *byte == b'\n');
        lines.map(|line| serde_json::from_slice(line).map_err(|error| error.to_string())).collect()
    }
}

impl<'a> Packed<'a> {
    fn of(slice: i64, record: &'a AuditRecord) -> Self {
        let since = record.at.as_microsecond() - slice * SLICE_MICROSECONDS;
        Self {
            at: u32::try_from(since).expect("its own slice"),
            id: record.id,
            credential: record.credential,
            kind: record.kind.as_str(),
            who: record.who.kind(),
            who_id: record.who.uuid(),
            from: record.from,
            why: record.why.as_str(),
            outcome: record.outcome.as_str(),
            source: record.outcome.source().map(Source::as_str),
            user: record.about.user.as_ref().map(model::AccountUser::as_str),
            meeting: record.about.meeting.map(MeetingNumber::as_i64),
            bot: record.about.bot.as_ref().map(model::PlatformBot::as_str),
        }
    }

    fn unpack(&self, slice: i64, workspace: WorkspaceId) -> Result<AuditRecord, String> {
        let at = slice.checked_mul(SLICE_MICROSECONDS).and_then(|start| start.checked_add(self.at.into()));
        let source = self.source.map(str::parse).transpose()?;
        let about = About {
            user: parsed(self.user)?,
            meeting: self
                .meeting
                .map(MeetingNumber::try_from)
                .transpose()
                .map_err(|error| error.to_string())?,
            bot: parsed(self.bot)?,
        };
        Ok(AuditRecord {
            id: self.id,
            at: Timestamp::from_microsecond(at.ok_or("there is no such time")?),
            workspace,
            credential: self.credential,
            kind: self.kind.parse::<TokenKind>()?,
            who: Who::read(self.who, self.who_id)?,
            from: self.from,
            why: self.why.parse()?,
            outcome: Outcome::read(self.outcome, source)?,
            about,
        })
    }
}

fn parsed<T: std::str::FromStr<Err: ToString>>(text: Option<&str>) -> Result<Option<T>, String> {
    text.map(|text| text.parse().map_err(|error: T::Err| error.to_string())).transpose()
}

#[cfg(test)]
mod tests;
