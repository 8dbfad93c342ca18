//! A bot's camera: each page shows the picture that is stored in the bot's row.

use browser::BotPage;
use model::{Sealed, chain};

use super::{
    bot_row::BotRecord,
    command::{LatestCommand, unless_commanded},
};
use crate::{
    log::{LogEntryKind, NewLogEntry},
    picture::Picture,
};

/// The camera, over all pages of a run.
pub(super) struct Camera<'a> {
    record: BotRecord<'a>,
    /// A command interrupts the wait for a page that does not respond.
    commands: LatestCommand,
    /// The sealed picture that the page shows; `None` for a new page.
    shown: Option<Sealed>,
}

impl<'a> Camera<'a> {
    pub(super) const fn new(record: BotRecord<'a>, commands: LatestCommand) -> Self {
        Self { record, commands, shown: None }
    }

    /// Call this when there is a new page: it shows nothing yet.
    pub(super) fn begin(&mut self) {
        self.shown = None;
    }

    /// Shows the stored picture. `false` if the store failed: it must be retried.
    pub(super) async fn show(&mut self, page: &BotPage) -> bool {
        let BotRecord { parts, bot, .. } = self.record;
        let sealed = match parts.store.picture(bot.id).await {
            Ok(sealed) => sealed,
            Err(error) => {
                tracing::warn!(bot = %bot.id, error = %chain(&error), "could not read a bot's picture; will retry");
                return false;
            }
        };
        if self.shown == sealed {
            return true;
        }
        let picture =
            sealed.as_ref().map(|sealed| Picture::open(&parts.broker.vault, bot.workspace, bot.id, sealed));
        let shown = match picture.transpose() {
            Ok(picture) => {
                let showing = page.show(picture.as_ref().map(Picture::jpeg));
                match unless_commanded(&mut self.commands, showing).await {
                    Ok(shown) => shown.map_err(|error| error.to_string()),
                    // The bot is leaving.
                    Err(_) => return true,
                }
            }
            Err(failure) => Err(failure.to_string()),
        };
        if let Err(error) = shown {
            parts.metrics.bot_output("camera", "failed");
            let note = NewLogEntry::new(
                LogEntryKind::Output,
                format!("The bot's picture could not be shown: {error}."),
            );
            self.record.note(note.with("what", "camera").with("outcome", "failed"));
            tracing::error!(bot = %bot.id, error, "could not show a bot's picture");
        }
        self.shown = sealed;
        true
    }

    /// Notes that the page switched the camera, or could not.
    pub(super) fn switched(&self, on: bool, wanted: bool) {
        let BotRecord { parts, bot, .. } = self.record;
        let outcome = match (on, wanted) {
            (true, true) => "on",
            (false, false) => "off",
            _ => "failed",
        };
        parts.metrics.bot_output("camera", outcome);
        let words = match (on, wanted) {
            (true, true) => "The bot's picture is on.",
            (false, false) => "The bot's picture is off.",
            (false, true) => {
                "The bot's picture could not be switched on: the host has stopped it, or Zoom does not respond."
            }
            (true, false) => "The bot's picture could not be switched off.",
        };
        self.record.note(
            NewLogEntry::new(LogEntryKind::Output, words).with("what", "camera").with("outcome", outcome),
        );
        if on == wanted {
            tracing::info!(bot = %bot.id, on, "the bot's camera was switched");
        } else {
            tracing::warn!(
                bot = %bot.id, on, wanted,
                "could not switch the bot's camera: the host has stopped it, or Zoom does not respond"
            );
        }
    }
}
