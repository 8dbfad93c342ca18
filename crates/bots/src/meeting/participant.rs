//! One participant of a meeting, as the page reports them.

use browser::Person;
use model::{Audio, Participant};

/// The longest name that is stored, in characters. Zoom's own limit is lower.
const MAX_NAME_LEN: usize = 500;

/// A participant, with additional state that is not part of events.
#[derive(Debug, Clone)]
pub(super) struct Present {
    pub(super) participant: Participant,
    pub(super) camera: bool,
    pub(super) shares: bool,
    /// Whether the participant has spoken or shared a screen.
    pub(super) active: bool,
    /// Whether another server stored the beginning of a speech, but not its end.
    pub(super) speaks: bool,
}

impl Present {
    /// A participant about whom nothing else is known.
    pub(super) const fn new(participant: Participant) -> Self {
        Self { participant, camera: false, shares: false, active: false, speaks: false }
    }

    /// Applies what the page reports about the participant.
    pub(super) fn update(&mut self, person: Person) {
        let Self { participant, camera, shares, active, speaks: _ } = self;
        let Person { id: _, guid, name, host, co_host, guest, hold: _, audio, muted, hand, .. } = person;
        if let Some(guid) = guid.filter(|guid| !guid.is_empty()) {
            participant.guid = short_name(guid);
        }
        if let Some(name) = name {
            participant.name = short_name(name);
        }
        if let Some(audio) = audio {
            participant.audio = match audio.as_str() {
                "computer" => Audio::Computer,
                "phone" => Audio::Phone,
                _ => Audio::None,
            };
        }
        participant.is_host = host.unwrap_or(participant.is_host);
        participant.is_co_host = co_host.unwrap_or(participant.is_co_host);
        participant.is_guest = guest.or(participant.is_guest);
        participant.muted = muted.or(participant.muted).filter(|_| participant.audio != Audio::None);
        participant.hand_raised = hand.unwrap_or(participant.hand_raised);
        participant.records = person.records.unwrap_or(participant.records);
        *camera = person.camera.unwrap_or(*camera);
        *shares = person.shares.unwrap_or(*shares);
        *active |= *shares;
    }
}

/// A participant of whom only the number is known.
pub(crate) fn unknown(id: u32) -> Participant {
    Participant {
        id,
        guid: String::new(),
        name: String::new(),
        is_host: false,
        is_co_host: false,
        is_guest: None,
        audio: Audio::None,
        muted: None,
        hand_raised: false,
        records: false,
        is_our_bot: false,
    }
}

pub(super) fn short(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

pub(super) fn short_name(name: String) -> String {
    short(name, MAX_NAME_LEN)
}
