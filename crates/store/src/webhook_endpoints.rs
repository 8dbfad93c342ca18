//! Webhook endpoints.
//!
//! A worker leases an endpoint, not a delivery: an endpoint that hangs takes one place, however many deliveries wait.

use async_trait::async_trait;
use model::{EndpointKind, EndpointState, LeaseToken, Sealed, Timestamp, WebhookEndpointId, WorkspaceId};

use crate::{Lease, NewEvent, StoreError};

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

/// How the places of a worker are shared among hosts and workspaces.
#[derive(Debug, Clone, Copy)]
pub struct ClaimLimits<'l> {
    /// ClaimLimits that have enough: their endpoints are left for later.
    pub full: &'l [String],
    /// Workspaces that have enough.
    pub full_workspaces: &'l [WorkspaceId],
    /// Endpoints of one lane, and of one workspace, that are claimed at once. An endpoint without a lane counts for its
    /// workspace alone.
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
