//! Chat messages of a bot: the message when it joins, greetings of participants, and messages of API callers. A message is
//! sent at most once.

use std::collections::VecDeque;

use browser::{BotPage, ChatOutcome, ChatTo};
use model::{BotStatus, ChatMessageId, chain};
use store::ChatProgress;

use super::{
    bot_row::BotRecord,
    command::{LatestCommand, unless_commanded},
    meeting_event_writer::Recorder,
};
use crate::{
    chat_message::{QueuedMessage, Receiver},
    log::{LogEntryKind, NewLogEntry},
    meeting::Arrival,
    request::{Greeting, Greetings, ParticipantGreeting},
};

/// The most queued greetings. If more people join at once, it is pointless to greet each of them.
const MAX_GREETINGS: usize = 50;

/// The chat, over all pages of a run.
pub(super) struct Chat<'a> {
    record: BotRecord<'a>,
    /// Knows the current number of each participant at Zoom.
    people: &'a Recorder<'a>,
    greetings: Greetings,
    /// A command interrupts the wait for a page that does not respond.
    commands: LatestCommand,
    /// Whether the bot is in the meeting, so that it can send messages.
    pub(super) inside: bool,
    /// Whether the bot has entered the meeting before, also on another server.
    greeted: bool,
    /// Queued greetings.
    waiting: VecDeque<(String, Receiver)>,
    sending: Option<Sending>,
    numbers: u32,
    /// Whether Zoom has left a message of this page unconfirmed. The SDK confirms no later message then.
    unconfirmed: bool,
}

/// The message that the page is sending.
struct Sending {
    number: u32,
    /// `None` is a greeting.
    id: Option<ChatMessageId>,
    to: ChatTo,
}

/// The store failed: sending must be retried.
pub(super) struct Unavailable;

impl<'a> Chat<'a> {
    pub(super) fn new(
        record: BotRecord<'a>,
        people: &'a Recorder<'a>,
        greetings: Greetings,
        commands: LatestCommand,
    ) -> Self {
        let greeted = record.bot.status_changes.iter().any(|step| step.code == BotStatus::InCallNotRecording);
        Self {
            record,
            people,
            greetings,
            commands,
            inside: false,
            greeted,
            waiting: VecDeque::new(),
            sending: None,
            numbers: 0,
            unconfirmed: false,
        }
    }

    /// Call this when there is a new page, which is about to join.
    pub(super) fn begin(&mut self) {
        self.unconfirmed = false;
    }

    /// Call this when the page is not used any more.
    pub(super) async fn end(&mut self) {
        self.inside = false;
        if let Some(Sending { id: Some(id), .. }) = self.sending.take() {
            let words = "the bot lost its place in the meeting while it was sending the message".to_owned();
            self.settle(id, ChatProgress::Unconfirmed(words)).await;
        }
    }

    /// Call this when the bot has entered the meeting: the message on join is queued, once per bot.
    pub(super) fn enter(&mut self) {
        self.inside = true;
        if !std::mem::replace(&mut self.greeted, true)
            && let Some(Greeting { send_to, message }) = self.greetings.on_bot_join.clone()
        {
            self.waiting.push_back((message, send_to));
        }
    }

    /// Queues greetings for participants who joined after the bot. If too many join at once, only the first ones are greeted.
    pub(super) fn queue_greetings(&mut self, people: &[Arrival]) {
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

    /// Handles the page's answer about a message. `false` if it is about another message.
    pub(super) async fn answered(&mut self, number: u32, outcome: ChatOutcome, reason: Option<&str>) -> bool {
        let Some(sending) = self.sending.take_if(|sending| sending.number == number) else { return false };
        self.chatted(sending, outcome, reason).await;
        true
    }

    /// Passes the next message to the page, if the page is not sending one.
    pub(super) async fn send_next(&mut self, page: &BotPage) -> Result<(), Unavailable> {
        while self.inside && self.sending.is_none() && self.commands.borrow().is_none() {
            let (id, text, to) = match self.waiting.pop_front() {
                Some((text, to)) => (None, text, self.as_zoom_has_it(to)),
                None => match self.take().await? {
                    Some((id, QueuedMessage { text, to })) => (Some(id), text, self.as_zoom_has_it(to)),
                    None => return Ok(()),
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
                    break;
                }
            }
        }
        Ok(())
    }

    /// The receiver for the page. Callers name a participant by their first id, but Zoom gives a new one after a rejoin.
    fn as_zoom_has_it(&self, to: Receiver) -> ChatTo {
        match to {
            Receiver::Participant(id) => ChatTo::Participant(self.people.number_now(id).unwrap_or(id)),
            to => to.into(),
        }
    }

    /// Takes the oldest queued message from the store.
    async fn take(&mut self) -> Result<Option<(ChatMessageId, QueuedMessage)>, Unavailable> {
        let BotRecord { parts, bot, lease } = self.record;
        loop {
            let taken = match parts.store.take_message(bot.id, &lease).await {
                Ok(Some(taken)) => taken,
                Ok(None) => return Ok(None),
                Err(error) => {
                    tracing::warn!(bot = %bot.id, error = %chain(&error), "could not read a bot's queued chat messages; will retry");
                    return Err(Unavailable);
                }
            };
            match QueuedMessage::open(&parts.broker.vault, bot.workspace, &taken) {
                Ok(message) => return Ok(Some((taken.id, message))),
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
        let note =
            NewLogEntry::new(LogEntryKind::Output, format!("A chat message was passed to Zoom: {word}."));
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
