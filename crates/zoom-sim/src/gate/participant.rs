//! Somebody in a meeting, or in its waiting room.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::event::Outgoing;
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
    pub(crate) camera: bool,
    pub(crate) video_on: bool,
    pub(crate) joined_at: Timestamp,
    /// Who vouched for this bot.
    pub(crate) authoriser: Option<UserId>,
    /// What a join token lets it do.
    pub(crate) privilege: Option<Privilege>,
    /// To the socket; `None` for those the control API has put there. The socket closes when this
    /// is dropped and what was sent has left.
    pub(crate) line: Option<UnboundedSender<Outgoing>>,
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
    video_on: bool,
    /// What a join token lets it do: `local_recording`, `live_streaming` or `local_archiving`.
    privilege: Option<Privilege>,
    /// Zoom's time, RFC 3339.
    joined_at: String,
}

impl Participant {
    /// Sends a frame; nobody minds when the socket has just gone.
    pub(crate) fn tell(&self, frame: Outgoing) {
        if let Some(line) = &self.line {
            line.send(frame).ok();
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
        put("bVideoOn", json!(self.video_on));
        put("muted", json!(true));
        put("audio", json!(""));
        put("bGuest", json!(self.user_id.is_none()));
        put("userGUID", json!(self.guid));
        put("participantID", json!(self.number));
        if let Some(avatar) = &self.avatar {
            put("avatar", json!(avatar));
        }
        entry
    }

    /// For the control API.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            id: self.id,
            name: &self.name,
            user_id: self.user_id.as_ref(),
            avatar: self.avatar.as_deref(),
            role: if self.host { "host" } else { "attendee" },
            in_waiting_room: self.on_hold,
            video_on: self.video_on,
            privilege: self.privilege,
            joined_at: self.joined_at.to_string(),
        }
    }
}

/// Text as the frames carry it.
pub(crate) fn base64_text(text: &str) -> String {
    STANDARD.encode(text)
}
