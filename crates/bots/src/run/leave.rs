//! Leaves a meeting within a time limit.

use std::time::Duration;

use browser::{BotPage, PageEvent};
use model::{Environment, chain};

use super::bot_row::BotRecord;

/// The time limit for leaving, including the last picture. After it the page is closed, because the caller waits.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(6);

/// Leaves the meeting and waits until the page confirms it.
#[tracing::instrument(name = "leave_meeting", skip_all)]
pub(super) async fn leave(record: &BotRecord<'_>, page: &mut BotPage) {
    if let Err(error) = page.leave().await {
        return tracing::warn!(error = %chain(&error), "could not tell the page to leave");
    }
    let out = |event| {
        use PageEvent::{Dropped, Ended, Failed, Gone, Left};
        matches!(event, Left | Ended { .. } | Dropped { .. } | Failed { .. } | Gone(_))
    };
    while !out(record.next_event(page, false).await) {}
}

/// Limits how long leaving may take, because a page may be frozen. Closing the page also takes the bot out of the meeting.
pub(super) async fn within_leave_timeout(env: &Environment, going: impl Future<Output = ()>) {
    if env.clock.timeout(LEAVE_TIMEOUT, going).await.is_none() {
        tracing::warn!("the page or Zoom did not confirm in time that the bot left; closing the page");
    }
}
