//! Stores records on this server's disk until the store has them.
//!
//! A record on the disk is durable, so its token may be given. If the store is a file on the same disk, each batch is
//! written here first, because that costs a fifth of a commit, and many batches share a later commit. With other stores the
//! journal is used only while the store is unavailable, so that cached tokens can be given, each with a record, while a
//! database restarts.
//!
//! The records are also in memory. The journal is only read at the start after a crash (`recover`).

pub(crate) mod file;
mod files;
pub(crate) mod frame;
mod writer;

use std::{
    collections::VecDeque,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use model::Environment;
use store::{AuditBatch, bundle};
use tokio::sync::Notify;

use files::JournalFiles;
use writer::JournalWriter;

/// The audit's journal on the disk. Processes may share the folder; each writes its own files.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
    writer: JournalWriter,
    /// Whether a batch is written here before it is written to the store.
    pub(super) is_first: bool,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// Locked only by threads that may wait for the disk.
    files: Mutex<JournalFiles>,
    pending: Mutex<Pending>,
    news: Notify,
    /// Locked while batches are moved into the store.
    turn: tokio::sync::Mutex<()>,
    /// Whether the last call of the store failed. Then writers use the disk without waiting for another
    /// failure.
    away: AtomicBool,
}

/// Entries that the store does not have yet.
#[derive(Debug, Default)]
struct Pending {
    entries: VecDeque<Entry>,
    /// The total number of entries so far.
    written: u64,
}

#[derive(Debug)]
struct Entry {
    /// The number of its file.
    file: u64,
    batches: Vec<AuditBatch>,
}

impl Pending {
    /// The number of the first file that is still needed.
    fn needs(&self) -> u64 {
        self.entries.front().map_or(u64::MAX, |entry| entry.file)
    }

    fn settled(&self) -> u64 {
        self.written - self.entries.len() as u64
    }
}

impl Journal {
    /// Uses `folder` while the store is unavailable. Creates the folder, accessible for its owner only, if it is missing.
    pub fn open(folder: &Path, env: Environment) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let inner = Inner {
            folder: folder.to_owned(),
            files: Mutex::new(JournalFiles::new(folder, env)),
            pending: Mutex::default(),
            news: Notify::new(),
            turn: tokio::sync::Mutex::default(),
            away: AtomicBool::new(false),
        };
        let inner = Arc::new(inner);
        let writer = JournalWriter::start(Arc::downgrade(&inner))?;
        Ok(Self { inner, writer, is_first: false })
    }

    /// Writes each batch here before the store, for a store that is a file on the same disk.
    pub fn first(mut self) -> io::Result<Self> {
        // The file is created now, so that the first token doesn't wait for it.
        self.inner.files().prepare()?;
        self.is_first = true;
        Ok(self)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.inner.folder
    }

    pub(super) fn is_store_unavailable(&self) -> bool {
        self.inner.away.load(Ordering::Relaxed)
    }

    /// Records whether the store was just unavailable. Returns whether that has changed.
    pub(super) fn set_store_unavailable(&self, away: bool) -> bool {
        self.inner.away.swap(away, Ordering::Relaxed) != away
    }

    /// Writes batches to the disk. When this returns, they survive a power failure.
    pub(super) async fn append(&self, batches: Vec<AuditBatch>) -> io::Result<()> {
        self.writer.write(batches).await?;
        self.inner.news.notify_one();
        Ok(())
    }

    /// Waits until there are records that the store does not have.
    pub(super) async fn wait_for_entries(&self) {
        while self.inner.pending().entries.is_empty() {
            self.inner.news.notified().await;
        }
    }

    /// Waits until no other task moves batches into the store.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.turn.lock().await
    }

    /// The total number of entries so far, and how many of them the store has.
    pub(super) fn progress(&self) -> (u64, u64) {
        let pending = self.inner.pending();
        (pending.written, pending.settled())
    }

    /// How many records the store does not have.
    pub(super) fn records(&self) -> usize {
        self.inner.pending().entries.iter().map(|entry| records(&entry.batches)).sum()
    }

    /// The oldest batches that the store does not have, with about `most` records, and how many entries they are.
    pub(super) fn oldest(&self, most: usize) -> (Vec<AuditBatch>, usize) {
        let pending = self.inner.pending();
        let (mut batches, mut entries, mut count) = (Vec::new(), 0, 0);
        for entry in &pending.entries {
            if count >= most {
                break;
            }
            batches.extend(entry.batches.iter().cloned());
            (entries, count) = (entries + 1, count + records(&entry.batches));
        }
        (batches, entries)
    }

    /// Marks the oldest entries as stored.
    pub(super) fn settle(&self, entries: usize) {
        self.inner.pending().entries.drain(..entries);
    }

    /// Deletes this process's files, if the store has all their records.
    pub(super) async fn clear(&self) -> io::Result<()> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let mut files = inner.files();
            let is_needed = inner.pending().needs() < u64::MAX;
            if is_needed { Ok(()) } else { files.clear() }
        })
        .await
    }
}

impl Inner {
    /// Blocks until the disk has the batches.
    fn write(&self, batches: Vec<AuditBatch>) -> io::Result<()> {
        let content = bundle(&batches);
        let mut files = self.files();
        let needed = self.pending().needs();
        let file = files.append(&content, needed)?;
        // Done before another entry is written: until this entry is noted, its file could count as no longer needed.
        let mut pending = self.pending();
        pending.entries.push_back(Entry { file, batches });
        pending.written += 1;
        Ok(())
    }

    fn files(&self) -> MutexGuard<'_, JournalFiles> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of records in these batches.
pub(super) fn records(batches: &[AuditBatch]) -> usize {
    batches.iter().map(|batch| batch.records as usize).sum()
}

/// Runs on a thread that may block on the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

#[cfg(test)]
mod tests;
