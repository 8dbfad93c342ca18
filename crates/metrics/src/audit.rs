//! Metrics of writes to the audit.

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
            waiting: registered(registry, "audit_waiting", "Records that wait to be written to the audit"),
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
            failures: registered(registry, "audit_failures", "Failed writes to the audit"),
            journaled: registered(
                registry,
                "audit_journaled",
                "Records that were stored only on this server's disk because the store was unavailable",
            ),
            dropped: registered(
                registry,
                "audit_dropped",
                "Records that were written to the server's log instead of the audit",
            ),
        }
    }
}

impl Metrics {
    /// Sets how many records wait to be written to the audit.
    pub fn audit_waiting(&self, records: usize) {
        self.0.audit.waiting.set(i64::try_from(records).unwrap_or(i64::MAX));
    }

    /// Records a stored batch: its size, and how long its transaction took.
    pub fn audit_batch(&self, records: usize, took: Duration) {
        self.0.audit.batch_records.observe(f64::from(u32::try_from(records).unwrap_or(u32::MAX)));
        self.0.audit.write_seconds.observe(took.as_secs_f64());
    }

    /// Counts a failed write to the audit.
    pub fn audit_failure(&self) {
        self.0.audit.failures.inc();
    }

    /// Counts records that are stored only on this server's disk.
    pub fn audit_journaled(&self, records: usize) {
        self.0.audit.journaled.inc_by(u64::try_from(records).unwrap_or(u64::MAX));
    }

    /// Counts a record that was written to the server's log instead of the audit.
    pub fn audit_dropped(&self) {
        self.0.audit.dropped.inc();
    }
}
