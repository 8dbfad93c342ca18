//! Detects a silent peer: asks now and then, and waits for the answer.

use std::{pin::Pin, time::Duration};

use serde_json::Value;

use crate::{BrowserError, devtools::DevTools};

/// Interval between questions, unless the allowed silence is shorter.
const LIVENESS_INTERVAL: Duration = Duration::from_secs(15);

/// Resolves when no answer came for too long.
pub(crate) type Unresponsive = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Calls `ask`, whose argument is how long to wait, again and again, and returns when `span` has passed
/// without an answer. An error counts as an answer. A lost connection is reported elsewhere.
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
