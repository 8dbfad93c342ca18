//! A manual clock, and an observer that records all counts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use model::{Environment, ManualClock, SeededEntropy, Timestamp};
use workers::Observer;

/// The dependencies of a worker.
pub(crate) struct Installation {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) env: Environment,
    pub(crate) counts: Arc<Counts>,
}

impl Installation {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000)));
        let env = Environment { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
        Self { clock, env, counts: Arc::default() }
    }
}

/// An observer that records all counts.
#[derive(Default)]
pub(crate) struct Counts(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    started: Vec<&'static str>,
    panics: BTreeMap<&'static str, u32>,
    late: Vec<Duration>,
    failed: u32,
}

impl Counts {
    pub(crate) fn started(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().started.clone()
    }

    pub(crate) fn panics(&self, worker: &str) -> u32 {
        self.0.lock().unwrap().panics.get(worker).copied().unwrap_or(0)
    }

    pub(crate) fn late(&self) -> Vec<Duration> {
        self.0.lock().unwrap().late.clone()
    }

    pub(crate) fn failed(&self) -> u32 {
        self.0.lock().unwrap().failed
    }
}

impl Observer for Counts {
    fn started(&self, worker: &'static str) {
        self.0.lock().unwrap().started.push(worker);
    }

    fn claims(&self, worker: &'static str) {
        assert_eq!(worker, "rows", "no other loop claims");
    }

    fn panicked(&self, worker: &'static str) {
        *self.0.lock().unwrap().panics.entry(worker).or_default() += 1;
    }

    fn claimed(&self, _worker: &'static str, late: Duration) {
        self.0.lock().unwrap().late.push(late);
    }

    fn failed(&self, _worker: &'static str) {
        self.0.lock().unwrap().failed += 1;
    }
}

/// Lets every task run as far as it can while the clock stands still.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
