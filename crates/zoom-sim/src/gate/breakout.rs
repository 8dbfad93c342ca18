//! Breakout rooms: participants are moved into them and back.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::event::{self, Outgoing};
use super::meeting::Meeting;
use super::participant::{Participant, base64_text};
use crate::entropy::Entropy;

/// Most breakout rooms of a meeting (D).
pub(crate) const MAX_ROOMS: usize = 50;
/// `ControlStatus` (O): the rooms are open, or closed.
const OPEN: u8 = 2;
const CLOSED: u8 = 4;

/// A room. Ids are numbered in the order of creation: `BO1`, `BO2`, and so on.
#[derive(Clone, Debug)]
struct Room {
    id: String,
    name: String,
}

/// The breakout rooms of a meeting.
#[derive(Debug, Default)]
pub(crate) struct BreakoutRooms {
    rooms: Vec<Room>,
    made: usize,
    /// Tokens that a participant sends when it rejoins into a room (`botk`).
    tokens: HashMap<String, RoomToken>,
    /// Names and `zoomID`s of participants who were called back and will rejoin.
    called_back: Vec<(String, String)>,
}

/// Lets one participant into one room.
#[derive(Clone, Debug)]
struct RoomToken {
    room: String,
    zoom_id: String,
}

/// Why a breakout room operation failed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unmoved {
    #[error("there is no such participant in the meeting")]
    NoSuchParticipant,
    #[error("room: no breakout room is called {0:?}")]
    NoSuchRoom(String),
    #[error("rooms must be 1 to {MAX_ROOMS} different names of 1 to 32 characters")]
    Names,
    #[error(
        "the meeting has no breakout rooms: set options.isEnableBreakoutRoom to true before participants join"
    )]
    NotEnabled,
}

impl BreakoutRooms {
    /// The names of the rooms.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.rooms.iter().map(|room| room.name.as_str()).collect()
    }

    pub(crate) fn name_of(&self, id: &str) -> Option<&str> {
        self.rooms.iter().find(|room| room.id == id).map(|room| room.name.as_str())
    }

    /// The room that a token leads to.
    pub(super) fn room_of(&self, token: &str) -> Option<String> {
        self.tokens
            .get(token)
            .map(|room_token| room_token.room.clone())
            .filter(|id| self.name_of(id).is_some())
    }

    /// The `zoomID` of the stay that continues in a room or in the main session. Here the SDK does not send it (O), as it
    /// does after a lost connection. On the way back only the name identifies the participant (ours).
    pub(super) fn stay_of(&mut self, token: Option<&str>, name: &str) -> Option<String> {
        if let Some(room_token) = token.and_then(|token| self.tokens.get(token)) {
            return Some(room_token.zoom_id.clone());
        }
        let index = self.called_back.iter().position(|(called, _)| called == name)?;
        Some(self.called_back.remove(index).1)
    }
}

impl Meeting {
    /// Opens rooms and closes those that were open.
    pub(crate) fn open_rooms(&mut self, names: &[String]) -> Result<(), Unmoved> {
        let short = |name: &String| (1..=32).contains(&name.chars().count());
        let different: std::collections::HashSet<&String> = names.iter().collect();
        if !(1..=MAX_ROOMS).contains(&names.len())
            || different.len() != names.len()
            || !names.iter().all(short)
        {
            return Err(Unmoved::Names);
        }
        if self.settings.options.get("isEnableBreakoutRoom") != Some(&Value::Bool(true)) {
            return Err(Unmoved::NotEnabled);
        }
        self.close_rooms();
        for name in names {
            self.breakout.made += 1;
            let id = format!("BO{}", self.breakout.made);
            self.breakout.rooms.push(Room { id, name: name.clone() });
        }
        self.tell_rooms(OPEN);
        Ok(())
    }

    /// Moves all participants back and removes the rooms.
    pub(crate) fn close_rooms(&mut self) {
        if self.breakout.rooms.is_empty() {
            return;
        }
        let inside = self.participants.iter().filter(|person| person.assigned_room.is_some());
        for id in inside.map(|person| person.id).collect::<Vec<_>>() {
            self.call_back(id);
        }
        self.tell_rooms(CLOSED);
        self.breakout.rooms.clear();
        self.breakout.tokens.clear();
        self.changed();
    }

    /// Moves a participant into a room, or back into the main session.
    ///
    /// Participants with a socket receive a command and rejoin by themselves (O, with the SDK's automatic joining on);
    /// others are moved directly.
    pub(crate) fn move_to(
        &mut self,
        id: u32,
        room: Option<&str>,
        entropy: &mut Entropy,
    ) -> Result<(), Unmoved> {
        let person = self.participant(id).ok_or(Unmoved::NoSuchParticipant)?;
        let Some(name) = room else {
            if person.assigned_room.is_some() {
                self.call_back(id);
                self.tell_rooms(OPEN);
                self.changed();
            }
            return Ok(());
        };
        let known = self.breakout.rooms.iter().find(|room| room.name == name);
        let room = known.ok_or_else(|| Unmoved::NoSuchRoom(name.to_owned()))?.id.clone();
        if person.assigned_room.as_ref() == Some(&room) {
            return Ok(());
        }
        let command = if person.breakout_room.is_some() { "switchRequest" } else { "joinRequest" };
        let token = entropy.secret();
        let room_token = RoomToken { room: room.clone(), zoom_id: person.zoom_id.clone() };
        self.breakout.tokens.insert(token.clone(), room_token);
        let number = self.number.clone();
        if let Some(person) = self.participant_mut(id) {
            person.assigned_room = Some(room.clone());
            if person.line.is_none() {
                person.breakout_room = Some(room.clone());
            }
        }
        self.tell_rooms(OPEN);
        if let Some(person) = self.participant(id) {
            let body = json!({
                "commandType": command,
                "targetBID": room,
                "botoken": token,
                "confID": format!("{number}-{room}"),
                "joinReason": 0,
                "joinMethod": 1,
                "requestSourceID": 0,
            });
            person.tell(Outgoing::new(event::BREAKOUT_COMMAND, body));
        }
        self.changed();
        Ok(())
    }

    fn call_back(&mut self, id: u32) {
        let Some(person) = self.participant_mut(id) else { return };
        person.assigned_room = None;
        if person.line.is_none() {
            person.breakout_room = None;
            return;
        }
        let called = (person.name.clone(), person.zoom_id.clone());
        let body =
            json!({"commandType": "leaveRequest", "joinMethod": 1, "waitTime": 0, "requestSourceID": 0});
        person.tell(Outgoing::new(event::BREAKOUT_COMMAND, body));
        self.breakout.called_back.push(called);
    }

    /// Sends all participants the rooms and their assigned participants.
    fn tell_rooms(&self, status: u8) {
        for person in self.present() {
            person.tell(self.rooms_frame(status));
        }
    }

    /// Sends the same to a new participant.
    pub(super) fn tell_rooms_to(&self, person: &Participant) {
        if !self.breakout.rooms.is_empty() {
            person.tell(self.rooms_frame(OPEN));
        }
    }

    fn rooms_frame(&self, status: u8) -> Outgoing {
        let members = |room: &Room| -> Vec<&str> {
            let members = self.participants.iter().filter(|one| one.assigned_room.as_ref() == Some(&room.id));
            members.map(|person| person.guid.as_str()).collect()
        };
        let item = |room: &Room| {
            json!({
                "BID": room.id,
                "MeetingTitle": room.name,
                "Status": status,
                "HostID": "",
                "ParticipantList": members(room),
            })
        };
        let rooms = json!({
            "ControlStatus": status,
            "NameIndex": self.breakout.rooms.len() + 1,
            // If this is false, the SDK asks the person first.
            "IsAutoJoinEnabled": true,
            "IsBackToMainSessionEnabled": true,
            "IsTimerEnabled": false,
            "TimerDuration": 0,
            "IsTimerAutoEndEnabled": false,
            "WaitSeconds": 0,
            "StartTimeOnMMR": 0,
            "ItemList": self.breakout.rooms.iter().map(item).collect::<Vec<_>>(),
        });
        Outgoing::new(event::BREAKOUT_ROOMS, json!({"proto": base64_text(&rooms.to_string())}))
    }
}

impl Participant {
    /// Whether two participants hear and see each other: both in one room, or both in the main session.
    pub(super) fn is_with(&self, other: &Self) -> bool {
        self.breakout_room == other.breakout_room
    }
}
