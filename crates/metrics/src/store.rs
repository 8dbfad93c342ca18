//! Metrics of the store.

use std::time::Duration;

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use store::StoreObserver;

use crate::{Labels, Metrics, registered};

pub(crate) struct StoreSeries {
    seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    failures: Family<Labels<1>, Counter>,
    collisions: Family<Labels<1>, Counter>,
    connections: Family<Labels<2>, Gauge>,
}

impl StoreSeries {
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(0.0005, 4.0, 8));
        let seconds = Family::new_with_constructor(buckets);
        registry.register(
            "store_transaction_seconds",
            "How long a transaction of the store took, including the wait for a connection",
            seconds.clone(),
        );
        let series = Self {
            seconds,
            failures: registered(registry, "store_transaction_failures", "Transactions that failed"),
            collisions: registered(
                registry,
                "store_transaction_collisions",
                "Transactions that conflicted with another one and were retried",
            ),
            connections: registered(registry, "store_connections", "Connections to the database"),
        };
        // Other series appear with their first transaction.
        drop(series.seconds.get_or_create(&[("transaction", "probe")]));
        series.failures.get_or_create(&[("transaction", "probe")]).inc_by(0);
        series.collisions.get_or_create(&[("transaction", "probe")]).inc_by(0);
        for pool in ["readers", "writer", "audit"] {
            for state in ["lent", "open"] {
                series.connections.get_or_create(&[("pool", pool), ("state", state)]).set(0);
            }
        }
        series
    }
}

impl StoreObserver for Metrics {
    fn transaction(&self, name: &'static str, took: Duration, succeeded: bool) {
        let series = &self.0.store;
        series.seconds.get_or_create(&[("transaction", name)]).observe(took.as_secs_f64());
        series.failures.get_or_create(&[("transaction", name)]).inc_by(u64::from(!succeeded));
    }

    fn collision(&self, name: &'static str) {
        self.0.store.collisions.get_or_create(&[("transaction", name)]).inc();
    }

    fn connections(&self, pool: &'static str, lent: u32, open: u32) {
        let gauge =
            |state| self.0.store.connections.get_or_create(&[("pool", pool), ("state", state)]).clone();
        gauge("lent").set(i64::from(lent));
        gauge("open").set(i64::from(open));
    }
}
