//! Captions: who receives them, and the frames sent while a participant speaks.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::event::{self, Outgoing};
use super::meeting::Meeting;
use super::participant::{Participant, base64_text};

/// `source` of captions made by automatic speech recognition.
const AUTOMATIC: u8 = 4;
/// `language` of a caption that is not translated (O).
pub(crate) const NOT_TRANSLATED: u16 = 400;
/// The longest caption, in characters (ours).
pub(crate) const MAX_CHARS: usize = 2000;
/// Most growing captions that are stored per meeting (ours). After that, an update of an older one counts as a new caption.
const KEPT_CAPTIONS: usize = 100;

/// Whether a meeting has captions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CaptionPolicy {
    /// Participants who ask for captions receive them.
    #[default]
    Allowed,
    /// The host has switched them off in the meeting; no participant receives any (I; the frame for this is O).
    DisabledByHost,
    /// The host's account has no captions: none of their options is on (I).
    NotOffered,
}

/// A caption that is still growing.
#[derive(Debug)]
struct Growing {
    id: String,
    from: u32,
    text: String,
}

/// A meeting's captions that are not final yet.
#[derive(Debug, Default)]
pub(crate) struct Captions {
    growing: VecDeque<Growing>,
}

/// A caption, or a longer version of one.
#[derive(Clone, Debug)]
pub(crate) struct NewCaption<'a> {
    /// Id of the participant who speaks.
    pub(crate) from: u32,
    /// The same for every version of one caption.
    pub(crate) id: String,
    /// The whole text so far.
    pub(crate) text: &'a str,
    pub(crate) is_final: bool,
    /// A language of translation, by the SDK's number; [`NOT_TRANSLATED`] is what was spoken.
    pub(crate) language: u16,
}

/// Why a caption is not sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Uncaptioned {
    #[error("from: no participant in the meeting has this id")]
    NoSpeaker,
    #[error("text must have 1 to {MAX_CHARS} characters")]
    Text,
    #[error("language must be at most 500: the SDK's number of a language, 400 for what was spoken")]
    Language,
    #[error("caption_id: this caption is another participant's")]
    OtherSpeaker,
}

impl Meeting {
    /// Sends a caption to the participants who asked for captions, or to all if `unasked`. Returns the number of receivers.
    pub(crate) fn caption(&mut self, caption: &NewCaption<'_>, unasked: bool) -> Result<usize, Uncaptioned> {
        let NewCaption { from, text, language, is_final, .. } = *caption;
        if !self.present().any(|person| person.id == from) {
            return Err(Uncaptioned::NoSpeaker);
        }
        if !(1..=MAX_CHARS).contains(&text.chars().count()) {
            return Err(Uncaptioned::Text);
        }
        if language > 500 {
            return Err(Uncaptioned::Language);
        }
        let growing = &mut self.captions.growing;
        let known = growing.iter().position(|known| known.id == caption.id);
        let known = known.and_then(|index| growing.remove(index));
        if let Some(known) = known.as_ref().filter(|known| known.from != from) {
            let other = Growing { id: known.id.clone(), from: known.from, text: known.text.clone() };
            growing.push_back(other);
            return Err(Uncaptioned::OtherSpeaker);
        }
        let (kind, position, content) = match &known {
            _ if is_final => (1, 0, text),
            None => (2, 0, text),
            Some(known) => {
                // The SDK cuts at `pos`, in bytes of UTF-8, and appends (O).
                let same = common_prefix(&known.text, text);
                (3, same, &text[same..])
            }
        };
        if !is_final {
            growing.push_back(Growing { id: caption.id.clone(), from, text: text.to_owned() });
            if growing.len() > KEPT_CAPTIONS {
                growing.pop_front();
            }
        }
        if self.settings.captions != CaptionPolicy::Allowed {
            return Ok(0);
        }
        let frame = json!({
            "msgType": kind,
            "msgId": caption.id,
            "content": base64_text(content),
            "source": AUTOMATIC,
            "nodeId": from,
            "keyNodeId": from,
            "pos": position,
            "size": 0,
            "language": language,
        });
        let Some(speaker) = self.participant(from) else { return Err(Uncaptioned::NoSpeaker) };
        let mut told = 0;
        let gets = |person: &&Participant| {
            person.line.is_some() && person.is_with(speaker) && (unasked || person.wants_captions)
        };
        for person in self.present().filter(gets) {
            person.tell(Outgoing::new(event::CAPTION, frame.clone()));
            told += 1;
        }
        Ok(told)
    }

    /// 4285: a participant asks for captions. Without captions in the meeting there is no answer (I).
    pub(super) fn start_captions(&mut self, id: u32) {
        if self.settings.captions != CaptionPolicy::Allowed {
            return;
        }
        let Some(person) = self.participant_mut(id) else { return };
        person.wants_captions = true;
        person.tell(Outgoing::new(event::CAPTION_STATE, json!({"status": 1})));
        let started = json!({"success": true, "src": AUTOMATIC, "lang": NOT_TRANSLATED});
        person.tell(Outgoing::new(event::CAPTIONS_STARTED, started));
    }
}

/// Length of the common prefix of two texts, in bytes.
fn common_prefix(one: &str, other: &str) -> usize {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    same.map(|(letter, _)| letter.len_utf8()).sum()
}
