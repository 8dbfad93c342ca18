use std::{
    fs,
    sync::{Arc, atomic::Ordering},
};

use model::{AuditId, Clock as _, Environment, SeededEntropy};
use tempfile::TempDir;
use tokio::task::yield_now;

use super::*;
use crate::{AuditMode, writer::tests::Fixture};

/// A server's folder, and an audit that uses it.
struct Server {
    fixture: Fixture,
    folder: TempDir,
}

impl Server {
    fn new(mode: AuditMode, is_first: bool) -> Self {
        Self::on(tempfile::tempdir().unwrap(), 1, mode, is_first)
    }

    /// Each process has its own random seed.
    fn on(folder: TempDir, seed: u64, mode: AuditMode, is_first: bool) -> Self {
        let fixture = Fixture::with_journal(mode, |env| {
            let env = Environment { entropy: Arc::new(SeededEntropy::new(seed)), ..env };
            let journal = Journal::open(&folder.path().join("audit"), env).unwrap();
            Some(if is_first { journal.first().unwrap() } else { journal })
        });
        Self { fixture, folder }
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path().join("audit")).unwrap().count()
    }

    /// Gives a token, later than all before. Returns the id of its record.
    async fn give(&self) -> AuditId {
        self.fixture.clock.advance(Duration::from_micros(1));
        let record = self.fixture.record();
        let id = record.id;
        self.fixture.audit.write(record).await.unwrap();
        id
    }

    /// The ids of the stored records, in order.
    fn stored(&self) -> Vec<AuditId> {
        self.fixture.stored().iter().map(|record| record.id).collect()
    }

    /// Kills the server, and starts another one on the same folder.
    async fn killed(self) -> Self {
        let Self { fixture, folder } = self;
        while !fixture.audit.shared.tasks.is_empty() {
            yield_now().await;
        }
        drop(fixture);
        let server = Self::on(folder, 2, AuditMode::Strict, true);
        server.fixture.clock.advance(Duration::from_secs(1));
        server
    }
}

#[tokio::test]
async fn the_disk_comes_first_and_many_batches_share_a_commit() {
    let server = Server::new(AuditMode::Strict, true);
    let mut given = Vec::new();
    for _ in 0..30 {
        given.push(server.give().await);
    }
    assert!(server.stored().is_empty(), "the store is still blocked");
    server.fixture.store.turns.add_permits(1);
    tokio::select! {
        biased;
        never = server.fixture.audit.run_journal() => match never {},
        () = server.fixture.as_time_passes(async {
            while server.fixture.sizes().is_empty() {
                yield_now().await;
            }
        }) => {}
    }
    assert_eq!(server.fixture.sizes(), [30]);
    assert_eq!(server.stored(), given);
    assert_eq!(server.fixture.counted("latchkey_audit_journaled"), 0, "the store was available");
}

#[tokio::test]
async fn a_reader_finds_what_was_given() {
    let server = Server::new(AuditMode::Strict, true);
    server.fixture.audit.catch_up().await.unwrap();
    let given = [server.give().await, server.give().await];
    server.fixture.store.turns.add_permits(1);
    server.fixture.audit.catch_up().await.unwrap();
    assert_eq!(server.stored(), given);
    server.fixture.audit.catch_up().await.unwrap();
    assert_eq!(server.fixture.sizes(), [2], "once");
}

#[tokio::test]
async fn a_reader_waits_for_a_hanging_store_for_a_limited_time() {
    let server = Server::new(AuditMode::Strict, true);
    server.give().await;
    let began = server.fixture.clock.now();
    let read = server.fixture.as_time_passes(server.fixture.audit.catch_up()).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "an incomplete answer is an error: {read:?}");
    assert!(server.fixture.clock.now().since(began) <= READ_WITHIN + Duration::from_millis(50));
}

#[tokio::test]
async fn without_the_store_records_go_to_the_disk_and_the_next_start_stores_them() {
    for is_first in [true, false] {
        let server = Server::new(AuditMode::Strict, is_first);
        server.fixture.store.torn.store(true, Ordering::SeqCst);
        server.fixture.store.turns.add_permits(100);
        let mut given = vec![server.give().await];
        server.fixture.audit.catch_up().await.unwrap_err();
        given.push(server.give().await);
        assert_eq!(server.fixture.counted("latchkey_audit_journaled"), 2, "first: {is_first}");
        server.fixture.audit.close_journal().await;
        assert_eq!(server.files(), 1);

        let server = server.killed().await;
        server.fixture.store.turns.add_permits(100);
        server.fixture.audit.replay_journal().await;
        given.push(server.give().await);
        server.fixture.audit.catch_up().await.unwrap();
        assert_eq!(server.stored(), given);
        server.fixture.audit.close_journal().await;
        assert_eq!(server.files(), 0);
    }
}

#[tokio::test]
async fn a_journal_that_does_not_come_first_is_deleted_when_the_store_is_available_again() {
    let server = Server::new(AuditMode::Strict, false);
    server.fixture.store.torn.store(true, Ordering::SeqCst);
    server.fixture.store.turns.add_permits(100);
    let mut given = vec![server.give().await];
    assert_eq!(server.files(), 1);
    server.fixture.store.torn.store(false, Ordering::SeqCst);
    server.fixture.audit.catch_up().await.unwrap();
    assert_eq!(server.files(), 0);
    given.push(server.give().await);
    assert_eq!((server.stored(), server.files()), (given, 0), "straight into the store");
}

#[tokio::test]
async fn without_the_disk_records_go_to_the_store_and_without_both_no_token_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let fixture = Fixture::with_journal(AuditMode::Strict, |env| {
        let mut journal = Journal::open(&audit, env).unwrap();
        journal.is_first = true;
        // The journal can't write, as on a full disk.
        fs::remove_dir(&audit).unwrap();
        fs::write(&audit, "not a folder").unwrap();
        Some(journal)
    });
    let server = Server { fixture, folder };
    server.fixture.store.turns.add_permits(100);
    server.give().await;
    assert_eq!(server.fixture.sizes(), [1], "the disk refused it");
    server.fixture.store.torn.store(true, Ordering::SeqCst);
    let refused = server.fixture.as_time_passes(server.fixture.write()).await.unwrap_err();
    assert_eq!(refused.code, model::Code::Unavailable);
}

#[tokio::test]
async fn in_relaxed_mode_the_store_is_enough() {
    let server = Server::new(AuditMode::Relaxed, true);
    server.fixture.store.turns.add_permits(1);
    server.give().await;
    server.fixture.begun().await;
    assert_eq!(server.fixture.sizes(), [1]);
    server.fixture.audit.close_journal().await;
    assert_eq!(server.files(), 0);
}
