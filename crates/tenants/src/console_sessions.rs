//! Sessions of the console: a browser signs in with an API key, or with a link that opens once.
//!
//! A session holds no right of its own. At each request its key is read again, so a key that is revoked, or has ended, ends
//! what was signed in with it on every server at once.

use std::{fmt, sync::Arc, time::Duration};

use model::{Environment, Failure, Secret, Timestamp};
use store::{ApiKey, ConsolePass, ConsoleSession, SessionStore};

use crate::digest;

/// How long a browser stays signed in: a day's work.
pub const SESSION_TTL: Duration = Duration::from_secs(12 * 3600);
/// How long a link can be opened.
pub const LINK_TTL: Duration = Duration::from_secs(15 * 60);

/// Signs browsers in and out.
#[derive(Clone)]
pub struct ConsoleSessions {
    store: Arc<dyn SessionStore>,
    env: Environment,
}

/// A browser that is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// With which key, as it is now.
    pub key: ApiKey,
    /// Until when.
    pub until: Timestamp,
}

impl ConsoleSessions {
    /// Those of this store.
    pub fn new(store: Arc<dyn SessionStore>, env: Environment) -> Self {
        Self { store, env }
    }

    /// Signs a browser in with a key that was checked. The token is for its cookie.
    pub async fn sign_in(&self, key: &ApiKey) -> Result<Secret, Failure> {
        self.add(key, ConsolePass::Session, SESSION_TTL).await
    }

    /// A token that signs in the first browser that shows it.
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

    /// Signs a browser in with a link, which is used up; `None` when it is unknown, used or has ended.
    pub async fn open_link(&self, link: &str) -> Result<Option<Secret>, Failure> {
        let (token, now) = (self.env.entropy.token(), self.env.now());
        let opened =
            self.store.open_console_link(&digest(link), &digest(&token), now, now + SESSION_TTL).await?;
        Ok(opened.map(|_| Secret::new(token)))
    }

    /// Whether a link would sign a browser in. It is not used up.
    pub async fn link_is_good(&self, link: &str) -> Result<bool, Failure> {
        Ok(self.good(link, ConsolePass::Link).await?.is_some())
    }

    /// Who is signed in with this token. It has 256 random bits, so looking its hash up leaks nothing worth timing.
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

    /// Signs out every browser that came with this key, and ends its links.
    pub async fn sign_out_everywhere(&self, key: &ApiKey) -> Result<u64, Failure> {
        Ok(self.store.end_console_sessions_of(key.id).await?)
    }
}

impl fmt::Debug for ConsoleSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsoleSessions")
    }
}
