//! The audit: how records reach it.

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{Metrics, histogram, registered};

pub(crate) struct AuditSeries {
    waiting: Gauge,
    batch_records: Histogram,
    write_seconds: Histogram,
    failures: Counter,
    journaled: Counter,
    dropped: Counter,
}

impl AuditSeries {
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        Self {
            waiting: registered(registry, "audit_waiting", "Records that wait to be written"),
            batch_records: histogram(
                registry,
                "audit_batch_records",
                "Records in one transaction of the audit",
                (1.0, 2.0, 10),
            ),
            write_seconds: histogram(
                registry,
                "audit_write_seconds",
                "How long one transaction of the audit took",
                (0.0005, 2.0, 14),
            ),
            failures: registered(registry, "audit_failures", "Tries to write the audit that failed"),
            journaled: registered(
                registry,
                "audit_journaled",
                "Records that were on this server's disk alone because the store was away",
            ),
            dropped: registered(
                registry,
                "audit_dropped",
                "Records that stand in the log instead of the audit",
            ),
        }
    }
}

impl Metrics {
    /// So many records wait to be written to the audit.
    pub fn audit_waiting(&self, records: usize) {
        self.0.audit.waiting.set(i64::try_from(records).unwrap_or(i64::MAX));
    }

    /// A batch of the audit was stored.
    pub fn audit_batch(&self, records: usize, took: Duration) {
        self.0.audit.batch_records.observe(f64::from(u32::try_from(records).unwrap_or(u32::MAX)));
        self.0.audit.write_seconds.observe(took.as_secs_f64());
    }

    /// The audit could not be written.
    pub fn audit_failure(&self) {
        self.0.audit.failures.inc();
    }

    /// So many records are on this server's disk alone.
    pub fn audit_journaled(&self, records: usize) {
        self.0.audit.journaled.inc_by(u64::try_from(records).unwrap_or(u64::MAX));
    }

    /// A record stands in the log instead of the audit.
    pub fn audit_dropped(&self) {
        self.0.audit.dropped.inc();
    }
}
