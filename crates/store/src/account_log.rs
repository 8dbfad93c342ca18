//! The log of accounts and apps, one line for each event. A change of state is a line that names
//! the new state.

use async_trait::async_trait;
use model::{Code, CredentialId, CredentialStatus, LogLineId, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Order, StoreError};

/// The log line of a change. It is written in the change's transaction.
#[derive(Debug, Clone)]
pub struct Note {
    /// Id of the line, and of the event.
    pub id: LogLineId,
    /// When it happened.
    pub at: Timestamp,
    /// The message, for people. Never contains a secret.
    pub message: String,
    /// The error code behind it.
    pub code: Option<Code>,
}

/// The subject of a line.
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
    /// Its id. Ids grow with time, so they are both order and cursor.
    pub id: LogLineId,
    /// What it is about.
    pub subject: Subject,
    /// The new state of the account; `None` if the line is not a change of state.
    pub became: Option<CredentialStatus>,
    /// The error code behind it, if this version knows it.
    pub code: Option<Code>,
    /// The message.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// The filter of a list of lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogFilter {
    /// Only lines of this account.
    pub credential: Option<CredentialId>,
    /// Only lines of this app itself.
    pub app: Option<ZoomOauthAppId>,
    /// After this.
    pub after: Option<Timestamp>,
    /// Before this.
    pub before: Option<Timestamp>,
    /// Only changes of state of accounts.
    pub events_only: bool,
    /// The order.
    pub order: Order,
    /// Only lines after this one in that order: the last line of the previous page.
    pub beyond: Option<LogLineId>,
}

/// Logs of accounts and apps.
#[async_trait]
pub trait AccountLog {
    /// Adds a line that is not a change of state.
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
