//! Detects a peer that no longer responds: sends a probe at intervals, and waits for the response.

use std::{pin::Pin, time::Duration};

use serde_json::Value;

use crate::{BrowserError, devtools::DevTools};

/// Interval between probes, unless the time limit is shorter.
const LIVENESS_INTERVAL: Duration = Duration::from_secs(15);

/// Resolves when there was no response for too long.
pub(crate) type Unresponsive = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Calls `ask` repeatedly, with the time to wait for a response as its argument. Returns when there was no response for
/// `span`. An error counts as a response. A lost connection is reported elsewhere.
pub(crate) async fn silence<A>(devtools: DevTools, span: Duration, ask: impl Fn(Duration) -> A)
where
    A: Future<Output = Result<Value, BrowserError>>,
{
    let interval = LIVENESS_INTERVAL.min(span / 2);
    loop {
        devtools.clock().sleep(interval).await;
        match ask(span.saturating_sub(interval)).await {
            Err(BrowserError::Timeout { .. }) => return,
            Err(BrowserError::PageGone | BrowserError::BrowserGone) => std::future::pending().await,
            Ok(_) | Err(_) => {}
        }
    }
}
