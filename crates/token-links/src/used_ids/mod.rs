//! Signature ids that were used.
//!
//! Each server remembers in memory, so that a token read waits for no database. What it has seen is written to the store twice a
//! second, a row at a time, and read by the others and by the next start: what that leaves open is written down in
//! `docs/decisions/0043-signed-requests-and-replay.md`.

mod memory;

use std::{sync::Arc, time::Duration};

use model::{Environment, Failure, Timestamp, UsedIdsId};
use store::{StoreError, TokenLink, UsedIdMemory};

use memory::{IdMemory, MEMORY, READ_AGAIN};

pub use memory::REMEMBERED_IDS;
pub(crate) use memory::{FirstUse, UsedFor};

/// Rows of so much time are read at once at a start.
const SLICE: Duration = Duration::from_secs(30);

/// Used ids: those of this server in memory, those of all servers in the store.
pub(crate) struct UsedIds {
    store: Arc<dyn UsedIdMemory + Send + Sync>,
    env: Environment,
    memory: IdMemory,
}

impl UsedIds {
    /// Remembers about `most` ids in a span.
    pub(crate) fn new(store: Arc<dyn UsedIdMemory + Send + Sync>, env: Environment, most: usize) -> Self {
        Self { store, memory: IdMemory::new(env.now(), most), env }
    }

    /// Remembers the first use of an id and returns `None`. If the id was used before, returns that use.
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
        // A row whose commit is uncertain may be there. Then its ids are stored twice, which changes nothing.
        self.store.add_used_ids(&row).await.inspect_err(|_| self.memory.put_back(&unwritten))?;
        self.memory.know([(id, written_at)]);
        Ok(())
    }

    /// Reads which ids were used elsewhere, or here before this start. Call it before the first request, too.
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
        self.memory.has_read(now);
        Ok(())
    }

    /// Deletes rows that no server reads any more.
    pub(crate) async fn forget_old(&self) -> Result<(), StoreError> {
        self.store.forget_used_ids(self.env.now() - MEMORY - READ_AGAIN).await.map(drop)
    }
}
