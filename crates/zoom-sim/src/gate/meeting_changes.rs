//! What apps are to be told of a meeting: the changes since they were told last.

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
    /// Who they are, if signed in.
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
    /// The user it is about, if it is about one.
    pub(crate) fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::Joined(person) | Self::Left(person) => person.user_id.as_ref(),
            Self::Started | Self::Ended { .. } => None,
        }
    }
}

/// How things stood when news were last taken.
#[derive(Debug, Default)]
pub(crate) struct Reported {
    starts: u32,
    /// Null while it does not run.
    started_at: Option<Timestamp>,
    present: Vec<Present>,
}

impl Reported {
    /// How often it has started.
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
    /// Since when it runs, as apps have heard.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        self.told.started_at
    }

    /// What happened since the last call. A participant in the waiting room is not there yet (I).
    ///
    /// Taken once after all that one step does, so that a bot which reconnects alone does not end
    /// its meeting in between.
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
