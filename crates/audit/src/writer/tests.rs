use std::{
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Waker},
};

use async_trait::async_trait;
use model::{
    AuditActor, AuditId, BotId, Clock as _, CredentialId, ManualClock, Outcome, Purpose, SeededEntropy,
    Source, TokenContext, TokenKind, WorkspaceId,
};
use store::{AuditPage, Pruned, StoreError};
use tokio::{sync::Semaphore, task::yield_now};

use super::*;

/// A store that takes a batch when the test permits it, and records the batches that it took.
pub(super) struct FakeStore {
    pub(super) turns: Semaphore,
    begun: Semaphore,
    pub(super) torn: AtomicBool,
    panics: AtomicBool,
    batches: Mutex<Vec<Vec<AuditBatch>>>,
}

#[async_trait]
impl Audits for FakeStore {
    async fn append_audit_batches(&self, batches: &[AuditBatch]) -> Result<(), StoreError> {
        self.begun.add_permits(1);
        self.turns.acquire().await.unwrap().forget();
        assert!(!self.panics.swap(false, Ordering::SeqCst), "as planned");
        if self.torn.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("torn".into()));
        }
        self.batches.lock().unwrap().push(batches.to_vec());
        Ok(())
    }

    async fn audit(&self, _: WorkspaceId, _: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        unreachable!("no test reads")
    }

    async fn audit_of_all(&self, _: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        unreachable!("no test reads")
    }

    async fn modernize_audit(&self, _: u32) -> Result<u32, StoreError> {
        unreachable!("no test rewrites")
    }

    async fn prune_audit(&self, _: Timestamp, _: u32) -> Result<Pruned, StoreError> {
        unreachable!("no test prunes")
    }
}

pub(super) struct Fixture {
    pub(super) audit: Audit,
    pub(super) store: Arc<FakeStore>,
    pub(super) clock: Arc<ManualClock>,
}

impl Fixture {
    fn new(mode: AuditMode) -> Self {
        Self::with_journal(mode, |_| None)
    }

    pub(super) fn with_journal(
        mode: AuditMode,
        journal: impl FnOnce(Environment) -> Option<Journal>,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000)));
        let env = Environment { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(7)) };
        let store = Arc::new(FakeStore {
            turns: Semaphore::new(0),
            begun: Semaphore::new(0),
            torn: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            batches: Mutex::default(),
        });
        let journal = journal(env.clone());
        let audit = Audit::new(mode, store.clone(), journal, Metrics::default(), env, TaskTracker::new());
        Self { audit, store, clock }
    }

    pub(super) fn record(&self) -> AuditRecord {
        let env = &self.audit.shared.env;
        AuditRecord {
            id: AuditId::generate(env),
            at: env.now(),
            workspace: WorkspaceId::generate(env),
            credential: CredentialId::generate(env),
            kind: TokenKind::Zak,
            who: AuditActor::Bot(BotId::generate(env)),
            from: None,
            why: Purpose::BotJoin,
            outcome: Outcome::Given(Source::Cached),
            about: TokenContext::default(),
        }
    }

    /// Requests a token, as a caller that waits.
    pub(super) fn write(&self) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + '_>> {
        let mut waiting = Box::pin(self.audit.write(self.record()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending(), "not before the record is written");
        waiting
    }

    /// Waits until the store has begun a write, which blocks.
    pub(super) async fn begun(&self) {
        self.store.begun.acquire().await.unwrap().forget();
    }

    pub(super) fn sizes(&self) -> Vec<usize> {
        self.store.batches.lock().unwrap().iter().map(|batches| records(batches)).collect()
    }

    /// The records that the store has, each once.
    pub(super) fn stored(&self) -> Vec<AuditRecord> {
        let batches = self.store.batches.lock().unwrap();
        let mut records: Vec<_> =
            batches.iter().flatten().flat_map(|batch| batch.unpack().unwrap()).collect();
        records.sort_unstable_by_key(AuditRecord::place);
        records.dedup();
        records
    }

    /// The value of a counter.
    pub(super) fn counted(&self, name: &str) -> usize {
        let text = self.audit.shared.metrics.text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("_total "));
        value.unwrap().parse().unwrap()
    }

    /// The result of `work`, while time passes.
    pub(super) async fn as_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        let passing = async {
            loop {
                self.clock.advance(Duration::from_millis(50));
                yield_now().await;
            }
        };
        tokio::select! {
            biased;
            value = work => value,
            never = passing => never,
        }
    }

    /// Shuts down, and waits until everything is written.
    async fn stop(&self) {
        self.audit.shared.tasks.close();
        self.as_time_passes(self.audit.shared.tasks.wait()).await;
    }
}

#[tokio::test]
async fn the_first_record_is_written_at_once_and_later_ones_share_a_batch() {
    let fixture = Fixture::new(AuditMode::Strict);
    let first = fixture.write();
    fixture.begun().await;
    let others: Vec<_> = (0..99).map(|_| fixture.write()).collect();
    fixture.store.turns.add_permits(100);
    first.await.unwrap();
    for other in others {
        other.await.unwrap();
    }
    assert_eq!(fixture.sizes(), [1, 99], "a hundred tokens, two transactions");
    fixture.write().await.unwrap();
    assert_eq!(fixture.sizes(), [1, 99, 1], "after a pause, a new task writes");
}

#[tokio::test]
async fn a_batch_has_a_maximum_size() {
    let fixture = Fixture::new(AuditMode::Strict);
    let waiting: Vec<_> = (0..=MAX_AT_ONCE).map(|_| fixture.write()).collect();
    fixture.store.turns.add_permits(2);
    for token in waiting {
        token.await.unwrap();
    }
    assert_eq!(fixture.sizes(), [MAX_AT_ONCE, 1]);
}

#[tokio::test]
async fn without_a_record_the_token_is_refused_soon() {
    let fixture = Fixture::new(AuditMode::Strict);
    fixture.store.torn.store(true, Ordering::SeqCst);
    fixture.store.turns.add_permits(1000);
    let began = fixture.clock.now();
    let refused = fixture.as_time_passes(fixture.write()).await.unwrap_err();
    assert_eq!(refused.code, model::Code::Unavailable);
    let now = fixture.clock.now();
    assert!(now.since(began) < WRITE_TIMEOUT * 2);
    assert!(fixture.audit.refuses_tokens(now));
    let set_back = now - Duration::from_secs(3600);
    assert!(!fixture.audit.refuses_tokens(set_back), "how long ago that was is not known");
    let since = fixture.audit.last_outage().unwrap();

    fixture.store.torn.store(false, Ordering::SeqCst);
    fixture.as_time_passes(fixture.write()).await.unwrap();
    assert!(!fixture.audit.refuses_tokens(fixture.clock.now()));
    assert_eq!(fixture.audit.last_outage(), Some(since), "it is over, but still reported");
    assert_eq!(fixture.sizes(), [1], "a token that was not given has no record");
}

#[tokio::test]
async fn a_short_failure_of_the_store_costs_time_and_no_token() {
    let fixture = Fixture::new(AuditMode::Strict);
    fixture.store.torn.store(true, Ordering::SeqCst);
    let token = fixture.write();
    fixture.begun().await;
    fixture.store.turns.add_permits(1);
    yield_now().await;
    fixture.store.torn.store(false, Ordering::SeqCst);
    fixture.store.turns.add_permits(1);
    fixture.as_time_passes(token).await.unwrap();
    assert_eq!(fixture.sizes(), [1]);
    assert_eq!(fixture.audit.last_outage(), None, "no token was refused");
}

#[tokio::test]
async fn a_writer_that_panics_is_counted_and_the_next_record_starts_it_again() {
    for mode in [AuditMode::Strict, AuditMode::Relaxed] {
        let fixture = Fixture::new(mode);
        fixture.store.panics.store(true, Ordering::SeqCst);
        fixture.store.turns.add_permits(2);
        match mode {
            AuditMode::Strict => assert!(fixture.write().await.is_err(), "no record, no token"),
            AuditMode::Relaxed => {
                fixture.audit.write_later(fixture.record());
                fixture.begun().await;
                while fixture.counted("latchkey_audit_dropped") == 0 {
                    yield_now().await;
                }
            }
        }
        let text = fixture.audit.shared.metrics.text();
        assert!(text.contains("latchkey_worker_panics_total{worker=\"audit\"} 1\n"), "{text}");
        fixture.audit.write_later(fixture.record());
        fixture.stop().await;
        assert_eq!(fixture.sizes(), [1]);
    }
}

#[tokio::test]
async fn a_hanging_connection_is_abandoned() {
    let fixture = Fixture::new(AuditMode::Strict);
    assert!(fixture.as_time_passes(fixture.write()).await.is_err(), "the store does not answer");
    let tasks = &fixture.audit.shared.tasks;
    fixture
        .as_time_passes(async {
            while !tasks.is_empty() {
                yield_now().await;
            }
        })
        .await;
    fixture.store.turns.add_permits(1);
    fixture.write().await.unwrap();
    assert_eq!(fixture.sizes(), [1], "no token was given for the record that hung");
}

#[tokio::test]
async fn relaxed_tokens_do_not_wait_and_their_records_are_written() {
    let fixture = Fixture::new(AuditMode::Relaxed);
    fixture.store.torn.store(true, Ordering::SeqCst);
    for _ in 0..10 {
        fixture.audit.write(fixture.record()).await.unwrap();
    }
    fixture.begun().await;
    fixture.store.turns.add_permits(1);
    yield_now().await;
    fixture.store.torn.store(false, Ordering::SeqCst);
    fixture.store.turns.add_permits(1);
    fixture.stop().await;
    assert_eq!(fixture.sizes(), [10]);
}

#[tokio::test]
async fn a_full_queue_refuses_in_strict_mode_and_counts_in_relaxed_mode() {
    let dropped = |fixture: &Fixture| fixture.counted("latchkey_audit_dropped");
    let relaxed = Fixture::new(AuditMode::Relaxed);
    for _ in 0..MAX_WAITING + 3 {
        relaxed.audit.write(relaxed.record()).await.unwrap();
    }
    assert_eq!(dropped(&relaxed), 3);

    let strict = Fixture::new(AuditMode::Strict);
    for _ in 0..MAX_WAITING {
        strict.audit.write_later(strict.record());
    }
    assert_eq!(strict.audit.write(strict.record()).await.unwrap_err().code, model::Code::Unavailable);
    assert_eq!(dropped(&strict), 0);
}

#[tokio::test]
async fn stopping_waits_for_the_store_for_a_limited_time() {
    let fixture = Fixture::new(AuditMode::Relaxed);
    fixture.store.torn.store(true, Ordering::SeqCst);
    fixture.store.turns.add_permits(1000);
    fixture.audit.write_later(fixture.record());
    let began = fixture.clock.now();
    fixture.stop().await;
    let took = fixture.clock.now().since(began);
    assert!(took >= FLUSHED_WITHIN && took < FLUSHED_WITHIN * 2, "{took:?}");
}

#[tokio::test]
async fn in_relaxed_mode_records_accumulate_for_a_moment() {
    let fixture = Fixture::new(AuditMode::Relaxed);
    fixture.store.turns.add_permits(1000);
    fixture.audit.write(fixture.record()).await.unwrap();
    fixture.begun().await;
    for _ in 0..10 {
        fixture.audit.write(fixture.record()).await.unwrap();
        yield_now().await;
    }
    assert_eq!(fixture.sizes(), [1], "the first one at once, and then a pause");
    fixture.stop().await;
    assert_eq!(fixture.sizes(), [1, 10]);
}
