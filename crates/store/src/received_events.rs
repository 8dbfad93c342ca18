//! Webhooks from Zoom: each is processed once, in one transaction with its effects. Some need further
//! work afterwards.

use async_trait::async_trait;
use model::{CredentialId, DisconnectCause, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Digest, MeetingWebhookChange, Note, StoreError, ZoomOauthApp};

/// A webhook that was received. Its body is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoomEvent {
    /// Digest of the app and the raw body: Zoom gives events no id and repeats the same bytes.
    pub key: Digest,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The registration of the app.
    pub app: ZoomOauthAppId,
    /// Zoom's name for the event.
    pub name: String,
    /// The account that it ended, if its tokens must still be erased outside the store.
    pub ended: Option<CredentialId>,
    /// When it was received.
    pub received_at: Timestamp,
}

/// The end of an account through an event.
#[derive(Debug, Clone)]
pub struct Disconnection {
    /// The account.
    pub credential: CredentialId,
    /// Why.
    pub cause: DisconnectCause,
    /// A consent after this time is newer than the event; that account stays connected.
    pub unless_consented_after: Option<Timestamp>,
    /// The line for the account's log.
    pub note: Note,
}

/// An event for one registration of its app, with its effects there.
#[derive(Debug, Clone)]
pub struct ReceivedEvent<'a> {
    /// The event; its `ended` is ignored.
    pub event: ZoomEvent,
    /// The account of this registration that ends.
    pub disconnection: Option<Disconnection>,
    /// The change of known meetings.
    pub news: Option<&'a MeetingWebhookChange>,
}

/// The result of receiving an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It was known already: nothing changed.
    Known,
    /// It is recorded and finished.
    Noted,
    /// It is recorded and the account's tokens are erased. It waits for
    /// [`finish_zoom_event`](ReceivedEvents::finish_zoom_event).
    Ended,
}

/// Webhooks from Zoom.
#[async_trait]
pub trait ReceivedEvents {
    /// Zoom's id of the app that sends its webhooks to this registration's URL. The registration
    /// may have been removed since.
    async fn webhook_client_id(&self, id: ZoomOauthAppId) -> Result<Option<String>, StoreError>;

    /// Every registration of an app that was not removed, sorted by id. Across tenants: the
    /// webhook's signature decides which of them receive it.
    async fn registrations(&self, client_id: &str) -> Result<Vec<ZoomOauthApp>, StoreError>;

    /// Records that Zoom has validated the app's webhook URL.
    async fn note_webhook_validation(&self, id: ZoomOauthAppId, now: Timestamp) -> Result<(), StoreError>;

    /// Records an event for each registration together with its effects there, in one transaction
    /// and each once. An account ends as by
    /// [`disconnect_credential`](crate::Credentials::disconnect_credential). Changes of meetings apply
    /// to the host's own accounts in the workspace, and to the server-to-server accounts of the
    /// host's Zoom account. Events and results are in the order of the registrations' ids, so that
    /// two deliveries can't deadlock.
    async fn receive_zoom_events(&self, events: &[ReceivedEvent<'_>]) -> Result<Vec<Received>, StoreError>;

    /// Up to `limit` events that wait to be finished, oldest first. Across tenants: used by the
    /// worker that erases.
    async fn unfinished_zoom_events(&self, limit: u32) -> Result<Vec<ZoomEvent>, StoreError>;

    /// Accounts that events ended since `since`. Across tenants: each process removes them from its
    /// caches.
    async fn accounts_ended_since(&self, since: Timestamp) -> Result<Vec<CredentialId>, StoreError>;

    /// Marks an event as finished; `false` when it already was.
    async fn finish_zoom_event(&self, key: &Digest) -> Result<bool, StoreError>;

    /// Deletes finished events that were received before `end`; returns how many. A later
    /// repetition counts as new.
    async fn forget_zoom_events(&self, end: Timestamp) -> Result<u64, StoreError>;
}
