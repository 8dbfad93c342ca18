//! Changes of a meeting that webhooks report to apps: the difference since the last report.

use jiff::Timestamp;

use super::meeting::Meeting;
use super::participant::Participant;
use crate::ids::UserId;

/// A participant in the meeting, as events name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) id: u32,
    pub(crate) guid: String,
    pub(crate) name: String,
    /// The signed-in user; `None` for a guest.
    pub(crate) user_id: Option<UserId>,
    pub(crate) joined_at: Timestamp,
}

/// Something that happened in a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MeetingChange {
    Left(Present),
    Ended { started_at: Timestamp },
    Started,
    Joined(Present),
}

impl MeetingChange {
    /// The signed-in user that the change concerns, if any.
    pub(crate) fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::Joined(person) | Self::Left(person) => person.user_id.as_ref(),
            Self::Started | Self::Ended { .. } => None,
        }
    }
}

/// The state at the last call of [`Meeting::take_news`].
#[derive(Debug, Default)]
pub(crate) struct Reported {
    starts: u32,
    /// `None` while the meeting does not run.
    started_at: Option<Timestamp>,
    present: Vec<Present>,
}

impl Reported {
    /// The number of times the meeting has started.
    pub(super) fn starts(&self) -> u32 {
        self.starts
    }
}

impl From<&Participant> for Present {
    fn from(person: &Participant) -> Self {
        Self {
            id: person.id,
            guid: person.guid.clone(),
            name: person.name.clone(),
            user_id: person.user_id.clone(),
            joined_at: person.joined_at,
        }
    }
}

impl Meeting {
    /// The start time that apps were notified of.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        self.told.started_at
    }

    /// Returns the changes since the last call. A participant in the waiting room has not joined yet (I).
    ///
    /// Call it once after all effects of one step: otherwise a bot that reconnects while alone would end its meeting in
    /// between.
    pub(crate) fn take_news(&mut self, now: Timestamp) -> Vec<MeetingChange> {
        let present: Vec<Present> =
            self.participants.iter().filter(|person| !person.on_hold).map(Present::from).collect();
        let missing = |person: &&Present, among: &[Present]| among.iter().all(|other| other.id != person.id);
        let before = std::mem::take(&mut self.told.present);
        let mut news: Vec<MeetingChange> = before
            .iter()
            .filter(|person| missing(person, &present))
            .cloned()
            .map(MeetingChange::Left)
            .collect();
        match (self.told.started_at, self.is_running()) {
            (Some(started_at), false) => {
                self.told.started_at = None;
                news.push(MeetingChange::Ended { started_at });
            }
            (None, true) => {
                self.told.started_at = Some(now);
                self.told.starts += 1;
                news.push(MeetingChange::Started);
            }
            _ => {}
        }
        news.extend(
            present.iter().filter(|person| missing(person, &before)).cloned().map(MeetingChange::Joined),
        );
        self.told.present = present;
        news
    }
}
