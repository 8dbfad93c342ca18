//! A participant in a meeting, or in its waiting room.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::activity::{Activity, Running};
use super::breakout::BreakoutRooms;
use super::event::Outgoing;
use super::frames::FrameSender;
use crate::ids::UserId;
use crate::join_token::Privilege;

/// One entry of the roster, as one viewer knows it.
pub(crate) type Entry = Map<String, Value>;

/// A participant.
#[derive(Debug)]
pub(crate) struct Participant {
    /// The SDK's `userId`.
    pub(crate) id: u32,
    /// A small number of its own (`participantID`).
    pub(crate) number: u32,
    /// Survives a reconnect: the SDK sends it back.
    pub(crate) zoom_id: String,
    pub(crate) guid: String,
    pub(crate) name: String,
    /// Who they are, if signed in.
    pub(crate) user_id: Option<UserId>,
    /// The user's picture; a joiner cannot choose it.
    pub(crate) avatar: Option<String>,
    pub(crate) host: bool,
    pub(crate) on_hold: bool,
    /// The SDK has said that there is one.
    pub(crate) camera: bool,
    pub(crate) activity: Activity,
    /// Has asked for captions.
    pub(crate) wants_captions: bool,
    /// Where they are: the id of a breakout room; `None` is the main session.
    pub(crate) breakout_room: Option<String>,
    /// Where they are to be; they may be on their way.
    pub(crate) assigned_room: Option<String>,
    pub(crate) joined_at: Timestamp,
    /// Who vouched for this bot.
    pub(crate) authoriser: Option<UserId>,
    /// What a join token lets it do.
    pub(crate) privilege: Option<Privilege>,
    /// To the socket; `None` for those the control API has put there. The socket closes when this
    /// is dropped and what was sent has left.
    pub(crate) line: Option<FrameSender>,
    /// Its line is cut, and Zoom has not noticed (I).
    pub(crate) cut_off: bool,
    /// The roster as this participant was last told.
    pub(crate) seen: BTreeMap<u32, Entry>,
}

/// A participant as the control API shows it.
#[derive(Serialize)]
pub(crate) struct View<'a> {
    id: u32,
    name: &'a str,
    user_id: Option<&'a UserId>,
    avatar: Option<&'a str>,
    /// `host` or `attendee`.
    role: &'static str,
    in_waiting_room: bool,
    #[serde(flatten)]
    activity: &'a Activity,
    /// Has asked for captions.
    wants_captions: bool,
    /// Null is the main session.
    breakout_room: Option<&'a str>,
    /// What a join token lets it do: `local_recording`, `live_streaming` or `local_archiving`.
    privilege: Option<Privilege>,
    /// Zoom's time, RFC 3339.
    joined_at: String,
}

impl Participant {
    /// Sends a frame; ignored when the socket has just closed.
    pub(crate) fn tell(&self, frame: Outgoing) {
        if let Some(line) = &self.line {
            line.send(frame);
        }
    }

    /// The entry others get (O for the names).
    pub(crate) fn entry(&self) -> Entry {
        let mut entry = Entry::new();
        let mut put = |name: &str, value: Value| entry.insert(name.to_owned(), value);
        put("id", json!(self.id));
        put("zoomID", json!(self.zoom_id));
        put("dn2", json!(base64_text(&self.name)));
        put("role", json!(u8::from(self.host)));
        put("bHold", json!(self.on_hold));
        put("bVideoConnect", json!(self.camera));
        let Activity { audio, muted, video_on, raised_hand, co_host, sharing, local_recording } =
            self.activity;
        put("bVideoOn", json!(video_on));
        put("muted", json!(muted));
        put("audio", json!(audio.on_the_wire()));
        put("bRaiseHand", json!(raised_hand));
        put("bCoHost", json!(co_host));
        put("bShareOn", json!(sharing != Running::Off));
        put("bSharePause", json!(sharing == Running::Paused));
        put("bLocalRecordStatus", json!(local_recording as u8));
        put("bGuest", json!(self.user_id.is_none()));
        put("userGUID", json!(self.guid));
        put("participantID", json!(self.number));
        if let Some(avatar) = &self.avatar {
            put("avatar", json!(avatar));
        }
        entry
    }

    /// For the control API.
    pub(crate) fn view<'a>(&'a self, rooms: &'a BreakoutRooms) -> View<'a> {
        View {
            id: self.id,
            name: &self.name,
            user_id: self.user_id.as_ref(),
            avatar: self.avatar.as_deref(),
            role: if self.host { "host" } else { "attendee" },
            in_waiting_room: self.on_hold,
            activity: &self.activity,
            wants_captions: self.wants_captions,
            breakout_room: self.breakout_room.as_deref().and_then(|id| rooms.name_of(id)),
            privilege: self.privilege,
            joined_at: self.joined_at.to_string(),
        }
    }
}

/// Text as the frames carry it.
pub(crate) fn base64_text(text: &str) -> String {
    STANDARD.encode(text)
}
