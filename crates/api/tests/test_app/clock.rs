//! Passing time, and waiting for results.

use std::time::Duration;

use model::{Environment, Timestamp};
use serde_json::json;

use super::{POLL_INTERVAL, TestApp, WAIT_TIMEOUT};

impl TestApp {
    /// The first result of `look`. A manual clock runs as fast as real time meanwhile.
    pub(crate) async fn wait_for<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let pass = || self.clock.iter().for_each(|clock| clock.advance(POLL_INTERVAL));
        look_until_found(what, look, pass).await
    }

    /// Advances the manual clock by one poll interval: what follows is later.
    pub(crate) fn tick(&self) {
        self.clock.as_ref().expect("a manual clock").advance(POLL_INTERVAL);
    }

    /// Advances the clock by `span` at once: for when nothing waits.
    pub(crate) fn jump(&self, span: Duration) {
        self.clock.as_ref().expect("a manual clock").advance(span);
    }

    /// Sets the manual clock, as an administrator would.
    pub(crate) fn set_clock(&self, to: Timestamp) {
        self.clock.as_ref().expect("a manual clock").set(to);
    }

    /// Lets `span` pass on the manual clock, twenty times as fast as real time, so that every waiting task runs. Zoom's
    /// clock is advanced first: it refuses signatures from its future.
    pub(crate) async fn pass(&self, span: Duration) {
        let clock = self.clock.as_ref().expect("a manual clock");
        self.zoom.control("POST", "clock", json!({ "advance_seconds": span.as_secs() })).await;
        let wall = Environment::system();
        for _ in 0..span.as_millis() / (20 * POLL_INTERVAL).as_millis() {
            wall.clock.sleep(POLL_INTERVAL).await;
            clock.advance(20 * POLL_INTERVAL);
        }
    }

    /// Runs `work` while the manual clock runs.
    pub(crate) async fn meanwhile<T>(&self, work: impl Future<Output = T>) -> T {
        let time = self.wait_for("the work is done", async || None::<()>);
        tokio::select! {
            value = work => value,
            () = time => unreachable!("nothing is found"),
        }
    }

    /// The first result of `look`, while the manual clock stands still.
    pub(crate) async fn without_time<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        look_until_found(what, look, || ()).await
    }
}

/// The first result of `look`; `pass` is called between attempts.
async fn look_until_found<T>(what: &str, look: impl AsyncFn() -> Option<T>, pass: impl Fn()) -> T {
    let wall = Environment::system();
    let begun = wall.now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(wall.now().since(begun) < WAIT_TIMEOUT, "it takes too long until {what}");
        wall.clock.sleep(POLL_INTERVAL).await;
        pass();
    }
}
