//! Lines in an account's log about tokens that a link could not give.
//!
//! A platform that gets no token may still let its bot join anonymously. So the account's log reports refusals to the
//! owner, but not each one.

use std::{sync::Arc, time::Duration};

use broker::ExpiringMap;
use model::{Code, CredentialId, Environment, Failure, LogLineId, Timestamp, TokenKind, chain};
use store::{AccountLog, Note, Subject, TokenLink};

/// The same failure of an account is logged once in this time.
const INTERVAL: Duration = Duration::from_secs(15 * 60);

/// Writes refusals to the logs of accounts.
pub(crate) struct AccountRefusalLog {
    store: Arc<dyn AccountLog + Send + Sync>,
    env: Environment,
    /// When each failure of an account was last logged.
    logged_at: ExpiringMap<(CredentialId, Code), Timestamp>,
}

impl AccountRefusalLog {
    pub(crate) fn new(store: Arc<dyn AccountLog + Send + Sync>, env: Environment) -> Self {
        Self { store, env, logged_at: ExpiringMap::default() }
    }

    /// Logs that a link was refused a token of the account.
    pub(crate) async fn log_refusal(
        &self,
        link: &TokenLink,
        kind: TokenKind,
        credential: CredentialId,
        failure: &Failure,
    ) {
        // The caller that disconnected the account knows it, and the log already has that line.
        if failure.code == Code::CredentialDisconnected {
            return;
        }
        let now = self.env.now();
        let key = (credential, failure.code);
        if self.logged_at.get(&key).is_some_and(|last| last.was_within(INTERVAL, now)) {
            return;
        }
        self.logged_at.put(key, now, |last| last.was_within(INTERVAL, now));
        let message = format!("token link {} was refused its {}: {failure}", link.id, kind.as_str());
        let note = Note { id: LogLineId::generate(&self.env), at: now, message, code: Some(failure.code) };
        let subject = Subject::Credential(credential);
        if let Err(error) = self.store.add_log_line(link.workspace, subject, &note).await {
            tracing::warn!(%credential, error = %chain(&error), "a refusal was not written to the account's log");
        }
    }
}
