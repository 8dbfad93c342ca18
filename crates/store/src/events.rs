//! Events, in one stream for each workspace.
//!
//! An event is written in the transaction that changes the state, so it is never lost and never precedes the change. Its
//! sequence number grows by one for each event of the workspace, in the order of the commits. So a reader that has read
//! up to a number has not missed an earlier event.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use model::{
    BotId, CredentialStatus, EventId, StatusChange, SubCode, Timestamp, WorkspaceId, account_event_type,
    bot_event_type,
};
use serde::Serialize;

use crate::{
    Note, StoreError,
    event_bodies::{AccountEvent, AccountOfEvent, BotEvent, BotOfEvent, StateChange},
};

/// An event that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id. Receivers use it to recognize an event that they received before.
    pub id: EventId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its type, such as `bot.done`.
    pub kind: String,
    /// The id of its subject. Events about the same subject are delivered in order.
    pub subject: String,
    /// The body that is sent: JSON. Contains no secret.
    pub body: String,
    /// When it happened.
    pub at: Timestamp,
}

/// An event of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its position in the stream of its workspace. The first is 1.
    pub sequence: i64,
    /// What happened.
    pub event: NewEvent,
}

#[derive(Serialize)]
struct Body<'e, D> {
    event: &'e str,
    data: D,
}

/// The body of an event of this type: `data` is one of [`event_bodies`](crate::event_bodies).
pub fn event_body(kind: &str, data: &impl Serialize) -> String {
    serde_json::to_string(&Body { event: kind, data }).expect("text keys")
}

impl NewEvent {
    /// The event of a bot's step number `step`. The body is as in Recall's API.
    pub fn of_bot(
        workspace: WorkspaceId,
        bot: BotId,
        step: i64,
        metadata: &BTreeMap<String, String>,
        change: &StatusChange,
    ) -> Self {
        let kind = bot_event_type(change.code);
        let became = StateChange {
            code: change.code.as_str(),
            sub_code: change.sub_code.map(SubCode::as_str),
            updated_at: change.created_at,
        };
        let data = BotEvent { data: became, bot: BotOfEvent { id: bot, metadata } };
        // There is one event for each step, and the step has no id.
        let hash = digest(&SHA256, format!("bot {bot} step {step}").as_bytes());
        let id = EventId::of_hash(hash.as_ref()[..16].try_into().expect("a hash has 32 bytes"));
        Self {
            body: event_body(&kind, &data),
            id,
            workspace,
            kind,
            subject: bot.to_string(),
            at: change.created_at,
        }
    }

    /// The event of an account's new state.
    pub fn of_account(
        workspace: WorkspaceId,
        account: &AccountOfEvent,
        status: CredentialStatus,
        note: &Note,
    ) -> Self {
        let (kind, cause) = account_event_type(status);
        let code = kind.rsplit('.').next().unwrap_or_default();
        let sub_code = cause.or_else(|| note.code.map(model::Code::as_str));
        let became = StateChange { code, sub_code, updated_at: note.at };
        let advice = match status {
            CredentialStatus::Healthy => None,
            CredentialStatus::Degraded => note.code.map(model::Code::advice),
            CredentialStatus::NeedsReauth(_) => Some(model::Code::CredentialNeedsConsent.advice()),
            CredentialStatus::Disconnected(_) => Some(model::Code::CredentialDisconnected.advice()),
        };
        let data =
            AccountEvent { data: became, zoom_oauth_credential: account, message: &note.message, advice };
        Self {
            body: event_body(&kind, &data),
            id: note.id.into(),
            workspace,
            kind,
            subject: account.id.to_string(),
            at: note.at,
        }
    }

    /// Any other event: `data` is one of [`event_bodies`](crate::event_bodies).
    pub fn other(
        id: EventId,
        workspace: WorkspaceId,
        (kind, subject): (&str, &dyn ToString),
        data: &impl Serialize,
        at: Timestamp,
    ) -> Self {
        Self {
            body: event_body(kind, data),
            id,
            workspace,
            kind: kind.to_owned(),
            subject: subject.to_string(),
            at,
        }
    }
}

/// The filter of a stream.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only of these types; empty means all.
    pub kinds: Vec<String>,
    /// Only about this subject.
    pub subject: Option<String>,
}

/// Streams of events.
#[async_trait]
pub trait Events {
    /// Adds an event that belongs to no other change, and creates its deliveries.
    async fn add_event(&self, event: &NewEvent) -> Result<(), StoreError>;

    /// Events of the workspace with a sequence number greater than `after`, in order.
    async fn events(
        &self,
        workspace: WorkspaceId,
        after: i64,
        filter: &EventFilter,
        most: u32,
    ) -> Result<Vec<Event>, StoreError>;

    /// The number of the workspace's last event; 0 before the first.
    async fn last_event(&self, workspace: WorkspaceId) -> Result<i64, StoreError>;

    /// Waits until this process has written more than `seen` events, and returns how many it has written. Events of other
    /// processes are not noticed.
    async fn events_written(&self, seen: u64) -> u64;

    /// Deletes events from before `end` with their deliveries, the oldest first and at most `most`; returns how many.
    async fn forget_events(&self, end: Timestamp, most: u32) -> Result<u64, StoreError>;
}
