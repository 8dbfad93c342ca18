//! Sessions of the console.

use std::str::FromStr;

use async_trait::async_trait;
use model::{ApiKeyId, Timestamp, WorkspaceId};

use crate::{ApiKey, Digest, StoreError};

/// The kind of a console token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsolePass {
    /// A sign-in link: it can be exchanged for a session, once.
    Link,
    /// A session.
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
        known.ok_or_else(|| format!("{text:?} is not a console pass"))
    }
}

/// A signed-in browser, or a sign-in link. It grants no rights itself: each request has the rights of the API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleSession {
    /// Hash of the token.
    pub digest: Digest,
    /// Session or link.
    pub pass: ConsolePass,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The API key whose rights it has.
    pub api_key: ApiKeyId,
    /// When it was made.
    pub created_at: Timestamp,
    /// It is no longer accepted from this time on.
    pub expires_at: Timestamp,
}

/// Sessions of the console.
#[async_trait]
pub trait ConsoleSessions {
    /// Stores a session or a link, and deletes those that had expired when it was made.
    async fn add_console_session(&self, session: &ConsoleSession) -> Result<(), StoreError>;

    /// The session or link with this hash, even if it has expired, and the current state of its key. Across tenants: the
    /// token decides the tenant.
    async fn console_session(&self, digest: &Digest) -> Result<Option<(ConsoleSession, ApiKey)>, StoreError>;

    /// Turns a link that has not expired into a session with the hash `session`. If several callers try, one succeeds.
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
