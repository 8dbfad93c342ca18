//! Who is in a bot's meeting and what they do. No I/O: the caller passes the time with every call.
//!
//! The page reports a state, and an event is a change of that state. So participants who are announced again after a lost
//! connection, or to the page on another server, cause no event.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use browser::{Person, SdkMeetingEvent};
use model::{
    Captions as CaptionState, ChatReceiver, MeetingEventKind, Participant, RecordingState, Timestamp,
};

use super::{
    arrivals::{Arrival, Arrivals},
    caption::{Captions, Heard},
    participant::{Present, short, short_name, unknown},
};

/// After a rejoin Zoom announces people one by one. Participants who are not announced within this time have left.
const ANNOUNCED_WITHIN: Duration = Duration::from_secs(5);
/// How many message ids are remembered, so that each message is recorded once.
const REMEMBERED_MESSAGES: usize = 256;
/// The longest text that is stored, in characters. Zoom's own limit is lower.
const MAX_TEXT_LEN: usize = 10_000;

/// The state of the meeting, as far as the bot knows.
#[derive(Debug, Default)]
pub(crate) struct Meeting {
    /// The bot's own number, and its room, while it is in the meeting.
    inside: Option<(u32, Option<String>)>,
    /// The room in which the bot was last.
    room: Option<String>,
    /// The participants, by their current number at Zoom.
    people: BTreeMap<u32, Present>,
    /// Participants from before a reconnect who have not been announced again yet.
    expected: BTreeMap<u32, Present>,
    /// Until when they may be announced.
    expected_until: Option<Timestamp>,
    /// The first number of each participant that was ever there, by Zoom's GUID.
    numbers: HashMap<String, u32>,
    /// The first number of participants who got another one later, by each later number.
    renumbered: HashMap<u32, u32>,
    speaking: BTreeSet<u32>,
    /// Whether the bot was in the meeting when the events of another server ended.
    recalled_inside: bool,
    arrivals: Arrivals,
    captions: Captions,
    caption_state: Option<CaptionState>,
    messages: VecDeque<String>,
    cloud_recording: Option<RecordingState>,
    /// The numbers at Zoom of participants that are bots of this installation.
    our_bots: BTreeSet<u32>,
    /// Parts of names, in lower case: a participant whose name contains one of them counts as a bot.
    bot_names: Vec<String>,
}

/// Facts about the other participants, on which automatic leaving depends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Others {
    /// How many of the others are bots of this installation.
    pub(crate) our_bots: usize,
    /// Whether there are others, and each has a bot's name or is a bot of this installation.
    pub(crate) only_bots_by_name: bool,
    /// Whether there are others, and none of them has ever spoken or shared a screen.
    pub(crate) only_bots_by_events: bool,
    /// Whether any participant speaks now.
    pub(crate) anyone_speaks: bool,
}

/// What changed through reports of the page.
#[derive(Debug, Default)]
pub(crate) struct MeetingUpdate {
    pub(crate) events: Vec<MeetingEventKind>,
    /// Whether there was speech or a caption.
    pub(crate) heard_something: bool,
    /// Whether the bot moved to another room.
    pub(crate) moved: bool,
    /// Whether a participant joined whom the bot does not know.
    pub(crate) has_newcomer: bool,
    /// Participants who joined after the bot, each once.
    pub(crate) arrivals: Vec<Arrival>,
}

impl Meeting {
    /// Creates a state in which nothing is known yet.
    pub(crate) fn new(bot_names: &[String]) -> Self {
        let bot_names = bot_names.iter().map(|name| name.to_lowercase()).collect();
        Self { bot_names, ..Self::default() }
    }

    /// Applies an event that another server stored.
    pub(crate) fn recall(&mut self, what: MeetingEventKind) {
        match what {
            MeetingEventKind::BotEntered { room } => (self.recalled_inside, self.room) = (true, room),
            MeetingEventKind::BotLeft => self.recalled_inside = false,
            MeetingEventKind::Join { participant } | MeetingEventKind::Update { participant } => {
                self.number_of(participant.id, &participant.guid);
                self.arrivals.meet(participant.id);
                let before = self.expected.remove(&participant.id);
                let before = before.unwrap_or_else(|| Present::new(participant.clone()));
                self.expected.insert(participant.id, Present { participant, ..before });
            }
            MeetingEventKind::Leave { participant } => drop(self.expected.remove(&participant.id)),
            MeetingEventKind::WebcamOn { participant } => {
                self.recalled(&participant, |who| who.camera = true);
            }
            MeetingEventKind::WebcamOff { participant } => {
                self.recalled(&participant, |who| who.camera = false);
            }
            MeetingEventKind::ScreenshareOn { participant } => self.recalled(&participant, |who| {
                (who.shares, who.active) = (true, true);
            }),
            MeetingEventKind::ScreenshareOff { participant } => {
                self.recalled(&participant, |who| who.shares = false);
            }
            MeetingEventKind::SpeechOn { participant } => self.recalled(&participant, |who| {
                (who.speaks, who.active) = (true, true);
            }),
            MeetingEventKind::SpeechOff { participant } => {
                self.recalled(&participant, |who| who.speaks = false);
            }
            MeetingEventKind::ChatMessage { message, .. } => drop(self.is_new(message)),
            MeetingEventKind::CloudRecording { state } => self.cloud_recording = Some(state),
            MeetingEventKind::CaptionState { captions } => self.caption_state = Some(captions),
            MeetingEventKind::Caption { .. } | MeetingEventKind::Missed { .. } => {}
        }
    }

    /// Call this after all events of another server were applied. Returns the events that the server could no longer store
    /// when it died: its bot left the meeting, and open speeches ended. `knows_people` means that the server stored who was
    /// there.
    pub(crate) fn take_over(&mut self, knows_people: bool, now: Timestamp) -> Vec<MeetingEventKind> {
        let mut out = Vec::new();
        for who in self.expected.values_mut() {
            if std::mem::take(&mut who.speaks) {
                out.push(MeetingEventKind::SpeechOff { participant: who.participant.clone() });
            }
        }
        if std::mem::take(&mut self.recalled_inside) {
            out.push(MeetingEventKind::BotLeft);
        }
        if knows_people {
            self.arrivals.know_everybody(now);
        }
        out
    }

    fn recalled(&mut self, participant: &Participant, change: impl FnOnce(&mut Present)) {
        if let Some(who) = self.expected.get_mut(&participant.id) {
            change(who);
        }
    }

    /// The bot's current number, while it is in the meeting.
    pub(crate) fn me(&self) -> Option<u32> {
        self.inside.as_ref().map(|(me, _)| *me)
    }

    /// The current number at Zoom of the participant whose events have the number `id`, if they are there. A participant who
    /// rejoins gets another number.
    pub(crate) fn number_now(&self, id: u32) -> Option<u32> {
        self.people.iter().find(|(_, who)| who.participant.id == id).map(|(number, _)| *number)
    }

    /// Whether the bot gets captions.
    pub(crate) const fn caption_state(&self) -> Option<CaptionState> {
        self.caption_state
    }

    /// When to call [`tick`](Self::tick).
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.expected_until
    }

    /// The facts on which automatic leaving depends.
    pub(crate) fn others(&self) -> Others {
        let people = || self.people.values();
        let our_bots = people().filter(|who| who.participant.is_our_bot).count();
        let is_bot = |who: &Present| {
            let name = who.participant.name.to_lowercase();
            who.participant.is_our_bot || self.bot_names.iter().any(|part| name.contains(part.as_str()))
        };
        let others = !self.people.is_empty();
        Others {
            our_bots,
            only_bots_by_name: others && !self.bot_names.is_empty() && people().all(is_bot),
            only_bots_by_events: others && people().all(|who| !who.active),
            anyone_speaks: !self.speaking.is_empty(),
        }
    }

    /// Applies reports of the page.
    pub(crate) fn take(&mut self, news: Vec<SdkMeetingEvent>, now: Timestamp) -> MeetingUpdate {
        let mut update = MeetingUpdate::default();
        for one in news {
            self.take_one(one, now, &mut update);
        }
        update
    }

    fn take_one(&mut self, news: SdkMeetingEvent, now: Timestamp, update: &mut MeetingUpdate) {
        let out = &mut update.events;
        match news {
            SdkMeetingEvent::Present { me, room, list } => {
                self.leave(out);
                update.moved = self.room != room;
                if update.moved {
                    // The participants stay in the room that the bot has left.
                    let expected = std::mem::take(&mut self.expected).into_values();
                    let gone = std::mem::take(&mut self.people).into_values().chain(expected);
                    out.extend(gone.map(|who| MeetingEventKind::Leave { participant: who.participant }));
                }
                self.expected.append(&mut self.people);
                self.room.clone_from(&room);
                self.inside = Some((me, room.clone()));
                out.push(MeetingEventKind::BotEntered { room });
                self.arrivals.enter(me, &list, update.moved, now);
                for person in list {
                    self.announced(person, true, now, update);
                }
                self.expected_until = (!self.expected.is_empty()).then(|| now + ANNOUNCED_WITHIN);
            }
            SdkMeetingEvent::Away { .. } => self.leave(out),
            // The next connection reports who is there.
            _ if self.inside.is_none() => {}
            SdkMeetingEvent::Added { person } => self.announced(person, false, now, update),
            SdkMeetingEvent::Updated { person } => {
                if self.people.contains_key(&person.id) || person.hold == Some(false) {
                    self.announced(person, false, now, update);
                }
            }
            SdkMeetingEvent::Removed { id } => self.remove(id, out),
            SdkMeetingEvent::Speaking { users } => {
                let users: BTreeSet<u32> =
                    users.into_iter().filter(|id| self.people.contains_key(id)).collect();
                update.heard_something |= !users.is_empty();
                self.speak(users, out);
            }
            SdkMeetingEvent::Chat { id, from, name, to, text } => {
                // Zoom also reports the bot's own messages.
                if self.me() != Some(from) && self.is_new(id.clone()) {
                    let to = if to == 0 { ChatReceiver::Everyone } else { ChatReceiver::OnlyBot };
                    let participant = self.participant(from, name);
                    out.push(MeetingEventKind::ChatMessage {
                        participant,
                        to,
                        text: short(text, MAX_TEXT_LEN),
                        message: id,
                    });
                }
            }
            SdkMeetingEvent::Caption { id, user, name, text, language, done } => {
                if let Some(who) = self.people.get_mut(&user) {
                    who.active = true;
                }
                update.heard_something = true;
                if self.caption_state.replace(CaptionState::On) != Some(CaptionState::On) {
                    out.push(MeetingEventKind::CaptionState { captions: CaptionState::On });
                }
                let participant = self.participant(user, name);
                let text = short(text, MAX_TEXT_LEN);
                let heard = Heard { caption: id, participant, text, language, is_final: done };
                out.extend(self.captions.add(heard, now));
            }
            SdkMeetingEvent::CloudRecording { state } => {
                let state = match state.as_str() {
                    "Recording" => RecordingState::On,
                    "Paused" => RecordingState::Paused,
                    _ => RecordingState::Off,
                };
                if self.cloud_recording.replace(state).unwrap_or(RecordingState::Off) != state {
                    out.push(MeetingEventKind::CloudRecording { state });
                }
            }
            SdkMeetingEvent::Captions { state } => {
                let comes = state == CaptionState::Asked && self.caption_state == Some(CaptionState::On);
                if !comes && self.caption_state.replace(state) != Some(state) {
                    out.push(MeetingEventKind::CaptionState { captions: state });
                }
            }
        }
    }

    /// Call this when the page is gone, or the bot leaves.
    pub(crate) fn away(&mut self) -> Vec<MeetingEventKind> {
        let mut out = Vec::new();
        self.leave(&mut out);
        out
    }

    /// Handles what is due by `now`: earlier participants who were not announced again have left.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Vec<MeetingEventKind> {
        let mut out = Vec::new();
        if self.expected_until.is_some_and(|until| until <= now) {
            self.expected_until = None;
            let gone = std::mem::take(&mut self.expected).into_values();
            out.extend(gone.map(|who| MeetingEventKind::Leave { participant: who.participant }));
        }
        out
    }

    /// Marks these participants as bots of this installation.
    pub(crate) fn recognise(&mut self, our_bots: BTreeSet<u32>) -> Vec<MeetingEventKind> {
        let mut out = Vec::new();
        for (id, who) in &mut self.people {
            let is_ours = our_bots.contains(id);
            if who.participant.is_our_bot != is_ours {
                who.participant.is_our_bot = is_ours;
                out.push(MeetingEventKind::Update { participant: who.participant.clone() });
            }
        }
        self.our_bots = our_bots;
        out
    }

    /// Records that the bot has left its room. The participants may still be there when the bot returns.
    fn leave(&mut self, out: &mut Vec<MeetingEventKind>) {
        if self.inside.take().is_none() {
            return;
        }
        self.speak(BTreeSet::new(), out);
        out.extend(self.captions.close_all());
        out.push(MeetingEventKind::BotLeft);
        self.expected_until = None;
    }

    /// Applies the announcement or change of a participant. `at_once`: they were announced with the bot's own entry.
    fn announced(&mut self, person: Person, at_once: bool, now: Timestamp, update: &mut MeetingUpdate) {
        let number = person.id;
        let Some(who) = self.put(person, &mut update.events) else { return };
        update.has_newcomer = true;
        if self.arrivals.record_arrival(who, number, at_once, now) {
            update.arrivals.push(who);
        }
    }

    /// Adds or updates a participant. Returns them if they were not there before.
    fn put(&mut self, person: Person, out: &mut Vec<MeetingEventKind>) -> Option<Arrival> {
        let id = person.id;
        if self.me() == Some(id) {
            return None;
        }
        if person.hold == Some(true) {
            self.remove(id, out);
            return None;
        }
        let known = self.people.remove(&id).or_else(|| self.take_expected(&person));
        let came = known.is_none();
        let mut who = known.unwrap_or_else(|| {
            let number = self.number_of(id, person.guid.as_deref().unwrap_or_default());
            Present::new(unknown(number))
        });
        let mut before = who.clone();
        who.update(person);
        // A value that was unknown before is not a change.
        if before.participant.guid.is_empty() {
            before.participant.guid.clone_from(&who.participant.guid);
            self.number_of(who.participant.id, &who.participant.guid);
        }
        before.participant.is_guest = before.participant.is_guest.or(who.participant.is_guest);
        who.participant.is_our_bot = self.our_bots.contains(&id);
        if came {
            out.push(MeetingEventKind::Join { participant: who.participant.clone() });
        } else if before.participant != who.participant {
            out.push(MeetingEventKind::Update { participant: who.participant.clone() });
        }
        let participant = || who.participant.clone();
        match (before.camera, who.camera) {
            (false, true) => out.push(MeetingEventKind::WebcamOn { participant: participant() }),
            (true, false) => out.push(MeetingEventKind::WebcamOff { participant: participant() }),
            _ => {}
        }
        match (before.shares, who.shares) {
            (false, true) => out.push(MeetingEventKind::ScreenshareOn { participant: participant() }),
            (true, false) => out.push(MeetingEventKind::ScreenshareOff { participant: participant() }),
            _ => {}
        }
        if who.participant.id != id {
            self.renumbered.insert(id, who.participant.id);
        }
        let arrival = Arrival { id: who.participant.id, host: who.participant.is_host };
        self.people.insert(id, who);
        came.then_some(arrival)
    }

    fn remove(&mut self, id: u32, out: &mut Vec<MeetingEventKind>) {
        if self.speaking.contains(&id) {
            let rest = self.speaking.iter().copied().filter(|other| *other != id).collect();
            self.speak(rest, out);
        }
        let Some(Present { participant, .. }) = self.people.remove(&id) else { return };
        out.extend(self.captions.close_of(participant.id));
        out.push(MeetingEventKind::Leave { participant });
    }

    fn speak(&mut self, users: BTreeSet<u32>, out: &mut Vec<MeetingEventKind>) {
        let before = std::mem::replace(&mut self.speaking, users);
        for id in before.difference(&self.speaking) {
            if let Some(who) = self.people.get(id) {
                out.push(MeetingEventKind::SpeechOff { participant: who.participant.clone() });
            }
        }
        for id in self.speaking.difference(&before) {
            if let Some(who) = self.people.get_mut(id) {
                who.active = true;
                out.push(MeetingEventKind::SpeechOn { participant: who.participant.clone() });
            }
        }
    }

    /// Takes a participant from before the reconnect, found by Zoom's GUID, or by their number if Zoom gave no GUID.
    fn take_expected(&mut self, person: &Person) -> Option<Present> {
        let guid = person.guid.as_deref().filter(|guid| !guid.is_empty());
        let same = |(number, who): (&u32, &Present)| match guid {
            Some(guid) if !who.participant.guid.is_empty() => who.participant.guid == guid,
            _ => *number == person.id,
        };
        let number = self.expected.iter().find(|entry| same(*entry)).map(|(number, _)| *number)?;
        self.expected.remove(&number)
    }

    /// The number by which events name a participant: their first one.
    fn number_of(&mut self, id: u32, guid: &str) -> u32 {
        if guid.is_empty() { id } else { *self.numbers.entry(guid.to_owned()).or_insert(id) }
    }

    /// The participant who wrote or said something, even if they have left.
    fn participant(&self, id: u32, name: Option<String>) -> Participant {
        if let Some(who) = self.people.get(&id) {
            return who.participant.clone();
        }
        let number = self.renumbered.get(&id).copied().unwrap_or(id);
        Participant { name: short_name(name.unwrap_or_default()), ..unknown(number) }
    }

    fn is_new(&mut self, message: String) -> bool {
        if message.is_empty() {
            return true;
        }
        if self.messages.contains(&message) {
            return false;
        }
        if self.messages.len() >= REMEMBERED_MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
        true
    }
}

#[cfg(test)]
mod tests;
