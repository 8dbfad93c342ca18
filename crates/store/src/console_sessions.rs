//! Sessions of the console.

use std::str::FromStr;

use async_trait::async_trait;
use model::{ApiKeyId, Timestamp, WorkspaceId};

use crate::{ApiKey, Digest, StoreError};

/// What a token of the console is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsolePass {
    /// It becomes a session, once.
    Link,
    /// It is one.
    Session,
}

impl ConsolePass {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Session => "session",
        }
    }
}

impl FromStr for ConsolePass {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Link, Self::Session].into_iter().find(|pass| pass.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is no pass of the console"))
    }
}

/// A browser that has signed in, or a link with which one may. It gives no right of its own: the key decides at each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleSession {
    /// Hash of the token.
    pub digest: Digest,
    /// Session or link.
    pub pass: ConsolePass,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The key with which it does what it does.
    pub api_key: ApiKeyId,
    /// When it was made.
    pub created_at: Timestamp,
    /// It is no longer accepted from this time on.
    pub expires_at: Timestamp,
}

/// Sessions of the console.
#[async_trait]
pub trait ConsoleSessions {
    /// Stores a session or a link, and deletes those that had ended when it was made.
    async fn add_console_session(&self, session: &ConsoleSession) -> Result<(), StoreError>;

    /// The session or link with this hash, even if it has ended, and its key as it is now. Across tenants: the token decides
    /// the tenant.
    async fn console_session(&self, digest: &Digest) -> Result<Option<(ConsoleSession, ApiKey)>, StoreError>;

    /// Turns a link that has not ended into a session with the hash `session`. Of several callers one gets it.
    async fn open_console_link(
        &self,
        link: &Digest,
        session: &Digest,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Option<ConsoleSession>, StoreError>;

    /// Ends a session or a link.
    async fn end_console_session(&self, digest: &Digest) -> Result<(), StoreError>;

    /// Ends all sessions and links of a key; returns how many there were.
    async fn end_console_sessions_of(&self, key: ApiKeyId) -> Result<u64, StoreError>;
}
