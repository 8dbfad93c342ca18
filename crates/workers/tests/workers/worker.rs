//! Tests of a worker and its rows.

use std::{
    collections::VecDeque,
    io,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use model::{Clock as _, ManualClock, Timestamp};
use tokio::sync::{Notify, mpsc};
use workers::{Claimed, Settings, Work, Worker, Workers};

use crate::support::{Counts, Installation, settle};

const SECOND: Duration = Duration::from_secs(1);

/// What an item does when it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Succeeds,
    Fails,
    Panics,
    /// Waits until the test continues it, or its lease is lost.
    Waits,
}

/// A table in memory.
#[derive(Clone)]
struct Rows(Arc<Table>);

struct Table {
    due: Mutex<VecDeque<(Item, Timestamp)>>,
    claims: Mutex<Vec<u32>>,
    /// How many of the next claims fail.
    away: Mutex<u32>,
    claim_panics: Mutex<bool>,
    go_on: Notify,
    lose_leases: Notify,
    may_be_due: Notify,
    done: mpsc::UnboundedSender<Item>,
}

impl Work for Rows {
    const NAME: &'static str = "rows";
    type Item = Item;
    type Error = io::Error;

    async fn claim(&self, most: u32) -> io::Result<Vec<Claimed<Item>>> {
        assert!(!std::mem::take(&mut *self.0.claim_panics.lock().unwrap()), "injected");
        let mut away = self.0.away.lock().unwrap();
        if *away > 0 {
            *away -= 1;
            return Err(io::Error::other("away"));
        }
        self.0.claims.lock().unwrap().push(most);
        let mut due = self.0.due.lock().unwrap();
        let count = due.len().min(most as usize);
        Ok(due.drain(..count).map(|(item, due_at)| Claimed { item, due_at }).collect())
    }

    async fn may_be_due(&self) {
        self.0.may_be_due.notified().await;
    }

    async fn run(&self, item: &Item) -> io::Result<()> {
        match item {
            Item::Succeeds => {}
            Item::Fails => return Err(io::Error::other("failed")),
            Item::Panics => panic!("injected"),
            Item::Waits => self.0.go_on.notified().await,
        }
        self.0.done.send(*item).unwrap();
        Ok(())
    }

    async fn keep_lease(&self, _item: &Item) {
        self.0.lose_leases.notified().await;
    }
}

struct Fixture {
    clock: Arc<ManualClock>,
    counts: Arc<Counts>,
    workers: Workers,
    worker: Worker<Rows>,
    rows: Rows,
    done: mpsc::UnboundedReceiver<Item>,
}

impl Fixture {
    fn start(most_at_once: u32, claim_at_least: u32, items: &[Item]) -> Self {
        let Installation { clock, env, counts } = Installation::new();
        let (sending, done) = mpsc::unbounded_channel();
        let rows = Rows(Arc::new(Table {
            due: Mutex::new(items.iter().map(|item| (*item, clock.now())).collect()),
            claims: Mutex::default(),
            away: Mutex::default(),
            claim_panics: Mutex::default(),
            go_on: Notify::new(),
            lose_leases: Notify::new(),
            may_be_due: Notify::new(),
            done: sending,
        }));
        let workers = Workers::new(env, counts.clone());
        let number = |number| NonZeroU32::new(number).unwrap();
        let settings = Settings {
            most_at_once: number(most_at_once),
            claim_at_least: number(claim_at_least),
            poll_interval: SECOND,
        };
        let worker = Worker::start(&workers, rows.clone(), settings);
        Self { clock, counts, workers, worker, rows, done }
    }

    fn add(&self, item: Item) {
        self.rows.0.due.lock().unwrap().push_back((item, self.clock.now()));
    }

    fn due(&self) -> usize {
        self.rows.0.due.lock().unwrap().len()
    }

    async fn pass(&self, span: Duration) {
        self.clock.advance(span);
        settle().await;
    }
}

#[tokio::test]
async fn the_number_of_running_items_is_limited_and_the_next_is_claimed_when_one_ends() {
    let mut fixture = Fixture::start(2, 1, &[Item::Waits; 5]);
    settle().await;
    assert_eq!(fixture.due(), 3);
    fixture.rows.0.go_on.notify_one();
    settle().await;
    assert_eq!(fixture.due(), 2, "without a poll");
    assert_eq!(fixture.done.try_recv(), Ok(Item::Waits));
    for _ in 0..4 {
        fixture.rows.0.go_on.notify_one();
        settle().await;
    }
    fixture.worker.finish().await;
    assert_eq!(fixture.due(), 0);
}

#[tokio::test]
async fn a_claim_waits_until_enough_slots_are_free() {
    let fixture = Fixture::start(4, 2, &[Item::Waits; 8]);
    settle().await;
    fixture.rows.0.go_on.notify_one();
    settle().await;
    assert_eq!(fixture.due(), 4, "one free slot is not enough");
    fixture.rows.0.go_on.notify_one();
    settle().await;
    assert_eq!(*fixture.rows.0.claims.lock().unwrap(), [4, 2]);
    fixture.rows.0.lose_leases.notify_waiters();
    fixture.workers.stop().await;
}

#[tokio::test]
async fn due_items_are_found_by_polling_and_sooner_by_a_poke_or_by_the_work_itself() {
    let mut fixture = Fixture::start(2, 1, &[]);
    settle().await;
    fixture.add(Item::Succeeds);
    settle().await;
    assert_eq!(fixture.due(), 1);
    fixture.pass(SECOND).await;
    assert_eq!(fixture.done.try_recv(), Ok(Item::Succeeds));
    fixture.add(Item::Succeeds);
    fixture.worker.wake();
    settle().await;
    assert_eq!(fixture.done.try_recv(), Ok(Item::Succeeds));
    fixture.add(Item::Succeeds);
    fixture.rows.0.may_be_due.notify_one();
    settle().await;
    assert_eq!(fixture.done.try_recv(), Ok(Item::Succeeds));
    assert_eq!(fixture.counts.late(), [SECOND, Duration::ZERO, Duration::ZERO]);
}

#[tokio::test]
async fn failures_and_panics_of_items_are_counted_and_free_their_slots() {
    let mut fixture = Fixture::start(1, 1, &[Item::Fails, Item::Panics, Item::Succeeds]);
    settle().await;
    assert_eq!(fixture.done.try_recv(), Ok(Item::Succeeds));
    assert_eq!((fixture.counts.failed(), fixture.counts.panics("rows")), (2, 1));
}

#[tokio::test]
async fn work_is_cancelled_when_its_lease_is_lost() {
    let mut fixture = Fixture::start(1, 1, &[Item::Waits]);
    settle().await;
    fixture.rows.0.lose_leases.notify_waiters();
    settle().await;
    fixture.rows.0.go_on.notify_one();
    settle().await;
    assert!(fixture.done.try_recv().is_err(), "the item was cancelled");
    assert_eq!(fixture.counts.failed(), 1);
    fixture.worker.finish().await;
}

#[tokio::test]
async fn a_worker_claims_less_often_while_claims_fail() {
    let mut fixture = Fixture::start(1, 1, &[Item::Succeeds]);
    *fixture.rows.0.away.lock().unwrap() = 2;
    settle().await;
    fixture.pass(SECOND).await;
    assert_eq!(*fixture.rows.0.away.lock().unwrap(), 1, "the first pause is twice the interval");
    fixture.pass(SECOND).await;
    assert_eq!(*fixture.rows.0.away.lock().unwrap(), 0);
    fixture.pass(2 * SECOND).await;
    assert!(fixture.done.try_recv().is_err());
    fixture.pass(2 * SECOND).await;
    assert_eq!(fixture.done.try_recv(), Ok(Item::Succeeds));
}

#[tokio::test]
async fn a_panic_in_a_claim_is_counted_and_the_worker_continues() {
    let mut fixture = Fixture::start(1, 1, &[Item::Succeeds]);
    *fixture.rows.0.claim_panics.lock().unwrap() = true;
    settle().await;
    assert_eq!(fixture.counts.panics("rows"), 1);
    fixture.pass(SECOND).await;
    assert_eq!(fixture.done.try_recv(), Ok(Item::Succeeds));
}

#[tokio::test]
async fn a_finishing_worker_claims_nothing_more_and_waits_for_running_items() {
    let mut fixture = Fixture::start(1, 1, &[Item::Waits, Item::Succeeds]);
    settle().await;
    let worker = fixture.worker.clone();
    let mut finishing = std::pin::pin!(worker.finish());
    assert!(futures_util::poll!(&mut finishing).is_pending());
    fixture.rows.0.go_on.notify_one();
    finishing.await;
    assert_eq!(fixture.done.try_recv(), Ok(Item::Waits));
    assert_eq!(fixture.due(), 1);
    fixture.workers.stop().await;
}

#[tokio::test]
async fn a_requested_claim_returns_how_many_items_it_claimed() {
    let mut fixture = Fixture::start(3, 1, &[]);
    settle().await;
    for _ in 0..5 {
        fixture.add(Item::Succeeds);
    }
    assert_eq!(fixture.worker.claim().await.unwrap(), 3);
    settle().await;
    assert_eq!(fixture.done.try_recv(), Ok(Item::Succeeds));
    fixture.workers.stop().await;
}
