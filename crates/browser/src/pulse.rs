//! Whether somebody is still there who says nothing: ask now and then, and wait for the answer.

use std::{pin::Pin, time::Duration};

use serde_json::Value;

use crate::{BrowserError, devtools::DevTools};

/// How often to ask, unless silence is shorter.
const INTERVAL: Duration = Duration::from_secs(15);

/// Resolves when there was no answer for too long.
pub(crate) type Silence = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Asks with `ask`, which waits as long as it is told, and returns when `span` has passed without an answer. An error is an
/// answer; and when the connection is gone, others tell.
pub(crate) async fn silence<A>(devtools: DevTools, span: Duration, ask: impl Fn(Duration) -> A)
where
    A: Future<Output = Result<Value, BrowserError>>,
{
    let interval = INTERVAL.min(span / 2);
    loop {
        devtools.clock().sleep(interval).await;
        match ask(span.saturating_sub(interval)).await {
            Err(BrowserError::Timeout { .. }) => return,
            Err(BrowserError::PageGone | BrowserError::BrowserGone) => std::future::pending().await,
            Ok(_) | Err(_) => {}
        }
    }
}
