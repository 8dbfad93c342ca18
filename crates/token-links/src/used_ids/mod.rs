//! The used ids of signatures.
//!
//! Each server stores the ids in memory, so that a token read does not wait for the database. Twice a second it writes
//! its new ids to the store as one row. The other servers read it, and so does the next start of this one. The remaining
//! gaps are described in `docs/decisions/0043-signed-requests-and-replay.md`.

mod memory;

use std::{sync::Arc, time::Duration};

use model::{Environment, Failure, Timestamp, UsedIdsId};
use store::{StoreError, TokenLink, UsedIdMemory};

use memory::{IdMemory, MEMORY, READ_AGAIN};

pub use memory::REMEMBERED_IDS;
pub(crate) use memory::{FirstUse, UsedFor};

/// At a start, rows are read in slices of this time.
const SLICE: Duration = Duration::from_secs(30);

/// Used ids: this server's in memory, all servers' in the store.
pub(crate) struct UsedIds {
    store: Arc<dyn UsedIdMemory + Send + Sync>,
    env: Environment,
    memory: IdMemory,
}

impl UsedIds {
    /// Stores about `most` ids in a span.
    pub(crate) fn new(store: Arc<dyn UsedIdMemory + Send + Sync>, env: Environment, most: usize) -> Self {
        Self { store, memory: IdMemory::new(env.now(), most), env }
    }

    /// Stores the first use of an id and returns `None`. If the id was used before, returns that use.
    pub(crate) fn first_use(
        &self,
        link: &TokenLink,
        id: (UsedFor, &str),
        now: Timestamp,
    ) -> Result<Option<FirstUse>, Failure> {
        self.memory.first_use(link.workspace, link.id, id, now)
    }

    /// The first use of an id, if there was one.
    pub(crate) fn used(&self, link: &TokenLink, id: (UsedFor, &str)) -> Option<FirstUse> {
        self.memory.used(link.workspace, link.id, id)
    }

    /// Stores which ids were used here, for the other servers and for the next start.
    pub(crate) async fn write(&self) -> Result<(), StoreError> {
        let unwritten = self.memory.take_unwritten();
        if unwritten.is_empty() {
            return Ok(());
        }
        let (id, written_at) = (UsedIdsId::generate(&self.env), self.env.now());
        let row = store::UsedIds { id, written_at, entries: unwritten.entries() };
        // If a commit's result is unknown, the row may exist. Then its ids are stored twice, which changes nothing.
        self.store.add_used_ids(&row).await.inspect_err(|_| self.memory.put_back(&unwritten))?;
        self.memory.know([(id, written_at)]);
        Ok(())
    }

    /// Reads the ids that were used elsewhere, or here before this start. It must also be called before the first request.
    pub(crate) async fn read(&self) -> Result<(), StoreError> {
        let now = self.env.now();
        let (mut since, known) = self.memory.to_read(now);
        // Another server's clock may be ahead.
        let end = now + MEMORY;
        while since < end {
            let until = if since + SLICE < now { since + SLICE } else { end };
            let rows = self.store.used_ids(since, until, &known).await?;
            for row in &rows {
                self.memory.learn(row, now);
            }
            self.memory.know(rows.iter().map(|row| (row.id, row.written_at)));
            since = until;
        }
        self.memory.mark_read(now);
        Ok(())
    }

    /// Deletes rows that no server reads any more.
    pub(crate) async fn forget_old(&self) -> Result<(), StoreError> {
        self.store.forget_used_ids(self.env.now() - MEMORY - READ_AGAIN).await.map(drop)
    }
}
