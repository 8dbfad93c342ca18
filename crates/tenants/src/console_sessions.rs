//! Sessions of the console: a browser signs in with an API key, or with a link that works once.
//!
//! A session has no rights of its own. At each request its key is read again. So a key that is revoked or has expired ends
//! all its sessions on every server at once.

use std::{fmt, sync::Arc, time::Duration};

use model::{Environment, Failure, Secret, Timestamp};
use store::{ApiKey, ConsolePass, ConsoleSession, SessionStore};

use crate::digest;

/// How long a browser stays signed in: a day's work.
pub const SESSION_TTL: Duration = Duration::from_secs(12 * 3600);
/// How long a link is valid.
pub const LINK_TTL: Duration = Duration::from_secs(15 * 60);

/// Signs browsers in and out.
#[derive(Clone)]
pub struct ConsoleSessions {
    store: Arc<dyn SessionStore>,
    env: Environment,
}

/// A signed-in browser.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The key that it signed in with, in its current state.
    pub key: ApiKey,
    /// When the session expires.
    pub until: Timestamp,
}

impl ConsoleSessions {
    /// Uses the sessions of this store.
    pub fn new(store: Arc<dyn SessionStore>, env: Environment) -> Self {
        Self { store, env }
    }

    /// Signs a browser in with a checked key. Returns the token for its cookie.
    pub async fn sign_in(&self, key: &ApiKey) -> Result<Secret, Failure> {
        self.add(key, ConsolePass::Session, SESSION_TTL).await
    }

    /// Creates a token that signs in the first browser that presents it.
    pub async fn make_link(&self, key: &ApiKey) -> Result<Secret, Failure> {
        self.add(key, ConsolePass::Link, LINK_TTL).await
    }

    async fn add(&self, key: &ApiKey, pass: ConsolePass, life: Duration) -> Result<Secret, Failure> {
        let (token, now) = (self.env.entropy.token(), self.env.now());
        let session = ConsoleSession {
            digest: digest(&token),
            pass,
            workspace: key.workspace,
            api_key: key.id,
            created_at: now,
            expires_at: now + life,
        };
        self.store.add_console_session(&session).await?;
        Ok(Secret::new(token))
    }

    /// Signs a browser in with a link, which can't be used again; `None` when it is unknown, used or expired.
    pub async fn open_link(&self, link: &str) -> Result<Option<Secret>, Failure> {
        let (token, now) = (self.env.entropy.token(), self.env.now());
        let opened =
            self.store.open_console_link(&digest(link), &digest(&token), now, now + SESSION_TTL).await?;
        Ok(opened.map(|_| Secret::new(token)))
    }

    /// Whether a link would sign a browser in. The link is not used.
    pub async fn link_is_good(&self, link: &str) -> Result<bool, Failure> {
        Ok(self.good(link, ConsolePass::Link).await?.is_some())
    }

    /// The session of this token. It has 256 random bits, so the timing of looking up its hash leaks nothing useful.
    pub async fn check(&self, token: &str) -> Result<Option<SignedIn>, Failure> {
        self.good(token, ConsolePass::Session).await
    }

    async fn good(&self, token: &str, pass: ConsolePass) -> Result<Option<SignedIn>, Failure> {
        let now = self.env.now();
        let Some((session, key)) = self.store.console_session(&digest(token)).await? else { return Ok(None) };
        let has_ended = key.revoked_at.is_some() || key.expires_at.is_some_and(|end| now >= end);
        if session.pass != pass || now >= session.expires_at || has_ended {
            return Ok(None);
        }
        Ok(Some(SignedIn { key, until: session.expires_at }))
    }

    /// Signs this browser out.
    pub async fn sign_out(&self, token: &str) -> Result<(), Failure> {
        Ok(self.store.end_console_session(&digest(token)).await?)
    }

    /// Signs out every browser that signed in with this key, and ends its links.
    pub async fn sign_out_everywhere(&self, key: &ApiKey) -> Result<u64, Failure> {
        Ok(self.store.end_console_sessions_of(key.id).await?)
    }
}

impl fmt::Debug for ConsoleSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsoleSessions")
    }
}
