//! A bot's outputs: its picture, and its chat messages. Both follow the row, which callers change.

use std::time::Duration;

use browser::{BotPage, PageEvent};
use tokio::sync::watch;

use super::{
    bot_row::BotRecord, camera::Camera, chat::Chat, command::LatestCommand, meeting_event_writer::Recorder,
};
use crate::{meeting::Arrival, request::Greetings};

/// Pause between tries while the store is unavailable.
const STORE_RETRY_PAUSE: Duration = Duration::from_secs(2);

/// A bot's outputs, over all pages of a run.
pub(super) struct Outputs<'a> {
    record: BotRecord<'a>,
    camera: Camera<'a>,
    chat: Chat<'a>,
    /// The row's output revision: it grows with each change of the picture and each new message.
    revision: watch::Receiver<u32>,
    /// Whether the store failed, so that the update must be retried.
    behind: bool,
}

impl<'a> Outputs<'a> {
    pub(super) fn new(
        record: BotRecord<'a>,
        people: &'a Recorder<'a>,
        greetings: Greetings,
        commands: LatestCommand,
        revision: watch::Receiver<u32>,
    ) -> Self {
        let camera = Camera::new(record, commands.clone());
        let chat = Chat::new(record, people, greetings, commands);
        Self { record, camera, chat, revision, behind: false }
    }

    /// Call this when there is a new page, which is about to join.
    pub(super) async fn begin(&mut self, page: &BotPage) {
        self.end().await;
        self.camera.begin();
        self.chat.begin();
        self.update(page).await;
    }

    /// Call this when the page is not used any more.
    pub(super) async fn end(&mut self) {
        self.chat.end().await;
    }

    /// Resolves when there may be something to [`update`](Self::update).
    pub(super) async fn changed(&mut self) {
        if self.behind {
            return self.record.parts.env.clock.sleep(STORE_RETRY_PAUSE).await;
        }
        if self.revision.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Shows the stored picture, and sends the next message.
    #[tracing::instrument(name = "update_outputs", skip_all)]
    pub(super) async fn update(&mut self, page: &BotPage) {
        self.revision.mark_unchanged();
        self.behind = !self.camera.show(page).await;
        self.send_next(page).await;
    }

    /// Call this when the bot has entered the meeting. It sends its message on join, once per bot, and then the queued ones.
    pub(super) async fn enter(&mut self, page: &BotPage) {
        self.chat.enter();
        self.update(page).await;
    }

    /// Handles the result of a picture or a message.
    pub(super) async fn handle_event(&mut self, page: &BotPage, event: &PageEvent) {
        match event {
            PageEvent::Camera { on, wanted } => self.camera.switched(*on, *wanted),
            PageEvent::Chatted { id, outcome, reason } => {
                let is_next = self.chat.answered(*id, *outcome, reason.as_deref()).await;
                if is_next {
                    self.send_next(page).await;
                }
            }
            PageEvent::WaitingRoom => self.chat.inside = false,
            _ => {}
        }
    }

    /// Greets participants who joined after the bot.
    pub(super) async fn greet(&mut self, page: &BotPage, people: &[Arrival]) {
        if people.is_empty() {
            return;
        }
        self.chat.queue_greetings(people);
        self.send_next(page).await;
    }

    async fn send_next(&mut self, page: &BotPage) {
        self.behind |= self.chat.send_next(page).await.is_err();
    }
}
