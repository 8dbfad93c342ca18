//! Writes a bot's steps and pictures under its lease.

use std::time::Duration;

use browser::{BotPage, PageEvent};
use model::{BotStatus, StatusChange, SubCode, chain};
use store::{Bot, Lease, Transition};

use super::{
    outcome::{End, Loss},
    parts::RunParts,
};
use crate::log::{self, LogEntryKind, NewLogEntry, clean};

/// Pause between tries to write a step while the store is unavailable.
const STORE_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// A bot ends if its server died this many times before, because the bot may be the cause.
const MAX_RESTARTS: usize = 3;

/// The time limit for the store while a server stops.
const HAND_OVER_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes a bot's steps and pictures, under its lease.
#[derive(Clone, Copy)]
pub(super) struct BotRecord<'a> {
    pub(super) parts: &'a RunParts,
    pub(super) bot: &'a Bot,
    pub(super) lease: Lease,
}

/// The result of recording the first step of a run.
pub(super) enum Resumed {
    /// The bot joins.
    Joins,
    /// The bot ends, because its server died too often.
    End(End),
    /// The bot was changed, cancelled or leased by another server since it was leased here, so it does not join.
    NotOurs,
}

impl BotRecord<'_> {
    /// Adds an entry to the bot's log.
    pub(super) fn note(&self, note: NewLogEntry) {
        self.parts.log.note(self.bot.id, note);
    }

    /// Waits for the next event of the bot's page and logs it. Cancel-safe, like [`BotPage::event`]. `repeats` says that the
    /// join repeats earlier ones. Its calls are not logged: a bot that waits an hour for its host makes hundreds.
    pub(super) async fn next_event(&self, page: &mut BotPage, repeats: bool) -> PageEvent {
        let event = page.event().await;
        if !(repeats && matches!(event, PageEvent::Call(_) | PageEvent::Console(_)))
            && let Some(note) = log::of_event(&event)
        {
            self.note(note);
        }
        event
    }

    /// Records the first step of this run. The bot can be changed and cancelled until this step is recorded, and not any
    /// more afterwards. A bot that was joining or in its meeting when its server died joins again, a few times.
    pub(super) async fn resume(&self) -> Resumed {
        let steps = &self.bot.status_changes;
        let handed_over = steps.last().is_some_and(|step| step.sub_code == Some(SubCode::BotHandedOver));
        let (sub_code, words) = match self.bot.status() {
            BotStatus::Ready => (None, None),
            _ if handed_over => (None, Some("Taken over from a server that was stopped; joining again.")),
            _ => {
                let deaths =
                    steps.iter().filter(|step| step.sub_code == Some(SubCode::BotServerLost)).count();
                if deaths >= MAX_RESTARTS {
                    let words = "the server stopped too often while this bot ran".into();
                    return Resumed::End(End::Fatal(SubCode::BotErrored, words));
                }
                (Some(SubCode::BotServerLost), Some("The server was restarted; joining again."))
            }
        };
        match self.record(BotStatus::JoiningCall, sub_code, words.map(str::to_owned)).await {
            Transition::Recorded => Resumed::Joins,
            Transition::LeaseLost | Transition::Forbidden => Resumed::NotOurs,
        }
    }

    /// Records that the bot lost its place in the meeting, if `loss` is set.
    pub(super) async fn lost(&self, loss: Option<Loss>) {
        let Some(Loss { sub_code, words, .. }) = loss else { return };
        let words = format!("The bot lost its place: {words}; joining again.");
        self.record(BotStatus::JoiningCall, Some(sub_code), Some(words)).await;
    }

    /// Releases the bot to another server, because this one stops. It does not wait long for the store: without a release,
    /// the lease expires.
    pub(super) async fn hand_over(&self) {
        let words = "The server is being stopped; the bot joins again on another one.".to_owned();
        let handing = async {
            self.record(BotStatus::JoiningCall, Some(SubCode::BotHandedOver), Some(words)).await;
            self.release().await;
        };
        if self.parts.env.clock.timeout(HAND_OVER_TIMEOUT, handing).await.is_none() {
            tracing::warn!(bot = %self.bot.id, "could not hand over a bot; another server takes it when its lease expires");
        }
    }

    /// Records the last steps, with the reason and the remedy.
    pub(super) async fn close(&self, end: End) {
        match end {
            End::CallEnded(sub_code, words) => {
                let message = sub_code.message(words.as_deref());
                self.record(BotStatus::CallEnded, Some(sub_code), Some(message)).await;
                self.record(BotStatus::Done, None, None).await;
            }
            End::Done => {
                self.record(BotStatus::Done, None, None).await;
            }
            End::Fatal(sub_code, words) => {
                self.record(BotStatus::Fatal, Some(sub_code), Some(sub_code.message(Some(&words)))).await;
            }
        }
    }

    /// Records a step. Retries for as long as the store is unavailable, because the step has already happened.
    #[tracing::instrument(name = "record_step", skip_all, fields(%code))]
    pub(super) async fn record(
        &self,
        code: BotStatus,
        sub_code: Option<SubCode>,
        message: Option<String>,
    ) -> Transition {
        let id = self.bot.id;
        // The text may come from Zoom or from the page.
        let message = message.map(|message| clean(&message));
        let step = StatusChange { code, sub_code, message, created_at: self.parts.env.now() };
        tracing::info!(bot = %id, %code, sub_code = sub_code.map(SubCode::as_str), words = step.message, "bot step");
        loop {
            match self.parts.store.record_step(id, &self.lease, &step).await {
                Ok(transition) => {
                    match transition {
                        Transition::Recorded => {
                            self.parts.metrics.bot_step(code, sub_code);
                            self.note(of_step(&step));
                        }
                        Transition::LeaseLost => {
                            tracing::warn!(bot = %id, %code, "a bot's step was not recorded: its lease is lost");
                            let words = format!(
                                "This server has lost the bot's lease: its step to {code} is not recorded."
                            );
                            self.note(NewLogEntry::new(LogEntryKind::Decision, words));
                        }
                        Transition::Forbidden => {
                            tracing::error!(bot = %id, %code, "a bot's step was not recorded: the state machine does not allow it");
                        }
                    }
                    return transition;
                }
                Err(error) => {
                    tracing::error!(bot = %id, error = %chain(&error), "could not record a bot's step; will retry");
                    self.parts.env.clock.sleep(STORE_RETRY_PAUSE).await;
                }
            }
        }
    }

    /// Releases the lease.
    pub(super) async fn release(&self) {
        if let Err(error) = self.parts.store.release_bot(self.bot.id, &self.lease).await {
            tracing::warn!(bot = %self.bot.id, error = %chain(&error), "could not release a bot; another server takes it when its lease expires");
        }
    }

    /// Takes and stores a picture of the page. Stores a placeholder if none can be taken.
    #[tracing::instrument(name = "take_screenshot", skip_all)]
    pub(super) async fn picture(&self, page: &BotPage) {
        let screenshots = &self.parts.screenshots;
        let stored = match page.screenshot().await {
            Ok(png) => screenshots.store(self.bot.id, &png).await,
            Err(error) => {
                tracing::warn!(bot = %self.bot.id, error = %chain(&error), "could not take a screenshot of a bot's page");
                self.note(NewLogEntry::new(
                    LogEntryKind::Screenshot,
                    format!("No picture of the page could be taken: {error}."),
                ));
                screenshots.store_none(self.bot.id).await
            }
        };
        self.parts.metrics.screenshot(stored.is_some());
        self.note(match stored {
            Some(id) => NewLogEntry::new(LogEntryKind::Screenshot, "A picture was stored.")
                .with("screenshot", id.to_string()),
            None => NewLogEntry::new(
                LogEntryKind::Screenshot,
                "A picture could not be stored: see the server's log.",
            ),
        });
    }
}

fn of_step(step: &StatusChange) -> NewLogEntry {
    let StatusChange { code, sub_code, message, .. } = step;
    let why = sub_code.map(|sub_code| format!(" ({sub_code})")).unwrap_or_default();
    let words = message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    NewLogEntry::new(LogEntryKind::Step, format!("{code}{why}{words}"))
        .with("code", code.as_str())
        .with_some("sub_code", sub_code.map(model::SubCode::as_str))
        .with_some("message", message.clone())
}
