//! Signature ids that were used.
//!
//! Held in memory, by this process: a token read touches no database. What that leaves open is written down in
//! `docs/decisions/0004-replay-memory.md`.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
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

type Fingerprint = [u8; 16];

/// Two generations of ids: the older one is dropped as a whole once it lies beyond every signature's reach, so nothing
/// is swept entry by entry, and an id is remembered for one to two spans. Each takes some 50 to 100 bytes.
pub(crate) struct Replays {
    shards: [Mutex<Generations>; SHARDS],
    /// Of one shard, in a span. Past it, requests are turned away rather than let in unchecked.
    capacity: usize,
}

struct Generations {
    begun_at: Timestamp,
    current: HashMap<Fingerprint, (TokenLinkId, Timestamp)>,
    previous: HashMap<Fingerprint, (TokenLinkId, Timestamp)>,
}

impl Replays {
    /// Has room for about so many ids in a span.
    pub(crate) fn new(now: Timestamp, ids: usize) -> Self {
        let empty =
            |_| Mutex::new(Generations { begun_at: now, current: HashMap::new(), previous: HashMap::new() });
        Self { shards: std::array::from_fn(empty), capacity: ids.div_ceil(SHARDS) }
    }

    /// Remembers the first use of an id, and lets a quick retry on the same link pass.
    pub(crate) fn admit(
        &self,
        workspace: WorkspaceId,
        link: TokenLinkId,
        id: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let fingerprint = fingerprint(workspace, id);
        let shard = &self.shards[usize::from(fingerprint[0]) % SHARDS];
        let mut ids = shard.lock().unwrap_or_else(PoisonError::into_inner);
        ids.turn(now);
        if let Some((first_link, first_used)) =
            ids.current.get(&fingerprint).or(ids.previous.get(&fingerprint))
        {
            let retry = *first_link == link && now.since(*first_used) <= RETRY_WINDOW;
            return if retry {
                Ok(())
            } else {
                Err(Failure::new(Code::ReplayRefused, "this webhook-id was used before"))
            };
        }
        if ids.current.len() >= self.capacity {
            return Err(Failure::new(Code::Unavailable, "too many signed requests in ten minutes"));
        }
        ids.current.insert(fingerprint, (link, now));
        Ok(())
    }
}

impl Generations {
    fn turn(&mut self, now: Timestamp) {
        let age = now.since(self.begun_at);
        if age > MEMORY {
            self.previous = std::mem::take(&mut self.current);
            if age > MEMORY * 2 {
                self.previous = HashMap::new();
            }
            self.begun_at = now;
        }
    }
}

/// Ids are the sender's text, of any length: what is kept has one size.
fn fingerprint(workspace: WorkspaceId, id: &str) -> Fingerprint {
    let hash = digest(&SHA256, &[workspace.as_bytes(), id.as_bytes()].concat());
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_ref()[..16]);
    short
}
