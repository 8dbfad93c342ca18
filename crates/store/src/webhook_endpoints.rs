//! Webhook endpoints.
//!
//! A worker leases an endpoint, not a delivery: an endpoint that hangs takes one slot, however many deliveries are pending.

use async_trait::async_trait;
use model::{EndpointKind, EndpointState, LeaseToken, Sealed, Timestamp, WebhookEndpointId, WorkspaceId};

use crate::{Lease, NewEvent, StoreError};

/// An address to which events are delivered.
#[derive(Debug, Clone)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The URL. Sealed: its query may contain a secret.
    pub url: Sealed,
    /// The signing secrets. Sealed as a whole.
    pub secrets: Sealed,
    /// Its kind.
    pub kind: EndpointKind,
    /// Identifies its host: the endpoints of one host share a part of a worker's slots.
    pub lane: String,
    /// For people.
    pub description: String,
    /// Types of events that are sent to it; empty means all.
    pub event_types: Vec<String>,
    /// Whether the headers are sent a second time, as `svix-…`.
    pub svix_headers: bool,
    /// Whether events are sent to it.
    pub state: EndpointState,
    /// Since when it is switched off; `None` while it is enabled.
    pub disabled_at: Option<Timestamp>,
    /// Its failures since the last success.
    pub run: FailureRun,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Failures of an endpoint since it last answered 2xx.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FailureRun {
    /// The first of them.
    pub first_at: Option<Timestamp>,
    /// From when they count towards switching the endpoint off.
    pub counted_from: Option<Timestamp>,
}

/// The changes of an endpoint. A field that is `None` stays as it is.
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

/// How the slots of a worker are shared among hosts and workspaces.
#[derive(Debug, Clone, Copy)]
pub struct ClaimLimits<'l> {
    /// Lanes that have used their share: their endpoints are not claimed now.
    pub full: &'l [String],
    /// Workspaces that have used their share.
    pub full_workspaces: &'l [WorkspaceId],
    /// The maximum number of endpoints of one lane, and of one workspace, that are claimed at once. An endpoint without a
    /// lane counts for its workspace alone.
    pub most: u32,
}

/// Endpoints.
#[async_trait]
pub trait WebhookEndpoints {
    /// Adds an endpoint, unless the workspace has `most` already: then `false`.
    async fn add_webhook_endpoint(&self, endpoint: &WebhookEndpoint, most: u32) -> Result<bool, StoreError>;

    /// An endpoint of the workspace.
    async fn webhook_endpoint(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
    ) -> Result<Option<WebhookEndpoint>, StoreError>;

    /// The workspace's endpoints, newest first.
    async fn webhook_endpoints(&self, workspace: WorkspaceId) -> Result<Vec<WebhookEndpoint>, StoreError>;

    /// Changes an endpoint. If it is down, it is tried at once. `false`: there is none.
    async fn change_webhook_endpoint(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        change: &EndpointChange,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Replaces its secrets if they are still `old`.
    async fn replace_webhook_secrets(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError>;

    /// Deletes an endpoint with its deliveries; `false` when there is none.
    async fn remove_webhook_endpoint(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
    ) -> Result<bool, StoreError>;

    /// Claims up to `tokens.len()` endpoints with due deliveries, and returns since when each is due. Workspaces take turns,
    /// and within one the longest due comes first. Across tenants: used by the worker.
    async fn lease_due_endpoints(
        &self,
        tokens: &[LeaseToken],
        limits: ClaimLimits<'_>,
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
}
