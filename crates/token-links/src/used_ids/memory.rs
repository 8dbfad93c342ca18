//! The used ids of signed requests in the memory of this server.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use model::{Code, Failure, Timestamp, TokenLinkId, UsedIdsId, WorkspaceId};
use outbound::signature::TOLERANCE;
use store::UsedIds;

/// A signature is accepted from `TOLERANCE` before its time until `TOLERANCE` after it.
pub(super) const MEMORY: Duration = Duration::from_secs(TOLERANCE.as_secs() * 2);
/// The default number of ids that are stored in a span: enough for 7,000 reads a second in the long run.
pub const REMEMBERED_IDS: usize = 1 << 22;
/// A growing map moves all its entries while other requests wait. So there are many small maps.
const SHARDS: usize = 64;
/// By how much consecutive reads overlap: servers' clocks differ, and commits take time.
pub(super) const READ_AGAIN: Duration = Duration::from_secs(60);
/// The size of an entry in a row: a fingerprint, and the end of a link's id.
const ENTRY_BYTES: usize = 24;

/// What an id was used for. The id of a fetch is used for all links of a workspace. A platform sends one report to several
/// addresses with the same id, so the id of a report is used for one link only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UsedFor {
    /// A token.
    Token,
    /// A report about a bot.
    Report,
}

/// A digest of an id, because ids are the sender's text of any length. All servers derive the same digest from the same id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Fingerprint(u64, u64);

impl Fingerprint {
    fn of(workspace: WorkspaceId, link: TokenLinkId, used_for: UsedFor, id: &str) -> Self {
        let (purpose, place) = match used_for {
            UsedFor::Token => (0, workspace.as_bytes()),
            UsedFor::Report => (1, link.as_bytes()),
        };
        let mut text = Vec::with_capacity(1 + place.len() + id.len());
        text.push(purpose);
        text.extend_from_slice(place);
        text.extend_from_slice(id.as_bytes());
        let hash = digest(&SHA256, &text);
        Self(number(&hash.as_ref()[..8]), number(&hash.as_ref()[8..16]))
    }
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("eight bytes"))
}

/// The random end of a link's id: enough to identify the link that an id was used on.
fn tag(link: TokenLinkId) -> u64 {
    number(&link.as_bytes()[8..])
}

/// A fingerprint is already a hash, so half of it is enough.
#[derive(Default)]
struct Half(u64);

impl Hasher for Half {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a fingerprint is two numbers");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The first use of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FirstUse {
    /// The link, by its tag.
    link: u64,
    pub(crate) at: Timestamp,
}

impl FirstUse {
    pub(crate) fn is_on(self, link: TokenLinkId) -> bool {
        self.link == tag(link)
    }
}

type Ids = HashMap<Fingerprint, FirstUse, BuildHasherDefault<Half>>;

/// Two generations of ids. The older one is dropped as a whole once all its signatures have expired, so entries are not
/// deleted one by one, and an id is stored for one to two spans. Each takes about 50 to 100 bytes.
pub(super) struct IdMemory {
    shards: [Mutex<Generations>; SHARDS],
    /// The maximum number of ids of one shard in a span. Further requests are refused, because they can't be checked.
    capacity: usize,
    shared: Mutex<Shared>,
}

struct Generations {
    begun_at: Timestamp,
    current: Ids,
    previous: Ids,
    /// Ids that were used here and are not yet written.
    unwritten: Vec<(Fingerprint, u64)>,
}

/// Ids with the tags of their links that were used here and are not yet written.
pub(super) struct Unwritten(Vec<(Fingerprint, u64)>);

impl Unwritten {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ids in the encoding of a row.
    pub(super) fn entries(&self) -> Vec<u8> {
        let numbers = self.0.iter().flat_map(|(Fingerprint(first, second), link)| [*first, *second, *link]);
        numbers.flat_map(u64::to_be_bytes).collect()
    }
}

/// How far the installation's used ids have been read.
#[derive(Default)]
struct Shared {
    read_at: Option<Timestamp>,
    /// Known rows and when they were written, as far back as reads overlap.
    known: HashMap<UsedIdsId, Timestamp>,
}

impl IdMemory {
    /// Creates a memory for about `ids` ids in a span.
    pub(super) fn new(now: Timestamp, ids: usize) -> Self {
        let empty = |_| {
            let (current, previous, unwritten) = (Ids::default(), Ids::default(), Vec::new());
            Mutex::new(Generations { begun_at: now, current, previous, unwritten })
        };
        Self { shards: std::array::from_fn(empty), capacity: ids.div_ceil(SHARDS), shared: Mutex::default() }
    }

    /// Stores the first use of an id and returns `None`. If the id was used before, returns that use.
    pub(super) fn first_use(
        &self,
        workspace: WorkspaceId,
        link: TokenLinkId,
        (used_for, id): (UsedFor, &str),
        now: Timestamp,
    ) -> Result<Option<FirstUse>, Failure> {
        let fingerprint = Fingerprint::of(workspace, link, used_for, id);
        let mut ids = self.shard(fingerprint);
        ids.turn(now);
        let Generations { current, previous, unwritten, .. } = &mut *ids;
        let full = current.len() >= self.capacity;
        match current.entry(fingerprint) {
            Entry::Occupied(used) => Ok(Some(*used.get())),
            Entry::Vacant(unused) => match previous.get(&fingerprint) {
                Some(used) => Ok(Some(*used)),
                None if full => {
                    Err(Failure::new(Code::Unavailable, "too many signed requests in ten minutes"))
                }
                None => {
                    unused.insert(FirstUse { link: tag(link), at: now });
                    unwritten.push((fingerprint, tag(link)));
                    Ok(None)
                }
            },
        }
    }

    /// The first use of an id, if there was one.
    pub(super) fn used(
        &self,
        workspace: WorkspaceId,
        link: TokenLinkId,
        (used_for, id): (UsedFor, &str),
    ) -> Option<FirstUse> {
        let fingerprint = Fingerprint::of(workspace, link, used_for, id);
        let ids = self.shard(fingerprint);
        ids.current.get(&fingerprint).or_else(|| ids.previous.get(&fingerprint)).copied()
    }

    fn shard(&self, fingerprint: Fingerprint) -> std::sync::MutexGuard<'_, Generations> {
        let shard = &self.shards[usize::from(fingerprint.1.to_le_bytes()[0]) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the ids that are not yet written.
    pub(super) fn take_unwritten(&self) -> Unwritten {
        let shards = self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner));
        Unwritten(shards.flat_map(|mut ids| std::mem::take(&mut ids.unwritten)).collect())
    }

    /// Puts back ids that could not be written.
    pub(super) fn put_back(&self, unwritten: &Unwritten) {
        for entry in &unwritten.0 {
            self.shard(entry.0).unwritten.push(*entry);
        }
    }

    /// Adds ids that another server has used, or this one before a restart.
    pub(super) fn learn(&self, row: &UsedIds, now: Timestamp) {
        for entry in row.entries.chunks_exact(ENTRY_BYTES) {
            let fingerprint = Fingerprint(number(&entry[..8]), number(&entry[8..16]));
            let first = FirstUse { link: number(&entry[16..]), at: row.written_at };
            let mut ids = self.shard(fingerprint);
            ids.turn(now);
            if !ids.previous.contains_key(&fingerprint) {
                ids.current.entry(fingerprint).or_insert(first);
            }
        }
    }

    /// From when on rows have to be read, and which of them are already known.
    pub(super) fn to_read(&self, now: Timestamp) -> (Timestamp, Vec<UsedIdsId>) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let since = shared.read_at.map_or(now - MEMORY, |read_at| (read_at - READ_AGAIN).max(now - MEMORY));
        shared.known.retain(|_, written_at| *written_at >= since);
        (since, shared.known.keys().copied().collect())
    }

    /// Records that these rows were read or written.
    pub(super) fn know(&self, rows: impl IntoIterator<Item = (UsedIdsId, Timestamp)>) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).known.extend(rows);
    }

    /// Records that every row until now is known.
    pub(super) fn mark_read(&self, now: Timestamp) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).read_at = Some(now);
    }
}

impl Generations {
    fn turn(&mut self, now: Timestamp) {
        let age = now.since(self.begun_at);
        // Otherwise, after a clock is set back, this span would be filled until the clock reaches it again.
        if age > MEMORY || self.begun_at.is_from_the_future(now) {
            self.previous = std::mem::take(&mut self.current);
            if age > MEMORY * 2 {
                self.previous = Ids::default();
            }
            self.begun_at = now;
        }
    }
}
