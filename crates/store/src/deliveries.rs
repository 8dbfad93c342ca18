//! Deliveries of events to webhook endpoints.
//!
//! The events of one subject (a bot, an account) are a queue at each endpoint. Only the first pending delivery has a due
//! time; the others get one when it is finished. So events arrive in order, and finding what is due costs the same however
//! many wait.

use std::time::Duration;

use async_trait::async_trait;
use model::{DeliveryState, EventId, Timestamp, WebhookEndpointId, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::{Event, EventFilter, FailureRun, Lease, NewEvent, StoreError};

/// The longest pause before a delivery is tried again. A later due time was given by a wrong clock, and counts as past.
pub const LONGEST_DELIVERY_PAUSE: Duration = Duration::from_secs(10 * 3600);

/// How an attempt ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// HTTP's status, or the code of SMTP's reply; nothing when none came.
    pub status: Option<u16>,
    /// Headers of the answer.
    pub headers: Vec<(String, String)>,
    /// The first 4 KiB of it. Bytes that are no text are replaced.
    pub body: String,
    /// Why the attempt failed, in words.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// The delivery of an event to an endpoint.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What is delivered.
    pub event: Event,
    /// How it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When the next is due; nothing while another event of the subject is before it.
    pub due_at: Option<Timestamp>,
    /// When the last attempt was made.
    pub attempted_at: Option<Timestamp>,
    /// How that ended.
    pub answer: Option<Answer>,
}

/// An attempt that was made.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Of which event.
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
    /// Nothing: it arrived.
    Delivered,
    /// Another attempt.
    Again(Timestamp),
    /// Nothing: no attempt is left.
    GivenUp,
}

/// The effect of the attempts on an endpoint.
#[derive(Debug, Clone)]
pub struct EndpointAfter {
    /// Its failures.
    pub run: FailureRun,
    /// It is switched off, and this event says so.
    pub failed: Option<NewEvent>,
    /// It is reachable again: deliveries that wait for another attempt are due at once.
    pub is_back: bool,
    /// It is down: nothing is sent before this time, unless a caller asks for it.
    pub probe_at: Option<Timestamp>,
}

/// What a list of deliveries is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// In this state.
    pub state: Option<DeliveryState>,
    /// Of this event.
    pub event: Option<EventId>,
    /// Of these types, about this.
    pub events: EventFilter,
    /// Only what comes before this number.
    pub before: Option<i64>,
}

/// Deliveries that wait are counted up to this number: to count a million of them each half a minute would delay them.
pub const MAX_BACKLOG: u32 = 100_000;

/// What waits to be delivered, of all workspaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many deliveries; no more are counted than [`MAX_BACKLOG`].
    pub pending: u64,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
}

/// Deliveries.
#[async_trait]
pub trait Deliveries {
    /// Deliveries to an endpoint that are due, the longest due first, one of each subject. Across tenants: asked by the
    /// worker that holds the lease.
    async fn due_deliveries(
        &self,
        endpoint: WebhookEndpointId,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// The delivery to send to an endpoint that is down: the one that became due last, so that a test or a retry does not wait
    /// behind the backlog.
    async fn probe_delivery(
        &self,
        endpoint: WebhookEndpointId,
        now: Timestamp,
    ) -> Result<Option<Delivery>, StoreError>;

    /// Writes down attempts under the lease, and what becomes of the endpoint. `false`, and nothing is written, when the
    /// lease is lost.
    async fn record_attempts(
        &self,
        endpoint: WebhookEndpointId,
        lease: &Lease,
        attempts: &[Attempt],
        after: &EndpointAfter,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Deliveries to an endpoint, the newest first.
    async fn deliveries(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookEndpointId,
        filter: &DeliveryFilter,
        most: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Delivers this event to this endpoint alone, whatever that listens to; `false` when there is no such endpoint.
    async fn add_delivery(&self, endpoint: WebhookEndpointId, event: &NewEvent) -> Result<bool, StoreError>;

    /// Delivers an event again, with all attempts; `false` when it was never delivered to the endpoint.
    async fn retry_delivery(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookEndpointId,
        event: EventId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Delivers events of `since..until` again, also those that were never delivered to it, if they are of its types.
    /// Returns how many. Nothing is done if they are more than `most`. `None`: there is no such endpoint.
    async fn replay_events(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookEndpointId,
        span: (Timestamp, Timestamp),
        most: u32,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError>;

    /// What waits, of all workspaces.
    async fn webhook_backlog(&self) -> Result<Backlog, StoreError>;
}
