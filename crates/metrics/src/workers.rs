//! Metrics of background loops.

use std::time::Duration;

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use workers::Observer;

use crate::{Labels, Metrics, registered};

pub(crate) struct WorkerSeries {
    panics: Family<Labels<1>, Counter>,
    failures: Family<Labels<1>, Counter>,
    late_seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
}

impl WorkerSeries {
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(0.1, 4.0, 8));
        let late_seconds = Family::new_with_constructor(buckets);
        registry.register(
            "worker_late_seconds",
            "How long after it was due an item was claimed by a background loop",
            late_seconds.clone(),
        );
        Self {
            panics: registered(registry, "worker_panics", "Panics in background loops, which restart"),
            failures: registered(registry, "worker_failures", "Items of background loops that failed"),
            late_seconds,
        }
    }
}

impl Observer for Metrics {
    fn started(&self, worker: &'static str) {
        self.0.workers.panics.get_or_create(&[("worker", worker)]).inc_by(0);
    }

    fn claims(&self, worker: &'static str) {
        self.0.workers.failures.get_or_create(&[("worker", worker)]).inc_by(0);
        drop(self.0.workers.late_seconds.get_or_create(&[("worker", worker)]));
    }

    fn panicked(&self, worker: &'static str) {
        self.0.workers.panics.get_or_create(&[("worker", worker)]).inc();
    }

    fn claimed(&self, worker: &'static str, late: Duration) {
        self.0.workers.late_seconds.get_or_create(&[("worker", worker)]).observe(late.as_secs_f64());
    }

    fn failed(&self, worker: &'static str) {
        self.0.workers.failures.get_or_create(&[("worker", worker)]).inc();
    }
}
