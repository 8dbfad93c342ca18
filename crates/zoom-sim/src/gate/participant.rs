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

/// One roster entry, as one viewer sees it.
pub(crate) type Entry = Map<String, Value>;

/// A participant.
#[derive(Debug)]
pub(crate) struct Participant {
    /// The SDK's `userId`.
    pub(crate) id: u32,
    /// A small number of its own (`participantID`).
    pub(crate) number: u32,
    /// Identifies a stay across reconnects: the SDK sends it back.
    pub(crate) zoom_id: String,
    pub(crate) guid: String,
    pub(crate) name: String,
    /// The signed-in user; `None` for a guest.
    pub(crate) user_id: Option<UserId>,
    /// URL of the user's picture; the client cannot choose it.
    pub(crate) avatar: Option<String>,
    pub(crate) host: bool,
    pub(crate) on_hold: bool,
    /// Whether the SDK reported a camera.
    pub(crate) camera: bool,
    pub(crate) activity: Activity,
    /// Has asked for captions.
    pub(crate) wants_captions: bool,
    /// Id of the breakout room the participant is in; `None` is the main session.
    pub(crate) breakout_room: Option<String>,
    /// Id of the breakout room the participant is assigned to; the move may still be in progress.
    pub(crate) assigned_room: Option<String>,
    pub(crate) joined_at: Timestamp,
    /// The user who vouched for this bot.
    pub(crate) authoriser: Option<UserId>,
    /// What a join token lets it do.
    pub(crate) privilege: Option<Privilege>,
    /// Sends frames to the socket; `None` for participants that the control API added. The socket closes when this is
    /// dropped and all sent frames are written.
    pub(crate) line: Option<FrameSender>,
    /// The connection is cut, and Zoom has not noticed (I).
    pub(crate) cut_off: bool,
    /// The roster as last sent to this participant.
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
    /// `null` is the main session.
    breakout_room: Option<&'a str>,
    /// What a join token lets it do: `local_recording`, `live_streaming` or `local_archiving`.
    privilege: Option<Privilege>,
    /// Zoom's time, RFC 3339.
    joined_at: String,
}

impl Participant {
    /// Sends a frame; does nothing without an open socket.
    pub(crate) fn tell(&self, frame: Outgoing) {
        if let Some(line) = &self.line {
            line.send(frame);
        }
    }

    /// The roster entry that others receive (O for the names).
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

    /// The view for the control API.
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

/// Encodes text as in the frames.
pub(crate) fn base64_text(text: &str) -> String {
    STANDARD.encode(text)
}
