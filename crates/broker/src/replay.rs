//! Signature ids that were used.
//!
//! Held in memory, by this process: a token read touches no database. What that leaves open is written down in
//! `docs/decisions/0004-replay-memory.md`.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use model::{Code, Failure, Timestamp, TokenLinkId, WorkspaceId};

use crate::signature::TOLERANCE;

/// The same id on the same link within this is a retry, and answered again.
const RETRY_WINDOW: Duration = Duration::from_secs(30);
/// A signature can be presented from `TOLERANCE` before its time to `TOLERANCE` after it.
const MEMORY: Duration = Duration::from_secs(TOLERANCE.as_secs() * 2);
/// Ids that are remembered in a span, if nothing else is configured: in the long run, 7,000 reads a second.
pub const REMEMBERED_IDS: usize = 1 << 22;
/// A map that grows moves everything in it, while everybody waits who wants in: so there are many, and small ones.
const SHARDS: usize = 64;

/// Ids are the sender's text, of any length: what is kept has one size. Nobody outside knows the keys of the hash, so nobody
/// can choose ids that meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Fingerprint(u64, u64);

/// A fingerprint is a hash already: half of it will do.
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

/// Which link an id was used on first, and when.
type Ids = HashMap<Fingerprint, (TokenLinkId, Timestamp), BuildHasherDefault<Half>>;

/// Two generations of ids: the older one is dropped as a whole once it lies beyond every signature's reach, so nothing
/// is swept entry by entry, and an id is remembered for one to two spans. Each takes some 50 to 100 bytes.
pub(crate) struct Replays {
    keys: [RandomState; 2],
    shards: [Mutex<Generations>; SHARDS],
    /// Of one shard, in a span. Past it, requests are turned away rather than let in unchecked.
    capacity: usize,
}

struct Generations {
    begun_at: Timestamp,
    current: Ids,
    previous: Ids,
}

impl Replays {
    /// Has room for about so many ids in a span.
    pub(crate) fn new(now: Timestamp, ids: usize) -> Self {
        let empty =
            |_| Mutex::new(Generations { begun_at: now, current: Ids::default(), previous: Ids::default() });
        Self { keys: Default::default(), shards: std::array::from_fn(empty), capacity: ids.div_ceil(SHARDS) }
    }

    /// Remembers the first use of an id, and lets a quick retry on the same link pass.
    pub(crate) fn admit(
        &self,
        workspace: WorkspaceId,
        link: TokenLinkId,
        id: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let [shard, place] = self.keys.each_ref().map(|key| key.hash_one((workspace.as_bytes(), id)));
        let fingerprint = Fingerprint(shard, place);
        let shard = &self.shards[usize::from(shard.to_le_bytes()[0]) % SHARDS];
        let mut ids = shard.lock().unwrap_or_else(PoisonError::into_inner);
        ids.turn(now);
        let Generations { current, previous, .. } = &mut *ids;
        let full = current.len() >= self.capacity;
        let (first_link, first_used) = match current.entry(fingerprint) {
            Entry::Occupied(used) => *used.get(),
            Entry::Vacant(unused) => match previous.get(&fingerprint) {
                Some(used) => *used,
                None if full => {
                    return Err(Failure::new(Code::Unavailable, "too many signed requests in ten minutes"));
                }
                None => {
                    unused.insert((link, now));
                    return Ok(());
                }
            },
        };
        if first_link == link && now.since(first_used) <= RETRY_WINDOW {
            return Ok(());
        }
        Err(Failure::new(Code::ReplayRefused, "this webhook-id was used before"))
    }
}

impl Generations {
    fn turn(&mut self, now: Timestamp) {
        let age = now.since(self.begun_at);
        if age > MEMORY {
            self.previous = std::mem::take(&mut self.current);
            if age > MEMORY * 2 {
                self.previous = Ids::default();
            }
            self.begun_at = now;
        }
    }
}
