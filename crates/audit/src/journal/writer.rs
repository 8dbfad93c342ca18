//! The thread that writes the journal.
//!
//! It is a dedicated thread, because many tokens wait for each batch. The runtime's blocking pool holds a lock while it
//! wakes a thread, so on a busy core the thread would sleep once more before it begins.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Weak, mpsc},
    thread,
};

use store::AuditBatch;
use tokio::sync::oneshot;

use super::Inner;

/// The handle of the thread, which ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub(super) struct JournalWriter(mpsc::Sender<WriteRequest>);

#[derive(Debug)]
struct WriteRequest {
    batches: Vec<AuditBatch>,
    done: oneshot::Sender<io::Result<()>>,
}

impl JournalWriter {
    pub(super) fn start(inner: Weak<Inner>) -> io::Result<Self> {
        let (sender, requests) = mpsc::channel();
        thread::Builder::new().name("audit-journal".into()).spawn(move || work(&inner, &requests))?;
        Ok(Self(sender))
    }

    /// Waits until these batches are on the disk.
    pub(super) async fn write(&self, batches: Vec<AuditBatch>) -> io::Result<()> {
        let broke_off = || io::Error::other("the thread of the audit's journal has ended");
        let (done, written) = oneshot::channel();
        self.0.send(WriteRequest { batches, done }).map_err(|_| broke_off())?;
        written.await.map_err(|_| broke_off())?
    }
}

fn work(inner: &Weak<Inner>, requests: &mpsc::Receiver<WriteRequest>) {
    for WriteRequest { batches, done } in requests {
        // `inner` is dropped before the result is sent, so that the files are released when the journal is dropped.
        let Some(inner) = inner.upgrade() else { return };
        let written = catch_unwind(AssertUnwindSafe(|| inner.write(batches)));
        drop(inner);
        // A panic fails only this batch, as on the pool. A caller that has disconnected leaves a surplus record.
        let _gone = done.send(written.unwrap_or_else(|_| {
            tracing::error!(worker = "audit_journal", "a write of the audit's journal panicked");
            Err(io::Error::other("the write panicked"))
        }));
    }
}
