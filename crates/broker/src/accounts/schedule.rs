//! When an account is refreshed next. All times have jitter, so that accounts connected together are not
//! refreshed together.

use std::time::Duration;

use model::{CredentialKind, Environment, Timestamp};
use store::Credential;
use workers::Backoff;

/// An account used within this time is refreshed before its access token expires.
const IN_USE: Duration = Duration::from_secs(24 * 3600);
/// The longest time between refreshes of an idle account: far below the 90 days of a refresh token.
const KEEP_ALIVE: Duration = Duration::from_secs(7 * 24 * 3600);
/// The shortest time between refreshes ahead of expiry, whatever lifetime Zoom gives.
const MIN_INTERVAL: Duration = Duration::from_secs(30);
/// The pauses after failures. The longest is short, so that an account recovers soon after Zoom does.
const AFTER_FAILURES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

/// Longer requested waits are capped to this.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The next refresh after one whose access token is valid for `life`. `None` means only on request.
pub(crate) fn after_refresh(
    env: &Environment,
    kind: CredentialKind,
    used_at: Option<Timestamp>,
    granted_at: Timestamp,
    life: Duration,
) -> Option<Timestamp> {
    let now = env.now();
    let in_use = used_at.is_some_and(|used_at| used_at.was_within(IN_USE, now));
    match kind {
        CredentialKind::UserOauth | CredentialKind::ServerToServer if in_use => {
            Some(ahead(env, granted_at, life))
        }
        CredentialKind::UserOauth => Some(now + part(env, KEEP_ALIVE, 900..1000)),
        // Idle accounts of these kinds don't expire, and a customer's server is called when a token is needed.
        CredentialKind::ServerToServer | CredentialKind::CustomerManaged => None,
    }
}

/// A time before an access token issued at `granted_at` expires, but never at once, however short its lifetime.
pub(crate) fn ahead(env: &Environment, granted_at: Timestamp, life: Duration) -> Timestamp {
    granted_at + part(env, life, 750..900).max(MIN_INTERVAL)
}

/// The next refresh after a failure. `asked` is the wait that Zoom requested.
pub(crate) fn after_failure(env: &Environment, before: &Credential, asked: Option<Duration>) -> Timestamp {
    let pause = AFTER_FAILURES.jittered(before.failures, env);
    env.now() + asked.map_or(pause, |asked| asked.max(pause).min(MAX_RETRY_AFTER))
}

/// A random part of `whole`, in thousandths.
pub(crate) fn part(env: &Environment, whole: Duration, thousandths: std::ops::Range<u32>) -> Duration {
    let dice = u32::from_le_bytes(env.entropy.bytes());
    whole.saturating_mul(thousandths.start + dice % (thousandths.end - thousandths.start)) / 1000
}
