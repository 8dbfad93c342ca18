use std::{
    fs,
    sync::{Arc, atomic::Ordering},
};

use model::{AuditId, Clock as _, Environment, SeededEntropy};
use tempfile::TempDir;
use tokio::task::yield_now;

use super::*;
use crate::{AuditMode, audit::writer::tests::Bench};

/// A server's folder, and an audit that uses it.
struct House {
    bench: Bench,
    folder: TempDir,
}

impl House {
    fn new(mode: AuditMode, is_first: bool) -> Self {
        Self::on(tempfile::tempdir().unwrap(), 1, mode, is_first)
    }

    /// Each process has a randomness of its own.
    fn on(folder: TempDir, seed: u64, mode: AuditMode, is_first: bool) -> Self {
        let bench = Bench::with_journal(mode, |env| {
            let env = Environment { entropy: Arc::new(SeededEntropy::new(seed)), ..env };
            let journal = Journal::open(&folder.path().join("audit"), env).unwrap();
            Some(if is_first { journal.first().unwrap() } else { journal })
        });
        Self { bench, folder }
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path().join("audit")).unwrap().count()
    }

    /// A token, later than all before; its record.
    async fn give(&self) -> AuditId {
        self.bench.clock.advance(Duration::from_micros(1));
        let record = self.bench.record();
        let id = record.id;
        self.bench.audit.admit(record).await.unwrap();
        id
    }

    /// What the store has, in order.
    fn stored(&self) -> Vec<AuditId> {
        self.bench.stored().iter().map(|record| record.id).collect()
    }

    /// The server is killed, and another started.
    async fn killed(self) -> Self {
        let Self { bench, folder } = self;
        while !bench.audit.desk.tasks.is_empty() {
            yield_now().await;
        }
        drop(bench);
        let house = Self::on(folder, 2, AuditMode::Strict, true);
        house.bench.clock.advance(Duration::from_secs(1));
        house
    }
}

#[tokio::test]
async fn the_disk_comes_first_and_many_batches_share_a_commit() {
    let house = House::new(AuditMode::Strict, true);
    let mut given = Vec::new();
    for _ in 0..30 {
        given.push(house.give().await);
    }
    assert!(house.stored().is_empty(), "nobody has let the store write");
    house.bench.paper.turns.add_permits(1);
    tokio::select! {
        biased;
        never = house.bench.audit.tend() => match never {},
        () = house.bench.as_time_passes(async {
            while house.bench.sizes().is_empty() {
                yield_now().await;
            }
        }) => {}
    }
    assert_eq!(house.bench.sizes(), [30]);
    assert_eq!(house.stored(), given);
    assert_eq!(house.bench.counted("latchkey_audit_journaled"), 0, "the store was there");
}

#[tokio::test]
async fn whoever_reads_finds_what_was_given() {
    let house = House::new(AuditMode::Strict, true);
    house.bench.audit.catch_up().await.unwrap();
    let given = [house.give().await, house.give().await];
    house.bench.paper.turns.add_permits(1);
    house.bench.audit.catch_up().await.unwrap();
    assert_eq!(house.stored(), given);
    house.bench.audit.catch_up().await.unwrap();
    assert_eq!(house.bench.sizes(), [2], "once");
}

#[tokio::test]
async fn whoever_reads_waits_for_a_store_that_hangs_and_not_for_ever() {
    let house = House::new(AuditMode::Strict, true);
    house.give().await;
    let began = house.bench.clock.now();
    let read = house.bench.as_time_passes(house.bench.audit.catch_up()).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "an answer with holes is none: {read:?}");
    assert!(house.bench.clock.now().since(began) <= READ_WITHIN + Duration::from_millis(50));
}

#[tokio::test]
async fn without_the_store_the_disk_goes_on_and_the_next_start_brings_it_in() {
    for is_first in [true, false] {
        let house = House::new(AuditMode::Strict, is_first);
        house.bench.paper.torn.store(true, Ordering::SeqCst);
        house.bench.paper.turns.add_permits(100);
        let mut given = vec![house.give().await];
        house.bench.audit.catch_up().await.unwrap_err();
        given.push(house.give().await);
        assert_eq!(house.bench.counted("latchkey_audit_journaled"), 2, "first: {is_first}");
        house.bench.audit.close().await;
        assert_eq!(house.files(), 1);

        let house = house.killed().await;
        house.bench.paper.turns.add_permits(100);
        house.bench.audit.replay().await;
        given.push(house.give().await);
        house.bench.audit.catch_up().await.unwrap();
        assert_eq!(house.stored(), given);
        house.bench.audit.close().await;
        assert_eq!(house.files(), 0);
    }
}

#[tokio::test]
async fn a_journal_that_does_not_come_first_is_gone_when_the_store_is_back() {
    let house = House::new(AuditMode::Strict, false);
    house.bench.paper.torn.store(true, Ordering::SeqCst);
    house.bench.paper.turns.add_permits(100);
    let mut given = vec![house.give().await];
    assert_eq!(house.files(), 1);
    house.bench.paper.torn.store(false, Ordering::SeqCst);
    house.bench.audit.catch_up().await.unwrap();
    assert_eq!(house.files(), 0);
    given.push(house.give().await);
    assert_eq!((house.stored(), house.files()), (given, 0), "straight into the store");
}

#[tokio::test]
async fn without_the_disk_the_store_takes_it_and_without_both_nobody_is_given_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let bench = Bench::with_journal(AuditMode::Strict, |env| {
        let mut journal = Journal::open(&audit, env).unwrap();
        journal.is_first = true;
        // A full disk, as far as the journal can tell.
        fs::remove_dir(&audit).unwrap();
        fs::write(&audit, "in its way").unwrap();
        Some(journal)
    });
    let house = House { bench, folder };
    house.bench.paper.turns.add_permits(100);
    house.give().await;
    assert_eq!(house.bench.sizes(), [1], "which the disk did not take");
    house.bench.paper.torn.store(true, Ordering::SeqCst);
    let refused = house.bench.as_time_passes(house.bench.admit()).await.unwrap_err();
    assert_eq!(refused.code, model::Code::Unavailable);
}

#[tokio::test]
async fn where_nobody_waits_the_store_is_enough() {
    let house = House::new(AuditMode::Relaxed, true);
    house.bench.paper.turns.add_permits(1);
    house.give().await;
    house.bench.begun().await;
    assert_eq!(house.bench.sizes(), [1]);
    house.bench.audit.close().await;
    assert_eq!(house.files(), 0);
}
