//! Prepares a join: a page with Zoom's SDK, and credentials.

use browser::{BrowserError, SDK_VERSION};
use model::SubCode;

use super::{
    bot_run::BotRun,
    outcome::{End, Loss, Outcome},
    sign_in::{self, JoinCredentials, Missing, Refused},
    warm_up::{WarmPage, WarmUp},
};
use crate::{
    browsers::OpenPage,
    log::{self, LogEntryKind, NewLogEntry},
};

impl From<Missing> for Outcome {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::End(end) => Self::Over(end),
            Missing::Later { pause, sub_code, words } => Self::Later(pause, sub_code, words),
        }
    }
}

/// Returns a page and credentials: those that were prepared ahead, or new ones.
#[tracing::instrument(name = "prepare_join", skip_all)]
pub(super) async fn prepare(
    run: &BotRun<'_>,
    refused: &Refused,
    ahead: WarmUp,
) -> Result<(OpenPage, JoinCredentials), Outcome> {
    let (parts, bot) = (run.record.parts, run.record.bot);
    let WarmUp { page, credentials } = ahead;
    // Boxed to keep this future small: it contains requests to callers' URLs and to Zoom, which end before the bot joins.
    let fetch = Box::pin(sign_in::join_credentials(parts, bot, &run.request.zoom, &run.link, refused));
    let fetch = async {
        match credentials {
            Some(credentials) => Ok(credentials),
            None => fetch.await.map_err(Outcome::from),
        }
    };
    if run.request.zoom.pool.is_some() {
        // A bot that waits for a seat needs no page yet.
        let credentials = fetch.await?;
        return Ok((open_page(run, page).await?, credentials));
    }
    // The tokens are fetched while the SDK starts, which takes seconds.
    tokio::try_join!(open_page(run, page), fetch)
}

/// Returns a page with the SDK: the one that was opened ahead, if it is usable, or a new one. A page that hangs or dies
/// while it opens is a loss like any other.
async fn open_page(run: &BotRun<'_>, ahead: WarmPage) -> Result<OpenPage, Outcome> {
    let parts = run.record.parts;
    let began = parts.env.now();
    let opened = match ahead.into_page().await {
        Some(page) => Ok(page),
        None => parts.browsers.open().await,
    };
    let note = match &opened {
        Ok(page) => NewLogEntry::new(LogEntryKind::Page, "A page with Zoom's SDK is ready.")
            .with("chromium", page.chromium())
            .with("meeting_sdk", SDK_VERSION),
        Err(error) => NewLogEntry::new(LogEntryKind::Page, format!("No page could be opened: {error}.")),
    };
    run.record.note(note.with("milliseconds", log::milliseconds(began, parts.env.now())));
    opened.map_err(|error| {
        let (sub_code, words) = match error {
            BrowserError::PageGone | BrowserError::BrowserGone => (SubCode::BotErrored, error.to_string()),
            BrowserError::Timeout { .. } => (SubCode::FailedToLaunchInTime, error.to_string()),
            _ => return Outcome::Over(End::Fatal(SubCode::FailedToLaunchInTime, error.to_string())),
        };
        Outcome::Lost(Loss { since: parts.env.now(), sub_code, words })
    })
}
