//! What Zoom has told us: each event taken in once, with what it ends, and what is left to be done about it.

use async_trait::async_trait;
use model::{CredentialId, DisconnectCause, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Digest, MeetingNews, Note, StoreError, ZoomOauthApp};

/// A webhook that was taken in. Its body is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoomEvent {
    /// Digest of the app and the raw body: Zoom gives events no id, and sends the same bytes again.
    pub key: Digest,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The app that was told.
    pub app: ZoomOauthAppId,
    /// Zoom's name of the event.
    pub name: String,
    /// The account that it ended, and of which more has to be erased than the store holds.
    pub ended: Option<CredentialId>,
    /// When it came.
    pub received_at: Timestamp,
}

/// The end of an account that an event brings.
#[derive(Debug, Clone)]
pub struct Disconnection {
    /// The account.
    pub credential: CredentialId,
    /// Why.
    pub cause: DisconnectCause,
    /// Somebody who has consented since has given another grant than the event is about, and it stays.
    pub unless_consented_after: Option<Timestamp>,
    /// What it is called in the log.
    pub note: Note,
}

/// An event as one registration of its app takes it in, and what it brings about there.
#[derive(Debug, Clone)]
pub struct ReceivedEvent<'a> {
    /// The event, its `ended` aside.
    pub event: ZoomEvent,
    /// The account of the registration that ends.
    pub disconnection: Option<Disconnection>,
    /// What changes of what is known of meetings.
    pub news: Option<&'a MeetingNews>,
}

/// What taking in an event came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It was known: nothing has changed.
    Known,
    /// It is noted, and there is nothing more to do.
    Noted,
    /// It is noted, and the account's tokens are gone with it. It waits for
    /// [`finish_zoom_event`](ReceivedEvents::finish_zoom_event).
    Ended,
}

/// Webhooks that Zoom sent.
#[async_trait]
pub trait ReceivedEvents {
    /// Zoom's id of the app whose webhooks come to the address of this registration, which may have been removed since.
    async fn webhook_client_id(&self, id: ZoomOauthAppId) -> Result<Option<String>, StoreError>;

    /// Every registration of an app that was not removed, in the order of their ids. Across tenants: the webhook's
    /// signature decides which of them are told.
    async fn registrations(&self, client_id: &str) -> Result<Vec<ZoomOauthApp>, StoreError>;

    /// Remembers that Zoom has validated the app's webhook address.
    async fn note_webhook_validation(&self, id: ZoomOauthAppId, now: Timestamp) -> Result<(), StoreError>;

    /// Notes an event for each registration and brings about what it means there: all in one transaction, and each once. An
    /// account ends as by [`disconnect_credential`](crate::Credentials::disconnect_credential). News of meetings reach the
    /// host's own accounts in the workspace, and the server-to-server accounts of the host's Zoom account. To be given in
    /// the order of the registrations' ids, so that two deliveries don't wait for each other in a circle; answered in the
    /// same order.
    async fn receive_zoom_events(&self, events: &[ReceivedEvent<'_>]) -> Result<Vec<Received>, StoreError>;

    /// Up to `limit` events that wait to be finished, the oldest first. Across tenants: asked by whoever erases.
    async fn unfinished_zoom_events(&self, limit: u32) -> Result<Vec<ZoomEvent>, StoreError>;

    /// Accounts that events ended from `since` on. Across tenants: what a process keeps in memory of them has to go.
    async fn accounts_ended_since(&self, since: Timestamp) -> Result<Vec<CredentialId>, StoreError>;

    /// Everything about it is done; `false` when it was already.
    async fn finish_zoom_event(&self, key: &Digest) -> Result<bool, StoreError>;

    /// Removes finished events that came before `end`, and says how many. One that comes again later would be new.
    async fn forget_zoom_events(&self, end: Timestamp) -> Result<u64, StoreError>;
}
