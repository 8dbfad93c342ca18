//! Webhook endpoints, and each delivery to them.
//!
//! The events of one subject (a bot, an account) are a queue at each endpoint. Only the first pending delivery has a due
//! time; the others get one when it is finished. So events arrive in order, and finding what is due costs the same however
//! many wait.
//!
//! A worker leases an endpoint, not a delivery: an endpoint that hangs takes one place, however many deliveries wait.

use std::time::Duration;

use async_trait::async_trait;
use model::{
    DeliveryState, EndpointKind, EndpointState, EventId, LeaseToken, Sealed, Timestamp, WebhookEndpointId,
    WorkspaceId,
};
use serde::{Deserialize, Serialize};

use crate::{Event, EventFilter, Lease, NewEvent, StoreError};

/// The longest pause before a delivery is tried again. A later due time was given by a wrong clock, and counts as past.
pub const LONGEST_DELIVERY_PAUSE: Duration = Duration::from_secs(10 * 3600);

/// An address that is told of events.
#[derive(Debug, Clone)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The URL. Sealed: its query may hold a secret.
    pub url: Sealed,
    /// The secrets that sign. Sealed as a whole.
    pub secrets: Sealed,
    /// What it is.
    pub kind: EndpointKind,
    /// Stands for its host: endpoints of one host share a part of the places.
    pub lane: String,
    /// For people.
    pub description: String,
    /// Types of events that are sent to it; all when there is none.
    pub event_types: Vec<String>,
    /// Whether the headers are sent a second time, as `svix-…`.
    pub svix_headers: bool,
    /// Whether it is told.
    pub state: EndpointState,
    /// Since when it is not, and no longer than it is.
    pub disabled_at: Option<Timestamp>,
    /// How it fared.
    pub run: FailureRun,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Failures of an endpoint since it last answered 2xx.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FailureRun {
    /// The first of them.
    pub first_at: Option<Timestamp>,
    /// Since when they count toward switching it off.
    pub counted_from: Option<Timestamp>,
}

/// What is to be changed of an endpoint. `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange {
    /// Another address, and the lane of its host.
    pub url: Option<(Sealed, String)>,
    /// Another description.
    pub description: Option<String>,
    /// Other types of events.
    pub event_types: Option<Vec<String>>,
    /// Whether the headers are sent a second time.
    pub svix_headers: Option<bool>,
    /// Whether events are sent to it. When it is switched on, pending events are sent.
    pub enabled: Option<bool>,
    /// The event for other endpoints, written if this change switches the endpoint off.
    pub switched_off: Option<NewEvent>,
}

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

/// How the places of a worker are shared among hosts.
#[derive(Debug, Clone, Copy)]
pub struct Lanes<'l> {
    /// Lanes that have enough: their endpoints are left for later.
    pub full: &'l [String],
    /// Endpoints of one lane that are claimed at once. An endpoint without a lane counts for itself.
    pub most: u32,
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

/// Endpoints and deliveries.
#[async_trait]
pub trait Webhooks {
    /// Adds an endpoint, unless the workspace has `most` already: then `false`.
    async fn add_webhook_endpoint(&self, endpoint: &WebhookEndpoint, most: u32) -> Result<bool, StoreError>;

    /// An endpoint of the workspace.
    async fn webhook_endpoint(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
    ) -> Result<Option<WebhookEndpoint>, StoreError>;

    /// The workspace's endpoints, the newest first.
    async fn webhook_endpoints(&self, workspace: WorkspaceId) -> Result<Vec<WebhookEndpoint>, StoreError>;

    /// Changes an endpoint. If it is down, it is tried at once. `false`: there is none.
    async fn change_webhook_endpoint(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        change: &EndpointChange,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Replaces its secrets if they still are `old`.
    async fn replace_webhook_secrets(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError>;

    /// Deletes one with its deliveries; `false` when there is none.
    async fn remove_webhook_endpoint(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
    ) -> Result<bool, StoreError>;

    /// Claims up to `tokens.len()` endpoints for which something is due, and answers since when. Workspaces take turns, and
    /// within one the longest due is first. Across tenants: asked by the worker.
    async fn lease_due_endpoints(
        &self,
        tokens: &[LeaseToken],
        lanes: Lanes<'_>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(WebhookEndpoint, Lease, Timestamp)>, StoreError>;

    /// Extends the lease of an endpoint until `expires_at`. Returns its current row; `None` when the lease is lost.
    async fn renew_endpoint(
        &self,
        id: WebhookEndpointId,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> Result<Option<WebhookEndpoint>, StoreError>;

    /// Releases an endpoint. Returns when its next delivery is to be sent.
    async fn release_endpoint(
        &self,
        id: WebhookEndpointId,
        lease: &Lease,
    ) -> Result<Option<Timestamp>, StoreError>;

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
