//! Slows down answers to wrong API keys.
//!
//! A correct key is never delayed, even from the same address, because all callers behind a proxy share one address.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use model::Environment;
use rate_limits::Limiter;

use super::address_of;

/// Wrong keys that one address may send in a minute without a delay, for people who are setting something up.
const FREE_ATTEMPTS: NonZeroU32 = NonZeroU32::new(10).expect("not zero");
/// Each further wrong key waits this long for its answer.
const WRONG_KEY_DELAY: Duration = Duration::from_secs(1);
/// The most callers that wait at once: each of them occupies a connection.
const MAX_WAITING: usize = 64;

#[derive(Debug)]
pub(crate) struct WrongKeys {
    of: Limiter<Option<IpAddr>>,
    waiting: AtomicUsize,
    env: Environment,
}

impl WrongKeys {
    pub(super) fn new(env: Environment) -> Self {
        Self { of: Limiter::default(), waiting: AtomicUsize::new(0), env }
    }

    /// Waits before a wrong key is answered. An error means that too many callers wait already, and says when to
    /// try again.
    pub(crate) async fn slow_down(&self, peer: Option<IpAddr>) -> Result<(), Duration> {
        if self.of.admit(&peer.map(address_of), FREE_ATTEMPTS, self.env.now()).is_ok() {
            return Ok(());
        }
        let waiting = Waiting(&self.waiting);
        if waiting.0.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(WRONG_KEY_DELAY);
        }
        self.env.clock.sleep(WRONG_KEY_DELAY).await;
        Ok(())
    }
}

/// One waiting caller, counted until it is dropped, also when the caller disconnects.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::{FutureExt as _, future::join_all};
    use model::{ManualClock, SeededEntropy, Timestamp};

    use super::*;

    #[tokio::test]
    async fn wrong_keys_wait_after_the_tenth_and_the_number_of_waiters_is_limited() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_700_000_000)));
        let env = Environment { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(7)) };
        let keys = WrongKeys::new(env);
        let (one, another) = (Some([203, 0, 113, 7].into()), Some([203, 0, 113, 8].into()));
        for _ in 0..FREE_ATTEMPTS.get() {
            assert_eq!(keys.slow_down(one).now_or_never(), Some(Ok(())));
        }
        assert_eq!(keys.slow_down(another).now_or_never(), Some(Ok(())));
        let mut waiting = Box::pin(join_all((0..MAX_WAITING).map(|_| keys.slow_down(one))));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(keys.slow_down(one).now_or_never(), Some(Err(WRONG_KEY_DELAY)));
        clock.advance(WRONG_KEY_DELAY);
        assert!(waiting.await.iter().all(Result::is_ok));
        assert_eq!(keys.slow_down(one).now_or_never(), None, "it waits, because no other call does any more");
        assert_eq!(keys.waiting.load(Ordering::Relaxed), 0);
    }
}
