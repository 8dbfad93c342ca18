//! Metrics of deliveries to real-time endpoints.

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
            "Attempts to deliver an event to a real-time endpoint, and failed connections to one",
        );
        for outcome in DeliveryOutcome::ALL {
            attempts.get_or_create(&[("outcome", outcome.as_str())]).inc_by(0);
        }
        let about = "Real-time endpoints that receive no more events after a day of failures";
        Self { attempts, failed: registered(registry, "realtime_endpoints_failed", about) }
    }
}

impl Metrics {
    /// Counts an attempt to deliver an event, or a failed connection.
    pub fn realtime_attempt(&self, outcome: DeliveryOutcome) {
        self.0.realtime.attempts.get_or_create(&[("outcome", outcome.as_str())]).inc();
    }

    /// Counts an endpoint that receives no more events because of failures.
    pub fn realtime_endpoint_failed(&self) {
        self.0.realtime.failed.inc();
    }
}
