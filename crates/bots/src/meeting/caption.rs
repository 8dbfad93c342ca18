//! Captions that are not final yet: Zoom sends growing versions of a caption before the final one.

use std::collections::HashMap;

use model::{MeetingEventKind, Participant, Timestamp};

/// The most captions that are open at once: more than there are concurrent speakers. Above this, the oldest one is closed.
const MAX_GROWING: usize = 100;

#[derive(Debug)]
struct Growing {
    participant: Participant,
    text: String,
    language: u32,
    began_at: Timestamp,
}

/// The captions that are not final yet, by Zoom's caption id.
#[derive(Debug, Default)]
pub(crate) struct Captions {
    growing: HashMap<String, Growing>,
}

/// A version of a caption, as the page reported it.
pub(crate) struct Heard {
    pub(crate) caption: String,
    pub(crate) participant: Participant,
    pub(crate) text: String,
    pub(crate) language: u32,
    pub(crate) is_final: bool,
}

impl Captions {
    /// Records a version. Returns it as an event, preceded by the final event of a caption that was closed to make room.
    pub(crate) fn add(&mut self, heard: Heard, now: Timestamp) -> Vec<MeetingEventKind> {
        let Heard { caption, participant, text, language, is_final } = heard;
        let began_at = self.growing.remove(&caption).map_or(now, |known| known.began_at);
        let mut happened = Vec::new();
        if !is_final {
            if self.growing.len() >= MAX_GROWING {
                let oldest = self.growing.iter().min_by_key(|(_, growing)| growing.began_at);
                happened.extend(oldest.map(|(id, _)| id.clone()).and_then(|id| self.close(&id)));
            }
            let kept = Growing { participant: participant.clone(), text: text.clone(), language, began_at };
            self.growing.insert(caption.clone(), kept);
        }
        happened.push(MeetingEventKind::Caption { participant, caption, text, language, began_at, is_final });
        happened
    }

    /// Closes the captions of a participant who has left.
    pub(crate) fn close_of(&mut self, participant: u32) -> Vec<MeetingEventKind> {
        self.close_those(|growing| growing.participant.id == participant)
    }

    /// Closes all captions: later ones belong to another connection.
    pub(crate) fn close_all(&mut self) -> Vec<MeetingEventKind> {
        self.close_those(|_| true)
    }

    fn close_those(&mut self, which: impl Fn(&Growing) -> bool) -> Vec<MeetingEventKind> {
        let chosen = self.growing.iter().filter(|(_, growing)| which(growing));
        let mut ids: Vec<_> = chosen.map(|(id, growing)| (growing.began_at, id.clone())).collect();
        ids.sort();
        ids.into_iter().filter_map(|(_, id)| self.close(&id)).collect()
    }

    fn close(&mut self, caption: &str) -> Option<MeetingEventKind> {
        let Growing { participant, text, language, began_at } = self.growing.remove(caption)?;
        let caption = caption.to_owned();
        Some(MeetingEventKind::Caption { participant, caption, text, language, began_at, is_final: true })
    }
}
