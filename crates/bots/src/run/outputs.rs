//! A bot's outputs: its picture, its greetings, and the chat messages that callers send through the API.
//!
//! The picture is state: each page shows the picture that is stored in the bot's row. A message is sent at most once.

use std::{collections::VecDeque, time::Duration};

use browser::{BotPage, ChatOutcome, ChatTo, PageEvent};
use model::{BotStatus, ChatMessageId, Sealed, chain};
use store::ChatProgress;
use tokio::sync::watch;

use super::{
    bot_row::BotRecord,
    command::{LatestCommand, unless_commanded},
    meeting_event_writer::Recorder,
};
use crate::{
    chat_message::{QueuedMessage, Receiver},
    log::{Kind, Note},
    meeting::Arrival,
    picture::Picture,
    request::{Greeting, Greetings, ParticipantGreeting},
};

/// Pause between tries while the store is unavailable.
const STORE_RETRY_PAUSE: Duration = Duration::from_secs(2);
/// The most queued greetings. If more people join at once, it is pointless to greet each of them.
const MAX_GREETINGS: usize = 50;

/// A bot's outputs, over all pages of a run.
pub(super) struct Outputs<'a> {
    record: BotRecord<'a>,
    /// Knows the current number of each participant at Zoom.
    people: &'a Recorder<'a>,
    greetings: Greetings,
    /// A command interrupts the wait for a page that does not respond.
    commands: LatestCommand,
    /// The row's output revision: it grows with each change of the picture and each new message.
    revision: watch::Receiver<u32>,
    /// The sealed picture that the page shows; `None` for a new page.
    shown: Option<Sealed>,
    /// Whether the bot is in the meeting, so that it can send messages.
    inside: bool,
    /// Whether the bot has entered the meeting before, also on another server.
    greeted: bool,
    /// Queued greetings.
    waiting: VecDeque<(String, Receiver)>,
    sending: Option<Sending>,
    numbers: u32,
    /// Whether Zoom has left a message of this page unconfirmed. The SDK confirms no later message then.
    unconfirmed: bool,
    /// Whether the store failed, so that the update must be retried.
    behind: bool,
}

/// The message that the page is sending.
struct Sending {
    number: u32,
    /// `None` is a greeting.
    id: Option<ChatMessageId>,
    to: ChatTo,
}

impl<'a> Outputs<'a> {
    pub(super) fn new(
        record: BotRecord<'a>,
        people: &'a Recorder<'a>,
        greetings: Greetings,
        commands: LatestCommand,
        revision: watch::Receiver<u32>,
    ) -> Self {
        let greeted = record.bot.status_changes.iter().any(|step| step.code == BotStatus::InCallNotRecording);
        Self {
            record,
            people,
            greetings,
            commands,
            revision,
            shown: None,
            inside: false,
            greeted,
            waiting: VecDeque::new(),
            sending: None,
            numbers: 0,
            unconfirmed: false,
            behind: false,
        }
    }

    /// Call this when there is a new page, which is about to join.
    pub(super) async fn begin(&mut self, page: &BotPage) {
        self.end().await;
        self.shown = None;
        self.unconfirmed = false;
        self.update(page).await;
    }

    /// Call this when the page is not used any more.
    pub(super) async fn end(&mut self) {
        self.inside = false;
        if let Some(Sending { id: Some(id), .. }) = self.sending.take() {
            let words = "the bot lost its place in the meeting while it was sending the message".to_owned();
            self.settle(id, ChatProgress::Unconfirmed(words)).await;
        }
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
        self.behind = false;
        self.show(page).await;
        self.send_next(page).await;
    }

    /// Call this when the bot has entered the meeting. It sends its greeting, once per bot, and then the queued messages.
    pub(super) async fn enter(&mut self, page: &BotPage) {
        self.inside = true;
        if !std::mem::replace(&mut self.greeted, true)
            && let Some(Greeting { send_to, message }) = self.greetings.on_bot_join.clone()
        {
            self.waiting.push_back((message, send_to));
        }
        self.update(page).await;
    }

    /// Handles the result of a picture or a message.
    pub(super) async fn handle_event(&mut self, page: &BotPage, event: &PageEvent) {
        match event {
            PageEvent::Camera { on, wanted } => self.camera(*on, *wanted),
            PageEvent::Chatted { id, outcome, reason } => {
                let Some(sending) = self.sending.take_if(|sending| sending.number == *id) else { return };
                self.chatted(sending, *outcome, reason.as_deref()).await;
                self.send_next(page).await;
            }
            PageEvent::WaitingRoom => self.inside = false,
            _ => {}
        }
    }

    /// Greets participants who joined after the bot. If too many join at once, only the first ones are greeted.
    pub(super) async fn greet(&mut self, page: &BotPage, people: &[Arrival]) {
        if people.is_empty() {
            return;
        }
        self.queue_greetings(people);
        self.send_next(page).await;
    }

    fn queue_greetings(&mut self, people: &[Arrival]) {
        let Some(ParticipantGreeting { message, exclude_host }) = &self.greetings.on_participant_join else {
            return;
        };
        for person in people.iter().filter(|person| !(*exclude_host && person.host)) {
            if self.waiting.len() >= MAX_GREETINGS {
                return tracing::warn!(bot = %self.record.bot.id, "too many people joined at once; only the first ones are greeted");
            }
            self.waiting.push_back((message.clone(), Receiver::Participant(person.id)));
        }
    }

    async fn show(&mut self, page: &BotPage) {
        let BotRecord { parts, bot, .. } = self.record;
        let sealed = match parts.store.picture(bot.id).await {
            Ok(sealed) => sealed,
            Err(error) => {
                self.behind = true;
                return tracing::warn!(bot = %bot.id, error = %chain(&error), "could not read a bot's picture; will retry");
            }
        };
        if self.shown == sealed {
            return;
        }
        let picture =
            sealed.as_ref().map(|sealed| Picture::open(&parts.broker.vault, bot.workspace, bot.id, sealed));
        let shown = match picture.transpose() {
            Ok(picture) => {
                let showing = page.show(picture.as_ref().map(Picture::jpeg));
                match unless_commanded(&mut self.commands, showing).await {
                    Ok(shown) => shown.map_err(|error| error.to_string()),
                    // The bot is leaving.
                    Err(_) => return,
                }
            }
            Err(failure) => Err(failure.to_string()),
        };
        if let Err(error) = shown {
            parts.metrics.bot_output("camera", "failed");
            let note = Note::new(Kind::Output, format!("The bot's picture could not be shown: {error}."));
            self.record.note(note.with("what", "camera").with("outcome", "failed"));
            tracing::error!(bot = %bot.id, error, "could not show a bot's picture");
        }
        self.shown = sealed;
    }

    fn camera(&self, on: bool, wanted: bool) {
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
        self.record.note(Note::new(Kind::Output, words).with("what", "camera").with("outcome", outcome));
        if on == wanted {
            tracing::info!(bot = %bot.id, on, "the bot's camera was switched");
        } else {
            tracing::warn!(
                bot = %bot.id, on, wanted,
                "could not switch the bot's camera: the host has stopped it, or Zoom does not respond"
            );
        }
    }

    /// Passes the next message to the page, if the page is not sending one.
    async fn send_next(&mut self, page: &BotPage) {
        while self.inside && self.sending.is_none() && self.commands.borrow().is_none() {
            let (id, text, to) = match self.waiting.pop_front() {
                Some((text, to)) => (None, text, self.as_zoom_has_it(to)),
                None => match self.take().await {
                    Some((id, QueuedMessage { text, to })) => (Some(id), text, self.as_zoom_has_it(to)),
                    None => return,
                },
            };
            self.numbers += 1;
            let number = self.numbers;
            let given = match unless_commanded(&mut self.commands, page.chat(number, &text, to)).await {
                Ok(given) => given.map_err(|error| error.to_string()),
                Err(_) => {
                    Err("the bot was told to leave before its page had accepted the message".to_owned())
                }
            };
            match given {
                Ok(()) => self.sending = Some(Sending { number, id, to }),
                Err(error) => {
                    tracing::warn!(bot = %self.record.bot.id, error, "could not pass a chat message to the page");
                    if let Some(id) = id {
                        self.settle(id, ChatProgress::Unconfirmed(error)).await;
                    }
                    return;
                }
            }
        }
    }

    /// The receiver for the page. Callers name a participant by their first id, but Zoom gives a new one after a rejoin.
    fn as_zoom_has_it(&self, to: Receiver) -> ChatTo {
        match to {
            Receiver::Participant(id) => ChatTo::Participant(self.people.number_now(id).unwrap_or(id)),
            to => to.into(),
        }
    }

    /// Takes the oldest queued message from the store.
    async fn take(&mut self) -> Option<(ChatMessageId, QueuedMessage)> {
        let BotRecord { parts, bot, lease } = self.record;
        loop {
            let taken = match parts.store.take_message(bot.id, &lease).await {
                Ok(taken) => taken?,
                Err(error) => {
                    self.behind = true;
                    tracing::warn!(bot = %bot.id, error = %chain(&error), "could not read a bot's queued chat messages; will retry");
                    return None;
                }
            };
            match QueuedMessage::open(&parts.broker.vault, bot.workspace, &taken) {
                Ok(message) => return Some((taken.id, message)),
                Err(failure) => self.settle(taken.id, ChatProgress::Refused(failure.to_string())).await,
            }
        }
    }

    async fn chatted(&mut self, sending: Sending, outcome: ChatOutcome, reason: Option<&str>) {
        let BotRecord { parts, bot, .. } = self.record;
        let reason = reason.unwrap_or("no reason given");
        let progress = match outcome {
            ChatOutcome::Sent => ChatProgress::Sent,
            ChatOutcome::Nobody => ChatProgress::Refused(nobody(sending.to).to_owned()),
            ChatOutcome::Forbidden => {
                let words = "The host's chat settings do not let the bot write to that receiver.";
                ChatProgress::Refused(words.to_owned())
            }
            ChatOutcome::Failed => {
                ChatProgress::Refused(format!("Zoom's SDK did not send the message: {reason}"))
            }
            ChatOutcome::Unconfirmed if std::mem::replace(&mut self.unconfirmed, true) => {
                let words = "The message was passed to Zoom. Because an earlier message was not confirmed, Zoom's SDK \
                             confirms no further messages of this bot: check the meeting's chat before you send it again.";
                ChatProgress::Unconfirmed(words.to_owned())
            }
            ChatOutcome::Unconfirmed => {
                let words = "The message was passed to Zoom, which did not confirm it within 5 s: most probably the host \
                             does not allow chat.";
                ChatProgress::Unconfirmed(words.to_owned())
            }
        };
        let word = match outcome {
            ChatOutcome::Sent => "sent",
            ChatOutcome::Nobody => "nobody",
            ChatOutcome::Forbidden => "forbidden",
            ChatOutcome::Unconfirmed => "unconfirmed",
            ChatOutcome::Failed => "failed",
        };
        parts.metrics.bot_output("chat", word);
        let note = Note::new(Kind::Output, format!("A chat message was passed to Zoom: {word}."));
        let greeting = sending.id.is_none();
        self.record.note(note.with("what", "chat").with("outcome", word).with("greeting", greeting));
        tracing::info!(bot = %bot.id, outcome = word, reason, greeting = sending.id.is_none(), "a bot's chat message was handled");
        if let Some(id) = sending.id {
            self.settle(id, progress).await;
        }
    }

    /// Reports the outcome of a message to the API's caller, who waits for it.
    async fn settle(&self, id: ChatMessageId, progress: ChatProgress) {
        if let Err(error) = self.record.parts.store.settle_message(id, &progress).await {
            tracing::warn!(bot = %self.record.bot.id, error = %chain(&error), "could not store the outcome of a chat message");
        }
    }
}

const fn nobody(to: ChatTo) -> &'static str {
    match to {
        ChatTo::Host => "No host is in the meeting.",
        ChatTo::Participant(_) => "No participant with this id is in the meeting.",
        ChatTo::Everyone | ChatTo::EveryoneExceptHost => "No participant is there to receive the message.",
    }
}
