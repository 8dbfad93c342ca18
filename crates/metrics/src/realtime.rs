//! Real-time endpoints that are told what happens in meetings.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use crate::{DeliveryOutcome, Labels, Metrics, registered};

pub(crate) struct RealtimeSeries {
    attempts: Family<Labels<1>, Counter>,
    failed: Counter,
}

impl RealtimeSeries {
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let attempts: Family<Labels<1>, Counter> = registered(
            registry,
            "realtime_attempts",
            "Attempts to tell a real-time endpoint of an event, and connections to one that failed",
        );
        for outcome in DeliveryOutcome::ALL {
            attempts.get_or_create(&[("outcome", outcome.as_str())]).inc_by(0);
        }
        let about = "Real-time endpoints that were given up after a day of failure";
        Self { attempts, failed: registered(registry, "realtime_endpoints_failed", about) }
    }
}

impl Metrics {
    /// An attempt to tell an endpoint ended.
    pub fn realtime_attempt(&self, outcome: DeliveryOutcome) {
        self.0.realtime.attempts.get_or_create(&[("outcome", outcome.as_str())]).inc();
    }

    /// An endpoint was given up.
    pub fn realtime_endpoint_failed(&self) {
        self.0.realtime.failed.inc();
    }
}
