//! A meeting: its settings, its phase, and the people in it.

use std::collections::{HashMap, HashSet, VecDeque};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::activity::Running;
use super::breakout::BreakoutRooms;
use super::captions::Captions;
use super::chat::ChatMessage;
use super::event::{self, EndedBy, Outgoing, StayEnd};
use super::meeting_changes::Reported;
use super::network_cut::{Cuts, Whose};
use super::participant::Participant;
use super::registrants::Registrants;
use super::roster;
use super::settings::Settings;
use crate::ids::{AccountId, MeetingNumber, UserId};

/// A meeting's lifecycle phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Not started, or all participants have left.
    Waiting,
    /// Started by a participant who joined: runs while a participant is present (I).
    Running,
    /// Started by the control API: runs until it is ended (ours).
    HeldOpen,
    /// Ended by its host; only the host can open it again (I).
    Ended,
}

/// A meeting.
#[derive(Debug)]
pub(crate) struct Meeting {
    pub(crate) number: MeetingNumber,
    pub(crate) host_id: UserId,
    /// The host's account when the meeting was created.
    pub(crate) account_id: AccountId,
    pub(crate) settings: Settings,
    pub(crate) phase: Phase,
    pub(crate) participants: Vec<Participant>,
    /// Users whom the host removed.
    pub(crate) removed: HashSet<UserId>,
    /// `zoomID`s that have passed the waiting room; a reconnect skips it (I).
    pub(crate) admitted: HashSet<String>,
    pub(crate) chat: VecDeque<ChatMessage>,
    /// `userGUID`s by `zoomID`; a reconnect keeps the GUID (I).
    pub(super) guids: HashMap<String, String>,
    pub(crate) breakout: BreakoutRooms,
    pub(crate) registrants: Registrants,
    pub(super) captions: Captions,
    /// Ids of the active speakers.
    pub(crate) active_speakers: Vec<u32>,
    /// The participant whose shared screen was last announced.
    pub(super) shown_screen: Option<u32>,
    pub(crate) cloud_recording: Running,
    pub(crate) cuts: Cuts,
    /// Number of participants that have ever joined, so that ids are never reused.
    pub(crate) arrivals: u32,
    pub(crate) created_at: Timestamp,
    /// The state that was last reported to apps.
    pub(super) told: Reported,
}

impl Meeting {
    pub(crate) fn new(
        number: MeetingNumber,
        host_id: UserId,
        account_id: AccountId,
        settings: Settings,
        created_at: Timestamp,
    ) -> Self {
        Self {
            number,
            host_id,
            account_id,
            settings,
            phase: Phase::Waiting,
            participants: Vec::new(),
            removed: HashSet::new(),
            admitted: HashSet::new(),
            chat: VecDeque::new(),
            guids: HashMap::new(),
            breakout: BreakoutRooms::default(),
            registrants: Registrants::default(),
            captions: Captions::default(),
            active_speakers: Vec::new(),
            shown_screen: None,
            cloud_recording: Running::Off,
            cuts: Cuts::default(),
            arrivals: 0,
            created_at,
            told: Reported::default(),
        }
    }

    /// The instance id. A meeting gets another one each time it starts (D).
    pub(crate) fn uuid(&self) -> String {
        let name = format!("{}/{}/{}", self.account_id, self.number, self.told.starts());
        STANDARD.encode(&digest(&SHA256, name.as_bytes()).as_ref()[..16])
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::HeldOpen)
    }

    /// The join link without a registrant's token.
    pub(crate) fn join_url(&self) -> String {
        self.join_url_with(None)
    }

    /// The link of one registrant, identified by `tk`; a webinar's path begins with `w` (D).
    pub(crate) fn join_url_with(&self, tk: Option<&str>) -> String {
        let Self { number, settings, .. } = self;
        let passcode = Some(settings.passcode.as_str()).filter(|code| !code.is_empty());
        let pairs = [("tk", tk), ("pwd", passcode)];
        let pairs = pairs.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        let pairs = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let question = if pairs.is_empty() { "" } else { "?" };
        let kind = if settings.webinar && tk.is_some() { "w" } else { "j" };
        format!("https://zoom.us/{kind}/{number}{question}{pairs}")
    }

    pub(crate) fn participant(&self, id: u32) -> Option<&Participant> {
        self.participants.iter().find(|person| person.id == id)
    }

    /// The latest participant with this name, in the meeting or its waiting room.
    pub(crate) fn find(&self, name: &str) -> Option<&Participant> {
        self.participants.iter().rev().find(|person| person.name == name)
    }

    pub(crate) fn participant_mut(&mut self, id: u32) -> Option<&mut Participant> {
        self.participants.iter_mut().find(|person| person.id == id)
    }

    /// Whether a user is present, without the stay that is being rejoined.
    pub(crate) fn has_user(&self, user_id: &UserId, rejoining: Option<&str>) -> bool {
        self.participants.iter().any(|person| {
            person.user_id.as_ref() == Some(user_id) && Some(person.zoom_id.as_str()) != rejoining
        })
    }

    /// Adds a participant and notifies all participants.
    pub(crate) fn enter(&mut self, person: Participant) {
        if !self.is_running() {
            self.phase = Phase::Running;
        }
        if !person.on_hold {
            self.admitted.insert(person.zoom_id.clone());
        }
        let id = person.id;
        self.participants.push(person);
        self.changed();
        self.tell_newcomer(id);
    }

    /// Moves a participant into or out of the waiting room. Returns false when no participant has this id.
    pub(crate) fn set_hold(&mut self, id: u32, on_hold: bool) -> bool {
        let Some(person) = self.participant_mut(id) else { return false };
        person.on_hold = on_hold;
        person.tell(Outgoing::new(event::HOLD_CHANGED, json!({"bHold": on_hold})));
        let zoom_id = person.zoom_id.clone();
        if on_hold {
            self.admitted.remove(&zoom_id);
        } else {
            self.admitted.insert(zoom_id);
        }
        self.changed();
        if !on_hold {
            self.tell_newcomer(id);
        }
        self.release_unvouched();
        true
    }

    /// Makes `id` the host; the former host becomes an attendee.
    pub(crate) fn make_host(&mut self, id: u32) {
        if self.participant(id).is_none() {
            return;
        }
        for person in &mut self.participants {
            let host = person.id == id;
            if person.host != host {
                person.host = host;
                person.tell(Outgoing::new(event::HOST_CHANGED, json!({"bHost": host})));
            }
        }
        self.changed();
    }

    /// Removes a participant as the host does, and refuses the user from now on. Returns false when no participant has this
    /// id.
    pub(crate) fn remove(&mut self, id: u32) -> bool {
        if let Some(user_id) = self.participant(id).and_then(|person| person.user_id.clone()) {
            self.removed.insert(user_id);
        }
        self.dismiss(id, StayEnd::Removed)
    }

    /// Sends a participant the end of the stay and closes their socket. Returns false when no participant has this id.
    pub(crate) fn dismiss(&mut self, id: u32, reason: StayEnd) -> bool {
        let Some(person) = self.participant(id) else { return false };
        person.tell(Outgoing::over(reason));
        self.leave(id);
        true
    }

    /// Removes a participant who has left or whose connection broke; the bots they vouched for leave too (D).
    pub(crate) fn leave(&mut self, id: u32) {
        self.take_out(id);
        self.release_unvouched();
    }

    /// Removes a participant without releasing their bots: they may rejoin at once.
    pub(super) fn take_out(&mut self, id: u32) {
        self.participants.retain(|person| person.id != id);
        self.changed();
    }

    /// Dismisses bots whose authoriser is not present; the waiting room does not count as present (ours).
    pub(super) fn release_unvouched(&mut self) {
        let alone = |bot: &&Participant| bot.authoriser.as_ref().is_some_and(|user| !self.is_present(user));
        let alone: Vec<u32> = self.participants.iter().filter(alone).map(|bot| bot.id).collect();
        for bot in alone {
            self.dismiss(bot, StayEnd::AuthoriserLeft);
        }
    }

    /// Whether a user is in the meeting itself, not in its waiting room.
    pub(super) fn is_present(&self, user_id: &UserId) -> bool {
        self.participants.iter().any(|person| person.user_id.as_ref() == Some(user_id) && !person.on_hold)
    }

    /// Ends the meeting for all participants. The gateway ends only the stays of participants with a socket.
    pub(crate) fn end(&mut self, by: EndedBy) {
        if by == EndedBy::Gateway {
            let connected = self.participants.extract_if(.., |person| person.line.is_some());
            connected.for_each(|person| person.tell(Outgoing::over(by.into())));
            return self.changed();
        }
        self.phase = Phase::Ended;
        for person in self.participants.drain(..) {
            person.tell(Outgoing::over(by.into()));
        }
    }

    /// Closes every socket without an end frame, as when a server fails: the SDK reconnects.
    pub(crate) fn drop_sockets(&mut self) -> usize {
        let before = self.participants.len();
        self.participants.retain(|person| person.line.is_none());
        let dropped = before - self.participants.len();
        self.changed();
        dropped
    }

    /// Closes the sockets of the participants of a cut but leaves them in the roster. Returns their ids.
    pub(super) fn cut_off(&mut self, whose: &Whose) -> Vec<u32> {
        let concerned = self.participants.iter_mut();
        let concerned =
            concerned.filter(|person| person.line.is_some() && whose.concerns(Some(&person.name)));
        concerned
            .map(|person| {
                person.line = None;
                person.cut_off = true;
                person.id
            })
            .collect()
    }

    /// Handles a closed socket: its participant has left, unless a cut hides that from Zoom.
    pub(super) fn hang_up(&mut self, id: u32) {
        if self.participant(id).is_some_and(|person| !person.cut_off) {
            self.leave(id);
        }
    }

    /// Must be called after every change of a participant. Notifies all participants; an empty meeting that is not held open
    /// stops running.
    pub(crate) fn changed(&mut self) {
        roster::publish(&mut self.participants);
        self.forget_absent_speakers();
        self.tell_shared_screen();
        if self.participants.is_empty() && self.phase == Phase::Running {
            self.phase = Phase::Waiting;
        }
    }
}
