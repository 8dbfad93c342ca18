//! What a bot shows and says: its picture, its greetings, and the messages that the API was given for it.
//!
//! The picture is state: each page shows what the row holds. A message is sent at most once.

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

/// A store that does not answer is asked again after this.
const STORE_RETRY_PAUSE: Duration = Duration::from_secs(2);
/// Greetings that wait. If more people than this come at once, greeting each of them is useless.
const MAX_GREETINGS: usize = 50;

/// What a bot shows and says, over all its pages.
pub(super) struct Outputs<'a> {
    record: BotRecord<'a>,
    /// Knows under which number Zoom has a participant now.
    people: &'a Recorder<'a>,
    greetings: Greetings,
    /// No command waits for a page that does not answer.
    commands: LatestCommand,
    /// The row's revision: it grows with each change of the picture and each new message.
    revision: watch::Receiver<u32>,
    /// What the page shows, as the row holds it; a new page shows none.
    shown: Option<Sealed>,
    /// Whether the bot is in the meeting, so that it can send messages.
    inside: bool,
    /// Whether it was, now or on another server.
    greeted: bool,
    /// Greetings.
    waiting: VecDeque<(String, Receiver)>,
    sending: Option<Sending>,
    numbers: u32,
    /// Zoom has left a message of this page unconfirmed, and the SDK confirms none after it.
    unconfirmed: bool,
    /// The store did not answer.
    behind: bool,
}

/// The message that the page has.
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

    /// There is a new page, which is about to join.
    pub(super) async fn begin(&mut self, page: &BotPage) {
        self.end().await;
        self.shown = None;
        self.unconfirmed = false;
        self.update(page).await;
    }

    /// The page is of no use any more.
    pub(super) async fn end(&mut self) {
        self.inside = false;
        if let Some(Sending { id: Some(id), .. }) = self.sending.take() {
            let words = "the bot lost its place while it sent the message".to_owned();
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

    /// Shows and says what the row holds by now.
    #[tracing::instrument(name = "update_outputs", skip_all)]
    pub(super) async fn update(&mut self, page: &BotPage) {
        self.revision.mark_unchanged();
        self.behind = false;
        self.show(page).await;
        self.send_next(page).await;
    }

    /// The bot is in the meeting: it sends its greeting, once in its life, and the messages that wait.
    pub(super) async fn enter(&mut self, page: &BotPage) {
        self.inside = true;
        if !std::mem::replace(&mut self.greeted, true)
            && let Some(Greeting { send_to, message }) = self.greetings.on_bot_join.clone()
        {
            self.waiting.push_back((message, send_to));
        }
        self.update(page).await;
    }

    /// Takes in what came of a picture or a message.
    pub(super) async fn hear(&mut self, page: &BotPage, event: &PageEvent) {
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

    /// Greets those who have come since the bot was in. If too many come at once, only the first ones are greeted.
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
                return tracing::warn!(bot = %self.record.bot.id, "too many people come at once to greet each");
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
                return tracing::warn!(bot = %bot.id, error = %chain(&error), "what a bot shows waits for the store");
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
                    // The bot goes.
                    Err(_) => return,
                }
            }
            Err(failure) => Err(failure.to_string()),
        };
        if let Err(error) = shown {
            parts.metrics.bot_output("camera", "failed");
            let note = Note::new(Kind::Output, format!("The bot's picture cannot be shown: {error}."));
            self.record.note(note.with("what", "camera").with("outcome", "failed"));
            tracing::error!(bot = %bot.id, error, "a bot's picture cannot be shown");
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
                "The bot's picture could not be switched on: the host keeps it off, or Zoom does not answer."
            }
            (true, false) => "The bot's picture could not be switched off.",
        };
        self.record.note(Note::new(Kind::Output, words).with("what", "camera").with("outcome", outcome));
        if on == wanted {
            tracing::info!(bot = %bot.id, on, "the bot's camera");
        } else {
            tracing::warn!(
                bot = %bot.id, on, wanted,
                "the bot's camera is not as it was wanted: the host has stopped it, or Zoom does not answer"
            );
        }
    }

    /// Gives the page its next message, if it has none.
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
                Err(_) => Err("the bot was told to leave before its page had taken the message".to_owned()),
            };
            match given {
                Ok(()) => self.sending = Some(Sending { number, id, to }),
                Err(error) => {
                    tracing::warn!(bot = %self.record.bot.id, error, "a chat message could not be given to the page");
                    if let Some(id) = id {
                        self.settle(id, ChatProgress::Unconfirmed(error)).await;
                    }
                    return;
                }
            }
        }
    }

    /// To whom, for the page: a participant keeps the id of their first stay, and Zoom counts on.
    fn as_zoom_has_it(&self, to: Receiver) -> ChatTo {
        match to {
            Receiver::Participant(id) => ChatTo::Participant(self.people.number_now(id).unwrap_or(id)),
            to => to.into(),
        }
    }

    /// The oldest message that waits in the store.
    async fn take(&mut self) -> Option<(ChatMessageId, QueuedMessage)> {
        let BotRecord { parts, bot, lease } = self.record;
        loop {
            let taken = match parts.store.take_message(bot.id, &lease).await {
                Ok(taken) => taken?,
                Err(error) => {
                    self.behind = true;
                    tracing::warn!(bot = %bot.id, error = %chain(&error), "chat messages wait for the store");
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
        let reason = reason.unwrap_or("no reason");
        let progress = match outcome {
            ChatOutcome::Sent => ChatProgress::Sent,
            ChatOutcome::Nobody => ChatProgress::Refused(nobody(sending.to).to_owned()),
            ChatOutcome::Forbidden => {
                let words = "The host's chat settings do not let the bot write to that receiver.";
                ChatProgress::Refused(words.to_owned())
            }
            ChatOutcome::Failed => ChatProgress::Refused(format!("Zoom's SDK did not send it: {reason}")),
            ChatOutcome::Unconfirmed if std::mem::replace(&mut self.unconfirmed, true) => {
                let words = "It was given to Zoom. Since an earlier message stayed unconfirmed, Zoom's SDK confirms none of \
                             this bot's any more: look into the meeting before you send it again.";
                ChatProgress::Unconfirmed(words.to_owned())
            }
            ChatOutcome::Unconfirmed => {
                let words = "It was given to Zoom, which did not confirm it within 5 s: most probably the host lets nobody \
                             write.";
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
        let note = Note::new(Kind::Output, format!("A chat message was given to Zoom: {word}."));
        let greeting = sending.id.is_none();
        self.record.note(note.with("what", "chat").with("outcome", word).with("greeting", greeting));
        tracing::info!(bot = %bot.id, outcome = word, reason, greeting = sending.id.is_none(), "a chat message");
        if let Some(id) = sending.id {
            self.settle(id, progress).await;
        }
    }

    /// Reports the outcome of a message to the API's caller, who waits for it.
    async fn settle(&self, id: ChatMessageId, progress: ChatProgress) {
        if let Err(error) = self.record.parts.store.settle_message(id, &progress).await {
            tracing::warn!(bot = %self.record.bot.id, error = %chain(&error), "what became of a chat message is not recorded");
        }
    }
}

const fn nobody(to: ChatTo) -> &'static str {
    match to {
        ChatTo::Host => "No host is in the meeting.",
        ChatTo::Participant(_) => "Nobody with this id is in the meeting.",
        ChatTo::Everyone | ChatTo::EveryoneExceptHost => "Nobody is there to read it.",
    }
}
