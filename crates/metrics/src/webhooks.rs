//! Metrics of deliveries to webhook endpoints.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{Labels, Metrics, registered};

/// How an attempt to deliver an event ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The endpoint responded with a 2xx status.
    Delivered,
    /// The endpoint responded with a redirect, which is not followed.
    Redirect,
    /// The endpoint responded with another status.
    Refused,
    /// There was no response in time.
    Timeout,
    /// There was no connection.
    Unreachable,
    /// The operator does not allow requests to this address.
    Forbidden,
}

impl DeliveryOutcome {
    pub(crate) const ALL: [Self; 6] =
        [Self::Delivered, Self::Redirect, Self::Refused, Self::Timeout, Self::Unreachable, Self::Forbidden];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Redirect => "redirect",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Forbidden => "forbidden",
        }
    }
}

pub(crate) struct WebhookSeries {
    attempts: Family<Labels<1>, Counter>,
    pending: Gauge,
    oldest_seconds: Gauge,
    disabled: Counter,
}

impl WebhookSeries {
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let attempts: Family<Labels<1>, Counter> =
            registered(registry, "webhook_attempts", "Attempts to deliver an event to an endpoint");
        for outcome in DeliveryOutcome::ALL {
            attempts.get_or_create(&[("outcome", outcome.as_str())]).inc_by(0);
        }
        Self {
            attempts,
            pending: registered(registry, "webhook_pending", "Pending deliveries of enabled endpoints"),
            oldest_seconds: registered(
                registry,
                "webhook_oldest_pending_seconds",
                "Age of the oldest event that has a pending delivery",
            ),
            disabled: registered(
                registry,
                "webhook_endpoints_disabled",
                "Endpoints that were disabled after five days of failures",
            ),
        }
    }
}

impl Metrics {
    /// Counts an attempt to deliver an event.
    pub fn webhook_attempt(&self, outcome: DeliveryOutcome) {
        self.0.webhooks.attempts.get_or_create(&[("outcome", outcome.as_str())]).inc();
    }

    /// Sets how many deliveries are pending, and the age of the oldest one in seconds.
    pub fn webhook_backlog(&self, pending: u64, oldest_seconds: u64) {
        self.0.webhooks.pending.set(i64::try_from(pending).unwrap_or(i64::MAX));
        self.0.webhooks.oldest_seconds.set(i64::try_from(oldest_seconds).unwrap_or(i64::MAX));
    }

    /// Counts an endpoint that was disabled because of failures.
    pub fn webhook_endpoint_disabled(&self) {
        self.0.webhooks.disabled.inc();
    }
}
