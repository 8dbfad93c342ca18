//! Deliveries of events to webhook endpoints.
//!
//! The events of one subject (a bot, an account) form a queue at each endpoint. Only the first pending delivery has a due
//! time; the others get one when it is finished. So events arrive in order, and the cost of finding due deliveries does not
//! grow with the number of pending ones.

use std::time::Duration;

use async_trait::async_trait;
use model::{DeliveryState, EventId, Timestamp, WebhookEndpointId, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::{Event, EventFilter, FailureRun, Lease, NewEvent, StoreError};

/// The longest pause before a delivery is retried. A later due time was written by a wrong clock and counts as past.
pub const MAX_DELIVERY_PAUSE: Duration = Duration::from_secs(10 * 3600);

/// How an attempt ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status or the SMTP reply code; `None` without an answer.
    pub status: Option<u16>,
    /// Headers of the answer.
    pub headers: Vec<(String, String)>,
    /// The first 4 KiB of the answer's body. Bytes that are not valid text are replaced.
    pub body: String,
    /// Why the attempt failed, for people.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// The delivery of an event to an endpoint.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event.
    pub event: Event,
    /// The state of the delivery.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When the next attempt is due; `None` while an earlier event of the subject is pending.
    pub due_at: Option<Timestamp>,
    /// When the last attempt was made.
    pub attempted_at: Option<Timestamp>,
    /// How that attempt ended.
    pub answer: Option<Answer>,
}

/// An attempt that was made.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The event.
    pub event: EventId,
    /// When.
    pub at: Timestamp,
    /// How it ended.
    pub answer: Answer,
    /// What follows.
    pub then: AfterAttempt,
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAttempt {
    /// Nothing: the event was delivered.
    Delivered,
    /// A retry at this time.
    Again(Timestamp),
    /// Nothing: no attempts are left.
    GivenUp,
}

/// The effect of the attempts on an endpoint.
#[derive(Debug, Clone)]
pub struct EndpointAfter {
    /// Its failures.
    pub run: FailureRun,
    /// If set, the endpoint is switched off, and this event reports it.
    pub failed: Option<NewEvent>,
    /// It is reachable again: deliveries that wait for a retry are due at once.
    pub is_back: bool,
    /// It is down: nothing is sent before this time, unless a caller requests it.
    pub probe_at: Option<Timestamp>,
}

/// The filter of a list of deliveries.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only of this event.
    pub event: Option<EventId>,
    /// Only of these types and about this subject.
    pub events: EventFilter,
    /// Only deliveries of events before this sequence number.
    pub before: Option<i64>,
}

/// Pending deliveries are counted up to this number. Counting a million every 30 s would delay delivery.
pub const MAX_BACKLOG: u32 = 100_000;

/// The pending deliveries of all workspaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many there are; counted up to [`MAX_BACKLOG`].
    pub pending: u64,
    /// The time of the oldest event among them.
    pub oldest: Option<Timestamp>,
}

/// Deliveries.
#[async_trait]
pub trait Deliveries {
    /// Deliveries to an endpoint that are due, the longest due first, one for each subject. Across tenants: used by the
    /// worker that holds the lease.
    async fn due_deliveries(
        &self,
        endpoint: WebhookEndpointId,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// The delivery to send to an endpoint that is down: the one that became due last, so that a test or a retry does not
    /// wait behind the backlog.
    async fn probe_delivery(
        &self,
        endpoint: WebhookEndpointId,
        now: Timestamp,
    ) -> Result<Option<Delivery>, StoreError>;

    /// Records attempts and their effect on the endpoint, under the lease. `false`, and nothing is written, when the lease
    /// is lost.
    async fn record_attempts(
        &self,
        endpoint: WebhookEndpointId,
        lease: &Lease,
        attempts: &[Attempt],
        after: &EndpointAfter,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Deliveries to an endpoint, newest first.
    async fn deliveries(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookEndpointId,
        filter: &DeliveryFilter,
        most: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Delivers this event to this endpoint alone, whatever its event types are; `false` when there is no such endpoint.
    async fn add_delivery(&self, endpoint: WebhookEndpointId, event: &NewEvent) -> Result<bool, StoreError>;

    /// Delivers an event again, with the full number of attempts; `false` when the endpoint never had a delivery of it.
    async fn retry_delivery(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookEndpointId,
        event: EventId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Delivers the events of `since..until` again, including those that were never delivered to it, if they are of its
    /// types. Returns how many. Does nothing if they are more than `most`. `None`: there is no such endpoint.
    async fn replay_events(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookEndpointId,
        span: (Timestamp, Timestamp),
        most: u32,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError>;

    /// The pending deliveries of all workspaces.
    async fn webhook_backlog(&self) -> Result<Backlog, StoreError>;
}
