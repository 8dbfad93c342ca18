//! Creating, changing and removing meetings through either API; subscribed apps are notified.

use serde_json::Value;

use super::World;
use crate::clock::Moment;
use crate::gate::event::EndedBy;
use crate::gate::meeting::Meeting;
use crate::gate::settings::Settings;
use crate::ids::{AccountId, MeetingNumber, UserId};
use crate::webhooks::event::Topic;
use crate::webhooks::meeting_event;

impl World {
    /// An unused meeting number.
    pub(crate) fn free_number(&mut self) -> MeetingNumber {
        loop {
            let number = MeetingNumber(self.entropy.number(80_000_000_000, 10_000_000_000).to_string());
            if !self.meetings.contains_key(&number) {
                return number;
            }
        }
    }

    /// Adds a meeting that `operator` created.
    pub(crate) fn add_meeting(&mut self, meeting: Meeting, operator: &UserId, at: Moment) {
        let body = meeting_event::listed(Topic::MeetingCreated, &meeting, self.user(operator), at);
        self.tell_of(&meeting.account_id, &meeting.host_id, Topic::MeetingCreated, &body, at);
        self.meetings.insert(meeting.number.clone(), meeting);
    }

    /// Changes a meeting's settings and host.
    pub(crate) fn change_meeting(
        &mut self,
        number: &MeetingNumber,
        settings: Settings,
        host: &UserId,
        operator: &UserId,
        at: Moment,
    ) {
        let Some(meeting) = self.meetings.get_mut(number) else { return };
        let before: Value = meeting_event::object(meeting);
        meeting.change_settings(settings);
        meeting.host_id = host.clone();
        let account_id = meeting.account_id.clone();
        let (meeting, operator) = (self.meetings.get(number), self.user(operator));
        let body = meeting.and_then(|meeting| meeting_event::updated(&before, meeting, operator, at));
        if let Some(body) = body {
            self.tell_of(&account_id, host, Topic::MeetingUpdated, &body, at);
        }
    }

    /// Removes a meeting; a running one ends first.
    pub(crate) fn remove_meeting(&mut self, number: &MeetingNumber, operator: &UserId, at: Moment) {
        if let Some(meeting) = self.meetings.get_mut(number).filter(|meeting| meeting.is_running()) {
            meeting.end(EndedBy::Host);
        }
        self.spread_news(number, at);
        let Some(meeting) = self.meetings.remove(number) else { return };
        let body = meeting_event::listed(Topic::MeetingDeleted, &meeting, self.user(operator), at);
        self.tell_of(&meeting.account_id, &meeting.host_id, Topic::MeetingDeleted, &body, at);
    }

    /// Notifies apps of a meeting's changes since the last call. Must be called after every step that may have changed its
    /// participants, or whether it runs.
    pub(crate) fn spread_news(&mut self, number: &MeetingNumber, at: Moment) {
        let Some(meeting) = self.meetings.get_mut(number) else { return };
        for news in meeting.take_news(at.now) {
            let Some(meeting) = self.meetings.get(number) else { return };
            // Apps receive e-mail addresses of their own account only (I).
            let colleague = news.user_id().and_then(|id| self.user(id));
            let colleague = colleague.filter(|user| user.account_id == meeting.account_id);
            let email = colleague.map_or("", |user| &user.email);
            let (topic, body) = meeting_event::live(meeting, &news, email, at);
            let (account_id, host_id) = (meeting.account_id.clone(), meeting.host_id.clone());
            self.tell_of(&account_id, &host_id, topic, &body, at);
        }
    }

    fn tell_of(&mut self, account_id: &AccountId, host_id: &UserId, topic: Topic, body: &str, at: Moment) {
        let listeners = self.concerned(account_id, host_id, topic);
        self.announce(listeners, topic, body, at.now);
    }
}
