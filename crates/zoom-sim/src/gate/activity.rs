//! A participant's activity in the meeting, as the others see it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::event::{self, Outgoing};
use super::meeting::Meeting;
use super::participant::Participant;

/// A participant's audio connection (O for the words on the wire).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Audio {
    /// No audio.
    #[default]
    None,
    Computer,
    Phone,
}

impl Audio {
    /// The value in the roster.
    pub(crate) fn on_the_wire(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Computer => "computer",
            Self::Phone => "phone",
        }
    }
}

/// State of a shared screen or a recording: off, on, or paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Running {
    #[default]
    Off,
    On,
    Paused,
}

/// A participant's activity. The control API can change each field.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Activity {
    pub(crate) audio: Audio,
    pub(crate) muted: bool,
    pub(crate) video_on: bool,
    pub(crate) raised_hand: bool,
    pub(crate) co_host: bool,
    /// A shared screen. Only one participant of a meeting shares at a time (I).
    pub(crate) sharing: Running,
    /// A recording on the participant's own computer.
    pub(crate) local_recording: Running,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            audio: Audio::None,
            muted: true,
            video_on: false,
            raised_hand: false,
            co_host: false,
            sharing: Running::Off,
            local_recording: Running::Off,
        }
    }
}

/// Why a change of a participant is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Impossible {
    #[error("there is no such meeting")]
    NoSuchMeeting,
    #[error("there is no such user")]
    NoSuchUser,
    #[error("there is no such participant in the meeting")]
    NoSuchParticipant,
    #[error("a simulated meeting has at most {MAX_PEOPLE} participants")]
    TooMany,
    #[error("muted: a participant without audio cannot speak; set audio to computer or phone as well")]
    NoAudio,
    #[error("video_on: a participant with a socket can only switch its camera on itself")]
    NotTheirCamera,
    #[error("sharing: {0} already shares a screen; only one participant can share at a time")]
    AnotherShares(String),
    #[error("name must have 1 to {MAX_NAME_CHARS} characters")]
    Name,
    #[error("guid must have 1 to {MAX_NAME_CHARS} characters")]
    Guid,
}

/// Most participants without a browser in one meeting (ours).
pub(super) const MAX_PEOPLE: usize = 1000;
/// The longest name, in characters (ours).
pub(crate) const MAX_NAME_CHARS: usize = 200;

/// Whether `name` is a valid participant name.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.chars().count())
}

impl Meeting {
    /// Changes a participant's activity and notifies all participants.
    ///
    /// The camera of a participant with a socket can only be stopped, by a command that the client follows (O).
    pub(crate) fn change_activity(&mut self, id: u32, mut activity: Activity) -> Result<(), Impossible> {
        let person = self.participant(id).ok_or(Impossible::NoSuchParticipant)?;
        if !activity.muted && activity.audio == Audio::None {
            return Err(Impossible::NoAudio);
        }
        if person.line.is_some() && activity.video_on != person.activity.video_on {
            if activity.video_on {
                return Err(Impossible::NotTheirCamera);
            }
            person.tell(Outgoing::new(event::STOP_VIDEO, json!({"id": id, "bVideoMute": true})));
            activity.video_on = true;
        }
        if activity.sharing != Running::Off
            && let Some(other) = self.sharer().filter(|other| other.id != id)
        {
            return Err(Impossible::AnotherShares(other.name.clone()));
        }
        if let Some(person) = self.participant_mut(id) {
            if person.activity.co_host != activity.co_host {
                person.tell(Outgoing::new(event::CO_HOST_CHANGED, json!({"bCoHost": activity.co_host})));
            }
            person.activity = activity;
        }
        self.changed();
        Ok(())
    }

    /// Renames a participant, on behalf of the participant or a host.
    pub(crate) fn rename(&mut self, id: u32, name: &str) -> Result<(), Impossible> {
        if !is_name(name) {
            return Err(Impossible::Name);
        }
        name.clone_into(&mut self.participant_mut(id).ok_or(Impossible::NoSuchParticipant)?.name);
        self.changed();
        Ok(())
    }

    /// The participant who shares a screen.
    fn sharer(&self) -> Option<&Participant> {
        self.present().find(|person| person.activity.sharing != Running::Off)
    }

    /// Sends the participants whose screen to show, if that changed (O; no picture follows).
    pub(super) fn tell_shared_screen(&mut self) {
        let now = self.sharer().map(|person| person.id);
        if now != self.shown_screen {
            self.shown_screen = now;
            for person in self.present() {
                person.tell(self.shared_screen_for(person));
            }
        }
    }

    /// Sends a new participant the active speakers, the shared screen and the breakout rooms (I).
    pub(super) fn tell_newcomer(&self, id: u32) {
        let Some(person) = self.present().find(|person| person.id == id) else { return };
        if !self.active_speakers.is_empty() {
            person.tell(self.speakers_for(person));
        }
        if self.shown_screen.is_some() {
            person.tell(self.shared_screen_for(person));
        }
        self.tell_rooms_to(person);
    }

    /// The participants in the meeting itself, without those in its waiting room.
    pub(super) fn present(&self) -> impl Iterator<Item = &Participant> {
        self.participants.iter().filter(|person| !person.on_hold)
    }

    /// Sends the active speakers to all participants in the meeting. Ignores ids of others. The SDK keeps the order (O).
    pub(crate) fn set_active_speakers(&mut self, ids: &[u32]) {
        self.active_speakers =
            ids.iter().copied().filter(|id| self.present().any(|person| person.id == *id)).collect();
        for person in self.present() {
            person.tell(self.speakers_for(person));
        }
    }

    /// Removes participants who left from the active speakers.
    pub(super) fn forget_absent_speakers(&mut self) {
        let here: Vec<u32> = self.present().map(|person| person.id).collect();
        if self.active_speakers.iter().any(|id| !here.contains(id)) {
            self.set_active_speakers(&self.active_speakers.clone());
        }
    }

    /// The active speakers whom `viewer` hears. The body's names do not matter, its values do (O): `{}` is silence.
    fn speakers_for(&self, viewer: &Participant) -> Outgoing {
        let heard = |id: &&u32| self.participant(**id).is_some_and(|person| person.is_with(viewer));
        let heard = self.active_speakers.iter().filter(heard).enumerate();
        let entries = heard.map(|(index, id)| (format!("asn{}", index + 1), json!(id)));
        Outgoing::new(event::ACTIVE_SPEAKERS, serde_json::Value::Object(entries.collect()))
    }

    /// The participant whose screen the SDK shows; id 0 ends it.
    fn shared_screen_for(&self, viewer: &Participant) -> Outgoing {
        let sharer = self.sharer().filter(|person| person.is_with(viewer));
        let id = sharer.map_or(0, |person| person.id);
        let body = json!({"activeNodeID": id, "bStatus": u8::from(sharer.is_some()), "ssrc": id});
        Outgoing::new(event::SHARED_SCREEN, body)
    }
}
