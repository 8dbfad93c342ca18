//! What each event means for a bot, from the moment its page was told to join. No I/O: the caller passes the time with every
//! call.
//!
//! A bot loses its place in the meeting in one of two ways. A decision of the host, of Zoom or of the vouching user is an
//! end. A failure of the network, the page or the browser is a loss, and the bot rejoins (`rejoin`).

use std::time::Duration;

use browser::PageEvent;
use model::{BotStatus, SubCode, Timestamp};
use zoom::{Closed, JoinVerdict};

use super::outcome::{End, Loss, end_of_refused};
use crate::{
    meeting::state::{MeetingUpdate, Others},
    request::AutomaticLeave,
    settings::Timing,
};

/// The next action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Record the bot's new status.
    Arrive(BotStatus),
    /// Handle Zoom's refusal of the join by the verdict.
    Refused(JoinVerdict, String),
    /// Leave the meeting; the bot ends.
    Leave(SubCode),
    /// Rejoin: the page is unusable, and the meeting continues.
    Rejoin(Loss),
    /// End the bot.
    End(End),
}

/// A bot's joins and what follows from them.
#[derive(Debug)]
pub(super) struct Life {
    rules: AutomaticLeave,
    timing: Timing,
    place: JoinState,
    /// Since when the media connection has been lost.
    lost_at: Option<Timestamp>,
    /// When the bot first entered the meeting. Rejoining does not extend its stay.
    first_in: Option<Timestamp>,
    /// Whether another participant was ever there.
    had_company: bool,
    /// The largest number of other participants at a time. If it exceeds the number of our bots, a person was there.
    most_others: usize,
    /// Whether all other participants have left before.
    was_left: bool,
    /// The number of other participants, including bots of this installation.
    others: usize,
    our_bots: usize,
    /// Since when nobody has spoken.
    quiet_since: Option<Timestamp>,
    /// Since when all others are bots according to their names.
    only_names_since: Option<Timestamp>,
    /// Since when all others are bots according to what they do.
    only_events_since: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JoinState {
    Joining { since: Timestamp },
    Waiting { since: Timestamp },
    Inside { since: Timestamp, company: Company },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    /// No other participant has been there yet.
    NotYet,
    Present,
    /// All other participants have left.
    Gone {
        since: Timestamp,
    },
}

impl Life {
    /// Creates the state for the start of a run. If another server ran the bot before, only the time of its first entry is
    /// known.
    pub(super) fn new(
        rules: AutomaticLeave,
        timing: Timing,
        first_in: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let place = JoinState::Joining { since: now };
        Self {
            rules,
            timing,
            place,
            lost_at: None,
            first_in,
            had_company: false,
            most_others: 0,
            was_left: false,
            others: 0,
            our_bots: 0,
            quiet_since: None,
            only_names_since: None,
            only_events_since: None,
        }
    }

    /// Call this when a page is told to join, for the first time or again.
    pub(super) fn join(&mut self, now: Timestamp) {
        self.place = JoinState::Joining { since: now };
        self.lost_at = None;
    }

    /// Whether the bot is in the meeting or its waiting room.
    pub(super) fn is_in(&self) -> bool {
        self.in_since().is_some()
    }

    /// Since when the bot is in the meeting or its waiting room, if it is.
    pub(super) fn in_since(&self) -> Option<Timestamp> {
        match self.place {
            JoinState::Joining { .. } => None,
            JoinState::Waiting { since } | JoinState::Inside { since, .. } => Some(since),
        }
    }

    /// Whether the bot has ever been in the meeting itself.
    pub(super) fn was_inside(&self) -> bool {
        self.first_in.is_some()
    }

    /// Handles an event of the page.
    pub(super) fn event(&mut self, event: PageEvent, now: Timestamp) -> Option<Action> {
        match event {
            // Events of the meeting are handled by [`Life::meeting_changed`]. The others have no effect on the bot's life.
            PageEvent::Joining
            | PageEvent::Meeting(_)
            | PageEvent::Call(_)
            | PageEvent::Console(_)
            | PageEvent::Camera { .. }
            | PageEvent::Chatted { .. } => None,
            PageEvent::Connected => {
                self.lost_at = None;
                None
            }
            PageEvent::WaitingRoom => {
                let news = !matches!(self.place, JoinState::Waiting { .. });
                if news {
                    self.place = JoinState::Waiting { since: now };
                }
                news.then_some(Action::Arrive(BotStatus::InWaitingRoom))
            }
            PageEvent::InMeeting { participants } => {
                let news = !matches!(self.place, JoinState::Inside { .. });
                if news {
                    self.first_in.get_or_insert(now);
                    self.quiet_since.get_or_insert(now);
                    let company = if self.had_company { Company::Present } else { Company::NotYet };
                    self.place = JoinState::Inside { since: now, company };
                }
                self.count(participants, now);
                news.then_some(Action::Arrive(BotStatus::InCallNotRecording))
            }
            PageEvent::Participants { others } => {
                self.count(others, now);
                None
            }
            PageEvent::Reconnecting { .. } => {
                self.lost_at.get_or_insert(now);
                None
            }
            PageEvent::Refused { code, reason, url } => {
                let words = format!("Zoom refused the join with code {code}: {reason}");
                let verdict = zoom::judge(code, &reason, url.as_deref());
                // After the waiting room the SDK reports a connection as if it were the first.
                Some(if self.is_in() {
                    self.thrown_out(verdict, words, now)
                } else {
                    Action::Refused(verdict, words)
                })
            }
            PageEvent::Failed { code, reason } => {
                let words = format!("Zoom ended the connection with code {code}: {reason}");
                Some(self.thrown_out(zoom::judge(code, &reason, None), words, now))
            }
            PageEvent::Ended { reason, on_hold } => Some(self.closed(&reason, on_hold, now)),
            PageEvent::Dropped { how } => {
                Some(self.lost(SubCode::ZoomConnectionFailed, format!("the call was closed {how}"), now))
            }
            // If the bot was told to leave, `leave` waits for this event. Here, nobody told it to.
            PageEvent::Left => {
                let words = "the page left the call without being told to".to_owned();
                Some(self.lost(SubCode::ZoomConnectionFailed, words, now))
            }
            PageEvent::Script { message } => {
                tracing::warn!(message, "the page reported an exception");
                None
            }
            PageEvent::Gone(gone) => Some(self.lost(SubCode::BotErrored, gone.to_string(), now)),
        }
    }

    /// Handles the failure of the SDK's own attempt to reconnect.
    fn thrown_out(&self, verdict: JoinVerdict, words: String, now: Timestamp) -> Action {
        match end_of_refused(verdict, &words) {
            Some(end) => Action::End(end),
            None => self.lost(verdict.sub_code(), words, now),
        }
    }

    /// Handles a closed connection by Zoom's reason.
    fn closed(&self, reason: &str, on_hold: bool, now: Timestamp) -> Action {
        let words = format!("Zoom closed the call: {reason}");
        match zoom::judge_end(reason, on_hold) {
            // The call has not ended: another client took the bot's place.
            Closed::Over(sub_code @ SubCode::ZoomErrorMultipleDeviceJoin) => {
                Action::End(End::Fatal(sub_code, "another client joined as the same Zoom user".into()))
            }
            // Zoom requires a registration that the bot does not have, so it never entered.
            Closed::Over(sub_code @ SubCode::ZoomRegistrationRequired) => {
                Action::End(End::Fatal(sub_code, words))
            }
            Closed::Over(sub_code) => Action::End(End::CallEnded(sub_code, Some(words))),
            Closed::Lost(sub_code) => self.lost(sub_code, words, now),
        }
    }

    fn lost(&self, sub_code: SubCode, words: String, now: Timestamp) -> Action {
        Action::Rejoin(Loss { since: self.lost_at.unwrap_or(now), sub_code, words })
    }

    /// Applies changes in the meeting.
    pub(super) fn meeting_changed(&mut self, update: &MeetingUpdate, observed: Others, now: Timestamp) {
        if update.moved {
            // The bot is in another room. Others may still be on their way to it.
            (self.had_company, self.most_others, self.was_left) = (false, 0, false);
            if let JoinState::Inside { since, company } = &mut self.place {
                (*since, *company) = (now, Company::NotYet);
            }
        }
        if observed.anyone_speaks || update.heard_something {
            self.quiet_since = None;
        }
        self.others_changed(observed, now);
    }

    /// Applies a change of who is there.
    pub(super) fn others_changed(&mut self, observed: Others, now: Timestamp) {
        let since = |is: bool, before: Option<Timestamp>| is.then(|| before.unwrap_or(now));
        self.quiet_since = since(!observed.anyone_speaks, self.quiet_since);
        self.only_names_since = since(observed.only_bots_by_name, self.only_names_since);
        self.only_events_since = since(observed.only_bots_by_events, self.only_events_since);
        if self.our_bots != observed.our_bots {
            let bots_gone = self.our_bots.saturating_sub(observed.our_bots);
            self.our_bots = observed.our_bots;
            // Participants who turn out to be bots of ours do not count: the bot still waits for the first person.
            if !self.was_left && self.most_others <= self.our_bots {
                self.had_company = false;
                if let JoinState::Inside { company: company @ Company::Present, .. } = &mut self.place {
                    *company = Company::NotYet;
                }
            }
            // When a bot of ours leaves, this change comes before the page's new count of participants.
            self.count(self.others.saturating_sub(bots_gone), now);
        }
    }

    fn count(&mut self, others: usize, now: Timestamp) {
        self.others = others;
        self.most_others = self.most_others.max(others);
        // Bots of this installation must not wait for each other to leave.
        let others = others.saturating_sub(self.our_bots);
        if let JoinState::Inside { company, .. } = &mut self.place {
            self.had_company |= others > 0;
            self.was_left |= *company == Company::Present && others == 0;
            *company = match (*company, others) {
                (Company::Present, 0) => Company::Gone { since: now },
                (alone, 0) => alone,
                _ => Company::Present,
            };
        }
    }

    /// When to call [`Life::due`] if no event comes before.
    pub(super) fn deadline(&self) -> Timestamp {
        self.limits().into_iter().map(|(at, _)| at).min().expect("every place has a limit")
    }

    /// The action that is due at `now`.
    pub(super) fn due(&self, now: Timestamp) -> Option<Action> {
        let passed = self.limits().into_iter().filter(|(at, _)| *at <= now);
        passed.min_by_key(|(at, _)| *at).map(|(_, action)| action)
    }

    /// Every time limit that applies now, and the action when it is reached.
    fn limits(&self) -> Vec<(Timestamp, Action)> {
        let mut limits = match self.place {
            JoinState::Joining { since } => {
                let words = format!("no answer to the join within {} s", self.timing.join_timeout.as_secs());
                let end = Action::End(End::Fatal(SubCode::ZoomJoinTimeout, words));
                vec![(since + self.timing.join_timeout, end)]
            }
            JoinState::Waiting { since } => {
                let limit = since + seconds(self.rules.waiting_room_timeout);
                vec![(limit, Action::Leave(SubCode::TimeoutExceededWaitingRoom))]
            }
            JoinState::Inside { since, company } => {
                let leave = |(at, sub_code)| (at, Action::Leave(sub_code));
                self.limits_inside(since, company).map(leave).collect()
            }
        };
        limits.extend(self.lost_at.map(|at| {
            let words = "the connection to Zoom was lost".into();
            (at + self.timing.reconnect_timeout, self.lost(SubCode::ZoomConnectionFailed, words, at))
        }));
        limits
    }

    /// The time limits while the bot is in the meeting.
    fn limits_inside(
        &self,
        since: Timestamp,
        company: Company,
    ) -> impl Iterator<Item = (Timestamp, SubCode)> {
        let rules = &self.rules;
        let first = self.first_in.unwrap_or(since);
        // When a condition that is met since `since` reaches its timeout. It counts only from `activate_after` seconds after
        // the first entry.
        let held = |since: Timestamp, activate_after: u32, timeout: u32| {
            since.max(first + seconds(activate_after)) + seconds(timeout)
        };
        let longest = first + seconds(rules.in_call_not_recording_timeout);
        let alone = match company {
            Company::Present => None,
            Company::NotYet => {
                Some((since + seconds(rules.noone_joined_timeout), SubCode::TimeoutExceededNooneJoined))
            }
            Company::Gone { since: left } => {
                let rule = rules.everyone_left_timeout;
                let limit = held(left, rule.activate_after.unwrap_or(0), rule.timeout);
                Some((limit, SubCode::TimeoutExceededEveryoneLeft))
            }
        };
        let silence = self.quiet_since.map(|quiet| {
            let rule = rules.silence_detection;
            (held(quiet, rule.activate_after, rule.timeout), SubCode::TimeoutExceededSilenceDetected)
        });
        let by_events = self.only_events_since.map(|since| {
            let rule = rules.bot_detection.using_participant_events;
            let limit = held(since, rule.activate_after, rule.timeout);
            (limit, SubCode::TimeoutExceededOnlyBotsDetectedUsingParticipantEvents)
        });
        let names = self.only_names_since.zip(rules.bot_detection.using_participant_names.as_ref());
        let by_names = names.map(|(since, rule)| {
            let limit = held(since, rule.activate_after, rule.timeout);
            (limit, SubCode::TimeoutExceededOnlyBotsDetectedUsingParticipantNames)
        });
        let longest = Some((longest, SubCode::TimeoutExceededInCallNotRecording));
        [longest, alone, silence, by_names, by_events].into_iter().flatten()
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

#[cfg(test)]
mod tests;
