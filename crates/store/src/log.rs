//! What happened to accounts and apps, a line each. A change of state is an event too: the line says which.

use async_trait::async_trait;
use model::{Code, CredentialId, CredentialStatus, LogLineId, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Order, StoreError};

/// What a change that is being written shall be called in the log.
#[derive(Debug, Clone)]
pub struct Note {
    /// Id of the line, and of the event.
    pub id: LogLineId,
    /// When it happened.
    pub at: Timestamp,
    /// In words, for people. Never holds a secret.
    pub message: String,
    /// The failure behind it.
    pub code: Option<Code>,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An account.
    Credential(CredentialId),
    /// An app as a whole.
    App(ZoomOauthAppId),
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its id. Ids grow with time: they are the order, and the cursor.
    pub id: LogLineId,
    /// What it is about.
    pub subject: Subject,
    /// The state that an account came into; `None` for a line that is not an event.
    pub became: Option<CredentialStatus>,
    /// The failure behind it, if this version knows its code.
    pub code: Option<Code>,
    /// In words.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// What a list of lines is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogFilter {
    /// About this account only.
    pub credential: Option<CredentialId>,
    /// About this app itself only.
    pub app: Option<ZoomOauthAppId>,
    /// Later than this.
    pub after: Option<Timestamp>,
    /// Earlier than this.
    pub before: Option<Timestamp>,
    /// Only lines that an account's change of state has left.
    pub events_only: bool,
    /// Which way.
    pub order: Order,
    /// Only what follows this line, in that order: where the page before ended.
    pub beyond: Option<LogLineId>,
}

/// Logs of accounts and apps.
#[async_trait]
pub trait AccountLog {
    /// Adds a line that is no change of state.
    async fn add_log_line(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
        note: &Note,
    ) -> Result<(), StoreError>;

    /// Lines about accounts.
    async fn credential_log(
        &self,
        workspace: WorkspaceId,
        filter: &LogFilter,
        limit: u64,
    ) -> Result<Vec<LogLine>, StoreError>;

    /// Lines about apps.
    async fn app_log(
        &self,
        workspace: WorkspaceId,
        filter: &LogFilter,
        limit: u64,
    ) -> Result<Vec<LogLine>, StoreError>;
}
