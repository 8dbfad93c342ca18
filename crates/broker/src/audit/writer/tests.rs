use std::{
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Waker},
};

use async_trait::async_trait;
use model::{
    About, AuditId, BotId, Clock as _, CredentialId, ManualClock, Outcome, Purpose, SeededEntropy, Source,
    TokenKind, Who, WorkspaceId,
};
use store::{AuditPage, Pruned, StoreError};
use tokio::{sync::Semaphore, task::yield_now};

use super::*;

/// Takes a batch when it is let, and tells of those that it took.
pub(super) struct Paper {
    pub(super) turns: Semaphore,
    begun: Semaphore,
    pub(super) torn: AtomicBool,
    batches: Mutex<Vec<Vec<AuditBatch>>>,
}

#[async_trait]
impl Audits for Paper {
    async fn append_audit_batches(&self, batches: &[AuditBatch]) -> Result<(), StoreError> {
        self.begun.add_permits(1);
        self.turns.acquire().await.unwrap().forget();
        if self.torn.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("torn".into()));
        }
        self.batches.lock().unwrap().push(batches.to_vec());
        Ok(())
    }

    async fn audit(&self, _: WorkspaceId, _: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        unreachable!("nobody reads here")
    }

    async fn audit_of_all(&self, _: &AuditPage) -> Result<Vec<AuditRecord>, StoreError> {
        unreachable!("nobody reads here")
    }

    async fn prune_audit(&self, _: Timestamp, _: u32) -> Result<Pruned, StoreError> {
        unreachable!("nobody prunes here")
    }
}

pub(super) struct Bench {
    pub(super) audit: Audit,
    pub(super) paper: Arc<Paper>,
    pub(super) clock: Arc<ManualClock>,
}

impl Bench {
    fn new(mode: AuditMode) -> Self {
        Self::with_journal(mode, |_| None)
    }

    pub(super) fn with_journal(
        mode: AuditMode,
        journal: impl FnOnce(Environment) -> Option<Journal>,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000)));
        let env = Environment { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(7)) };
        let paper = Arc::new(Paper {
            turns: Semaphore::new(0),
            begun: Semaphore::new(0),
            torn: AtomicBool::new(false),
            batches: Mutex::default(),
        });
        let journal = journal(env.clone());
        let audit = Audit::new(mode, paper.clone(), journal, Metrics::default(), env, TaskTracker::new());
        Self { audit, paper, clock }
    }

    pub(super) fn record(&self) -> AuditRecord {
        let env = &self.audit.desk.env;
        AuditRecord {
            id: AuditId::generate(env),
            at: env.now(),
            workspace: WorkspaceId::generate(env),
            credential: CredentialId::generate(env),
            kind: TokenKind::Zak,
            who: Who::Bot(BotId::generate(env)),
            from: None,
            why: Purpose::BotJoin,
            outcome: Outcome::Given(Source::Kept),
            about: About::default(),
        }
    }

    /// Asks for a token, and says how it stands: somebody who waits.
    pub(super) fn admit(&self) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + '_>> {
        let mut waiting = Box::pin(self.audit.admit(self.record()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending(), "not before the record is written");
        waiting
    }

    /// The store begins to write, and gets no further.
    pub(super) async fn begun(&self) {
        self.paper.begun.acquire().await.unwrap().forget();
    }

    pub(super) fn sizes(&self) -> Vec<usize> {
        self.paper.batches.lock().unwrap().iter().map(|batches| records(batches)).collect()
    }

    /// The records that the store has, each once.
    pub(super) fn stored(&self) -> Vec<AuditRecord> {
        let batches = self.paper.batches.lock().unwrap();
        let mut records: Vec<_> =
            batches.iter().flatten().flat_map(|batch| batch.unpack().unwrap()).collect();
        records.sort_unstable_by_key(AuditRecord::place);
        records.dedup();
        records
    }

    /// The value of a counter.
    pub(super) fn counted(&self, name: &str) -> usize {
        let text = self.audit.desk.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("_total "));
        line.unwrap().parse().unwrap()
    }

    /// What `work` comes to while time passes.
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

    /// Shuts down: nothing that was to be written is left.
    async fn stop(&self) {
        self.audit.desk.tasks.close();
        self.as_time_passes(self.audit.desk.tasks.wait()).await;
    }
}

#[tokio::test]
async fn the_first_record_goes_at_once_and_those_that_come_meanwhile_go_together() {
    let bench = Bench::new(AuditMode::Strict);
    let first = bench.admit();
    bench.begun().await;
    let others: Vec<_> = (0..99).map(|_| bench.admit()).collect();
    bench.paper.turns.add_permits(100);
    first.await.unwrap();
    for other in others {
        other.await.unwrap();
    }
    assert_eq!(bench.sizes(), [1, 99], "a hundred tokens, two transactions");
    bench.admit().await.unwrap();
    assert_eq!(bench.sizes(), [1, 99, 1], "and after a rest it goes on");
}

#[tokio::test]
async fn a_batch_has_its_bounds() {
    let bench = Bench::new(AuditMode::Strict);
    let waiting: Vec<_> = (0..=MOST_AT_ONCE).map(|_| bench.admit()).collect();
    bench.paper.turns.add_permits(2);
    for token in waiting {
        token.await.unwrap();
    }
    assert_eq!(bench.sizes(), [MOST_AT_ONCE, 1]);
}

#[tokio::test]
async fn without_a_record_there_is_no_token_and_nobody_waits_for_long() {
    let bench = Bench::new(AuditMode::Strict);
    bench.paper.torn.store(true, Ordering::SeqCst);
    bench.paper.turns.add_permits(1000);
    let began = bench.clock.now();
    let refused = bench.as_time_passes(bench.admit()).await.unwrap_err();
    assert_eq!(refused.code, model::Code::Unavailable);
    assert!(bench.clock.now().since(began) < WRITTEN_WITHIN * 2);

    bench.paper.torn.store(false, Ordering::SeqCst);
    bench.as_time_passes(bench.admit()).await.unwrap();
    assert_eq!(bench.sizes(), [1], "nothing is claimed about a token that was not given");
}

#[tokio::test]
async fn a_store_that_stumbles_costs_time_and_no_token() {
    let bench = Bench::new(AuditMode::Strict);
    bench.paper.torn.store(true, Ordering::SeqCst);
    let token = bench.admit();
    bench.begun().await;
    bench.paper.turns.add_permits(1);
    yield_now().await;
    bench.paper.torn.store(false, Ordering::SeqCst);
    bench.paper.turns.add_permits(1);
    bench.as_time_passes(token).await.unwrap();
    assert_eq!(bench.sizes(), [1]);
}

#[tokio::test]
async fn a_connection_that_hangs_is_left() {
    let bench = Bench::new(AuditMode::Strict);
    assert!(bench.as_time_passes(bench.admit()).await.is_err(), "the store says nothing at all");
    let tasks = &bench.audit.desk.tasks;
    bench
        .as_time_passes(async {
            while !tasks.is_empty() {
                yield_now().await;
            }
        })
        .await;
    bench.paper.turns.add_permits(1);
    bench.admit().await.unwrap();
    assert_eq!(bench.sizes(), [1], "the record that hung was of no token");
}

#[tokio::test]
async fn relaxed_tokens_do_not_wait_and_their_records_are_kept() {
    let bench = Bench::new(AuditMode::Relaxed);
    bench.paper.torn.store(true, Ordering::SeqCst);
    for _ in 0..10 {
        bench.audit.admit(bench.record()).await.unwrap();
    }
    bench.begun().await;
    bench.paper.turns.add_permits(1);
    yield_now().await;
    bench.paper.torn.store(false, Ordering::SeqCst);
    bench.paper.turns.add_permits(1);
    bench.stop().await;
    assert_eq!(bench.sizes(), [10]);
}

#[tokio::test]
async fn a_line_that_is_too_long_refuses_when_strict_and_counts_when_relaxed() {
    let dropped = |bench: &Bench| bench.counted("latchkey_audit_dropped");
    let relaxed = Bench::new(AuditMode::Relaxed);
    for _ in 0..MOST_WAITING + 3 {
        relaxed.audit.admit(relaxed.record()).await.unwrap();
    }
    assert_eq!(dropped(&relaxed), 3);

    let strict = Bench::new(AuditMode::Strict);
    for _ in 0..MOST_WAITING {
        strict.audit.note(strict.record());
    }
    assert_eq!(strict.audit.admit(strict.record()).await.unwrap_err().code, model::Code::Unavailable);
    assert_eq!(dropped(&strict), 0);
}

#[tokio::test]
async fn stopping_waits_for_the_store_and_not_for_ever() {
    let bench = Bench::new(AuditMode::Relaxed);
    bench.paper.torn.store(true, Ordering::SeqCst);
    bench.paper.turns.add_permits(1000);
    bench.audit.note(bench.record());
    let began = bench.clock.now();
    bench.stop().await;
    let took = bench.clock.now().since(began);
    assert!(took >= FLUSHED_WITHIN && took < FLUSHED_WITHIN * 2, "{took:?}");
}

#[tokio::test]
async fn where_nobody_waits_records_gather_for_a_moment() {
    let bench = Bench::new(AuditMode::Relaxed);
    bench.paper.turns.add_permits(1000);
    bench.audit.admit(bench.record()).await.unwrap();
    bench.begun().await;
    for _ in 0..10 {
        bench.audit.admit(bench.record()).await.unwrap();
        yield_now().await;
    }
    assert_eq!(bench.sizes(), [1], "the first at once, and then a pause");
    bench.stop().await;
    assert_eq!(bench.sizes(), [1, 10]);
}
