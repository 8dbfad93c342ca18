//! When an account is refreshed next. Jitter everywhere: what was connected together shall not be refreshed together.

use std::time::Duration;

use model::{CredentialKind, Environment, Timestamp};
use store::Credential;

/// An account that was asked for a token within this is refreshed ahead of its token's end.
const IN_USE: Duration = Duration::from_secs(24 * 3600);
/// An idle account is kept alive this often, at the latest: far inside the 90 days of a refresh token.
const KEEP_ALIVE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Between two refreshes ahead of time, whatever Zoom says of how long its tokens live.
const MIN_INTERVAL: Duration = Duration::from_secs(30);
/// The first pause after a failure. It doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// And grows no longer than this, so that an account is back soon after Zoom is.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// A longer wait is not believed, whoever asks for it.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// After a refresh whose access token lives for `life`. `None` means not before somebody asks.
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
        // Nothing dies of idleness there, and a customer's server is called when a token is needed.
        CredentialKind::ServerToServer | CredentialKind::CustomerManaged => None,
    }
}

/// Ahead of the end of an access token that came at `granted_at`, and not at once, however short its life is.
pub(crate) fn ahead(env: &Environment, granted_at: Timestamp, life: Duration) -> Timestamp {
    granted_at + part(env, life, 750..900).max(MIN_INTERVAL)
}

/// After a failure. `asked` is what Zoom wants us to wait.
pub(crate) fn after_failure(env: &Environment, before: &Credential, asked: Option<Duration>) -> Timestamp {
    let doubled = FIRST_PAUSE.saturating_mul(1 << before.failures.min(16));
    let pause = part(env, doubled.min(MAX_PAUSE), 750..1000);
    env.now() + asked.map_or(pause, |asked| asked.max(pause).min(MAX_RETRY_AFTER))
}

/// A random part of `whole`, in thousandths.
pub(crate) fn part(env: &Environment, whole: Duration, thousandths: std::ops::Range<u32>) -> Duration {
    let dice = u32::from_le_bytes(env.entropy.bytes());
    whole.saturating_mul(thousandths.start + dice % (thousandths.end - thousandths.start)) / 1000
}
