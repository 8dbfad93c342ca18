//! What each event means for a bot, from the moment its page was told to join. No I/O: time comes in with
//! every call.
//!
//! A bot loses its place in one of two ways. A decision of the host, of Zoom or of the vouching user is an
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
    /// Zoom refused the join: act on the verdict.
    Refused(JoinVerdict, String),
    /// Leave the meeting; the bot ends.
    Leave(SubCode),
    /// The page is useless and the meeting goes on: rejoin.
    Rejoin(Loss),
    /// The bot ends.
    End(End),
}

/// A bot's joins and what follows from them.
#[derive(Debug)]
pub(super) struct Life {
    rules: AutomaticLeave,
    timing: Timing,
    place: Place,
    /// Since when the media connection has been lost.
    lost_at: Option<Timestamp>,
    /// When it was first in the meeting. Rejoining does not extend its stay.
    first_in: Option<Timestamp>,
    /// Whether another participant was ever there.
    had_company: bool,
    /// Most others at a time; more than were bots of this installation means that a person was there.
    most_others: usize,
    /// Whether all other participants have left before.
    was_left: bool,
    /// How many others there are, bots of this installation among them.
    others: usize,
    our_bots: usize,
    /// Since when nobody has spoken.
    quiet_since: Option<Timestamp>,
    /// Since when all others are bots, by their names.
    only_names_since: Option<Timestamp>,
    /// Since when all others are bots, by what they do.
    only_events_since: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
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
    /// The life of a bot at the start of a run; only the time it came into the meeting is known, if another
    /// server ran it.
    pub(super) fn new(
        rules: AutomaticLeave,
        timing: Timing,
        first_in: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let place = Place::Joining { since: now };
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

    /// A page is told to join, for the first time or again.
    pub(super) fn join(&mut self, now: Timestamp) {
        self.place = Place::Joining { since: now };
        self.lost_at = None;
    }

    /// Whether the bot is in the meeting or its waiting room.
    pub(super) fn is_in(&self) -> bool {
        self.in_since().is_some()
    }

    /// Since when it is in the meeting or its waiting room, if it is.
    pub(super) fn in_since(&self) -> Option<Timestamp> {
        match self.place {
            Place::Joining { .. } => None,
            Place::Waiting { since } | Place::Inside { since, .. } => Some(since),
        }
    }

    /// Whether it has ever been in the meeting itself.
    pub(super) fn was_inside(&self) -> bool {
        self.first_in.is_some()
    }

    /// Handles an event of the page.
    pub(super) fn event(&mut self, event: PageEvent, now: Timestamp) -> Option<Action> {
        match event {
            // Events of the meeting come through [`Life::meeting_changed`]. A picture and a message don't change a bot's life.
            PageEvent::Joining
            | PageEvent::Meeting(_)
            | PageEvent::Arrived { .. }
            | PageEvent::Call(_)
            | PageEvent::Console(_)
            | PageEvent::Camera { .. }
            | PageEvent::Chatted { .. } => None,
            PageEvent::Connected => {
                self.lost_at = None;
                None
            }
            PageEvent::WaitingRoom => {
                let news = !matches!(self.place, Place::Waiting { .. });
                if news {
                    self.place = Place::Waiting { since: now };
                }
                news.then_some(Action::Arrive(BotStatus::InWaitingRoom))
            }
            PageEvent::InMeeting { participants } => {
                let news = !matches!(self.place, Place::Inside { .. });
                if news {
                    self.first_in.get_or_insert(now);
                    self.quiet_since.get_or_insert(now);
                    let company = if self.had_company { Company::Present } else { Company::NotYet };
                    self.place = Place::Inside { since: now, company };
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
            PageEvent::Left => Some(Action::End(End::CallEnded(None, None))),
            PageEvent::Script { message } => {
                tracing::warn!(message, "the page reported an exception");
                None
            }
            PageEvent::Gone(gone) => Some(self.lost(SubCode::BotErrored, gone.to_string(), now)),
        }
    }

    /// The SDK's own attempt to reconnect has ended.
    fn thrown_out(&self, verdict: JoinVerdict, words: String, now: Timestamp) -> Action {
        match end_of_refused(verdict, &words) {
            Some(end) => Action::End(end),
            None => self.lost(verdict.sub_code(), words, now),
        }
    }

    /// What a closed connection means, by Zoom's reason.
    fn closed(&self, reason: &str, on_hold: bool, now: Timestamp) -> Action {
        let words = format!("Zoom closed the call: {reason}");
        match zoom::judge_end(reason, on_hold) {
            // Not the end of the call: another client took the bot's own place.
            Closed::Over(Some(sub_code @ SubCode::ZoomErrorMultipleDeviceJoin)) => {
                Action::End(End::Fatal(sub_code, "another client joined as the same Zoom user".into()))
            }
            // Zoom wants a registration, and the bot has none: it was never in.
            Closed::Over(Some(sub_code @ SubCode::ZoomRegistrationRequired)) => {
                Action::End(End::Fatal(sub_code, words))
            }
            Closed::Over(sub_code) => Action::End(End::CallEnded(sub_code, Some(words))),
            Closed::Lost(sub_code) => self.lost(sub_code, words, now),
        }
    }

    fn lost(&self, sub_code: SubCode, words: String, now: Timestamp) -> Action {
        Action::Rejoin(Loss { since: self.lost_at.unwrap_or(now), sub_code, words })
    }

    /// Takes in what happens in the meeting.
    pub(super) fn meeting_changed(&mut self, update: &MeetingUpdate, observed: Others, now: Timestamp) {
        if update.moved {
            // Where the bot is now, others may be on their way as it was.
            (self.had_company, self.most_others, self.was_left) = (false, 0, false);
            if let Place::Inside { since, company } = &mut self.place {
                (*since, *company) = (now, Company::NotYet);
            }
        }
        if observed.anyone_speaks || update.heard_something {
            self.quiet_since = None;
        }
        self.others_changed(observed, now);
    }

    /// Takes in who is there.
    pub(super) fn others_changed(&mut self, observed: Others, now: Timestamp) {
        let since = |is: bool, before: Option<Timestamp>| is.then(|| before.unwrap_or(now));
        self.quiet_since = since(!observed.anyone_speaks, self.quiet_since);
        self.only_names_since = since(observed.only_bots_by_name, self.only_names_since);
        self.only_events_since = since(observed.only_bots_by_events, self.only_events_since);
        if self.our_bots != observed.our_bots {
            let bots_gone = self.our_bots.saturating_sub(observed.our_bots);
            self.our_bots = observed.our_bots;
            // Others who turn out to be bots of ours were no company: the bot still waits for the first person.
            if !self.was_left && self.most_others <= self.our_bots {
                self.had_company = false;
                if let Place::Inside { company: company @ Company::Present, .. } = &mut self.place {
                    *company = Company::NotYet;
                }
            }
            // A bot of ours that leaves is told before the roster without it.
            self.count(self.others.saturating_sub(bots_gone), now);
        }
    }

    fn count(&mut self, others: usize, now: Timestamp) {
        self.others = others;
        self.most_others = self.most_others.max(others);
        // Two bots of ours do not keep each other in a meeting.
        let others = others.saturating_sub(self.our_bots);
        if let Place::Inside { company, .. } = &mut self.place {
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

    /// Every limit that applies now, and the action at its end.
    fn limits(&self) -> Vec<(Timestamp, Action)> {
        let mut limits = match self.place {
            Place::Joining { since } => {
                let words = format!("no answer to the join within {} s", self.timing.join_timeout.as_secs());
                let end = Action::End(End::Fatal(SubCode::ZoomJoinTimeout, words));
                vec![(since + self.timing.join_timeout, end)]
            }
            Place::Waiting { since } => {
                let limit = since + seconds(self.rules.waiting_room_timeout);
                vec![(limit, Action::Leave(SubCode::TimeoutExceededWaitingRoom))]
            }
            Place::Inside { since, company } => {
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

    /// The limits of a stay.
    fn limits_inside(
        &self,
        since: Timestamp,
        company: Company,
    ) -> impl Iterator<Item = (Timestamp, SubCode)> {
        let rules = &self.rules;
        let first = self.first_in.unwrap_or(since);
        // A condition that has held since then, and counts from so long after the bot came in.
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
mod tests {
    use std::time::Duration;

    use browser::{Gone, PageEvent};
    use model::{BotStatus, SubCode, Timestamp};
    use zoom::JoinVerdict;

    use super::{Action, AutomaticLeave, End, Life, Loss, Timing};
    use crate::meeting::state::Others;

    const START: Timestamp = Timestamp::from_second(1_800_000_000);

    fn at(seconds: u64) -> Timestamp {
        START + Duration::from_secs(seconds)
    }

    fn fresh() -> Life {
        Life::new(AutomaticLeave::default(), Timing::default(), None, START)
    }

    fn joined(others: usize) -> Life {
        let mut life = fresh();
        assert_eq!(life.event(PageEvent::Connected, START), None);
        let inside = life.event(PageEvent::InMeeting { participants: others }, START);
        assert_eq!(inside, Some(Action::Arrive(BotStatus::InCallNotRecording)));
        life
    }

    /// The action at the deadline; asserts that there is none a second before.
    fn due(life: &Life, seconds: u64) -> Action {
        assert_eq!(life.deadline(), at(seconds));
        assert_eq!(life.due(at(seconds - 1)), None);
        life.due(at(seconds)).expect("due")
    }

    #[test]
    fn silence_from_the_sdk_ends_in_a_timeout() {
        let life = fresh();
        assert!(matches!(due(&life, 60), Action::End(End::Fatal(SubCode::ZoomJoinTimeout, _))));
    }

    #[test]
    fn a_refusal_is_judged() {
        let mut life = fresh();
        let refused = PageEvent::Refused { code: 3051, reason: "Require login".into(), url: None };
        let Some(Action::Refused(verdict, words)) = life.event(refused, START) else { panic!("refused") };
        assert_eq!(verdict, JoinVerdict::Fatal(SubCode::MeetingRequiresSignIn));
        assert!(words.contains("3051") && words.contains("Require login"));
    }

    #[test]
    fn the_waiting_room_has_its_own_limit_and_arriving_twice_is_told_once() {
        let mut life = fresh();
        assert_eq!(life.event(PageEvent::WaitingRoom, START), Some(Action::Arrive(BotStatus::InWaitingRoom)));
        assert_eq!(life.event(PageEvent::WaitingRoom, at(5)), None);
        assert_eq!(due(&life, 1200), Action::Leave(SubCode::TimeoutExceededWaitingRoom));
        let inside = life.event(PageEvent::InMeeting { participants: 1 }, at(6));
        assert_eq!(inside, Some(Action::Arrive(BotStatus::InCallNotRecording)));
        let held = life.event(PageEvent::WaitingRoom, at(9));
        assert_eq!(held, Some(Action::Arrive(BotStatus::InWaitingRoom)), "put back on hold");
    }

    /// Two bots that come before everybody else: each is a participant to the other until it is recognised.
    #[test]
    fn bots_of_ours_wait_together_for_the_first_person() {
        let ours = |our_bots| Others { our_bots, ..Others::default() };
        let mut life = joined(1);
        life.others_changed(ours(1), at(3));
        assert_eq!(due(&life, 1200), Action::Leave(SubCode::TimeoutExceededNooneJoined));
        // The other one leaves: first the news, then the roster.
        life.others_changed(ours(0), at(10));
        assert_eq!(life.event(PageEvent::Participants { others: 0 }, at(10)), None);
        assert_eq!(due(&life, 1200), Action::Leave(SubCode::TimeoutExceededNooneJoined));

        // With a person it is as always.
        let mut life = joined(2);
        life.others_changed(ours(1), at(3));
        life.event(PageEvent::Participants { others: 1 }, at(100));
        assert_eq!(due(&life, 102), Action::Leave(SubCode::TimeoutExceededEveryoneLeft));
    }

    #[test]
    fn an_empty_meeting_is_left() {
        assert_eq!(due(&joined(0), 1200), Action::Leave(SubCode::TimeoutExceededNooneJoined));
    }

    #[test]
    fn a_meeting_that_emptied_is_left_soon_unless_a_person_returns() {
        let mut life = joined(2);
        assert_eq!(due(&life, 3600), Action::Leave(SubCode::TimeoutExceededInCallNotRecording));
        life.event(PageEvent::Participants { others: 0 }, at(10));
        assert_eq!(due(&life, 12), Action::Leave(SubCode::TimeoutExceededEveryoneLeft));
        life.event(PageEvent::Participants { others: 1 }, at(11));
        assert_eq!(life.deadline(), at(3600));
    }

    /// The sub code of a loss, and its time.
    fn loss(act: Option<Action>) -> (SubCode, Timestamp) {
        match act {
            Some(Action::Rejoin(Loss { since, sub_code, .. })) => (sub_code, since),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lost_connection_has_a_minute_to_come_back_by_itself() {
        let mut life = joined(1);
        life.event(PageEvent::Reconnecting { reason: None }, at(10));
        life.event(PageEvent::Reconnecting { reason: None }, at(20));
        assert_eq!(loss(Some(due(&life, 70))), (SubCode::ZoomConnectionFailed, at(10)));
        life.event(PageEvent::Connected, at(30));
        assert_eq!(life.event(PageEvent::InMeeting { participants: 1 }, at(31)), None, "it was in before");
        assert_eq!(life.deadline(), at(3600));
    }

    #[test]
    fn a_reconnect_that_failed_is_a_loss_since_the_line_went() {
        for (code, reason, sub_code) in [
            (-3000, "connection error", SubCode::ZoomConnectionFailed),
            (200, "connection error", SubCode::ZoomConnectionFailed),
            (4009, "internal", SubCode::ZoomInternalError),
            (3265, "Token error", SubCode::ZoomZakRejected),
            (3705, "The signature has expired.", SubCode::ZoomInvalidSignature),
            (4006, "locked meanwhile", SubCode::MeetingLocked),
            // Zoom still counts the bot's own former place.
            (4008, "already there", SubCode::ZoomErrorMultipleDeviceJoin),
            (5012, "joined twice", SubCode::BotErrored),
            (987_654, "not in any table", SubCode::ZoomInternalError),
        ] {
            let mut life = joined(1);
            life.event(PageEvent::Reconnecting { reason: None }, at(10));
            let failed = PageEvent::Failed { code, reason: reason.into() };
            assert_eq!(loss(life.event(failed, at(12))), (sub_code, at(10)), "{code}");
        }
    }

    #[test]
    fn what_nobody_decided_is_a_loss_wherever_the_bot_was() {
        let events = || {
            [
                (PageEvent::Dropped { how: "without any event" }, SubCode::ZoomConnectionFailed),
                (
                    PageEvent::Ended { reason: "RSGW ended".into(), on_hold: false },
                    SubCode::ZoomConnectionFailed,
                ),
                (PageEvent::Gone(Gone::PageCrashed), SubCode::BotErrored),
                (PageEvent::Gone(Gone::BrowserGone), SubCode::BotErrored),
                (PageEvent::Gone(Gone::PageFrozen), SubCode::BotErrored),
            ]
        };
        let waiting = || {
            let mut life = fresh();
            life.event(PageEvent::WaitingRoom, START);
            life
        };
        for life in [fresh, waiting, || joined(0), || joined(2)] {
            for (event, sub_code) in events() {
                assert_eq!(loss(life().event(event, at(5))), (sub_code, at(5)));
            }
        }
        let refused = PageEvent::Refused { code: -3000, reason: "connection error".into(), url: None };
        assert_eq!(loss(waiting().event(refused, at(5))), (SubCode::ZoomConnectionFailed, at(5)));
    }

    #[test]
    fn a_decision_of_a_person_ends_the_bot() {
        let end = |reason: &str, on_hold| {
            joined(1).event(PageEvent::Ended { reason: reason.into(), on_hold }, at(1))
        };
        let call_ended = |act: Option<Action>| match act {
            Some(Action::End(End::CallEnded(sub_code, _))) => sub_code,
            other => panic!("{other:?}"),
        };
        assert_eq!(call_ended(end("kicked by host", false)), Some(SubCode::BotKickedFromCall));
        assert_eq!(call_ended(end("kicked by host", true)), Some(SubCode::BotKickedFromWaitingRoom));
        assert_eq!(call_ended(end("ended by host", false)), Some(SubCode::CallEndedByHost));
        assert_eq!(call_ended(end("free meeting ended", false)), Some(SubCode::CallEndedByPlatformMaxLength));
        assert_eq!(call_ended(end("something new", false)), None);
        assert_eq!(
            call_ended(end("bot user kicked due to master leaving", false)),
            Some(SubCode::ZoomObfUserLeftMeeting)
        );
        let twice = end("duplicated session", false);
        assert!(matches!(twice, Some(Action::End(End::Fatal(SubCode::ZoomErrorMultipleDeviceJoin, _)))));

        let failed = |code| {
            let mut life = joined(1);
            life.event(PageEvent::Reconnecting { reason: None }, at(1));
            life.event(PageEvent::Failed { code, reason: "gone".into() }, at(2))
        };
        assert_eq!(call_ended(failed(4019)), Some(SubCode::ZoomObfUserLeftMeeting));
        // It ended while the bot was away, or the server that was asked knows of no running meeting.
        assert_eq!(call_ended(failed(4004)), Some(SubCode::MeetingEnded));
        assert_eq!(call_ended(failed(3008)), Some(SubCode::MeetingEnded));
        let removed = failed(3009);
        assert!(matches!(removed, Some(Action::End(End::Fatal(SubCode::MeetingNotAccessible, _)))));
    }

    #[test]
    fn coming_back_makes_no_stay_longer() {
        let mut life = joined(2);
        life.event(PageEvent::Gone(Gone::PageCrashed), at(600));
        life.join(at(610));
        assert!(!life.is_in() && life.was_inside());
        assert_eq!(life.deadline(), at(670));
        let again = life.event(PageEvent::InMeeting { participants: 1 }, at(615));
        assert_eq!(again, Some(Action::Arrive(BotStatus::InCallNotRecording)));
        assert_eq!(due(&life, 3600), Action::Leave(SubCode::TimeoutExceededInCallNotRecording));

        // All others left while it was away.
        life.join(at(700));
        life.event(PageEvent::InMeeting { participants: 0 }, at(705));
        assert_eq!(due(&life, 707), Action::Leave(SubCode::TimeoutExceededEveryoneLeft));

        // Another server recorded when it came in, but not who was there.
        let mut taken_over = Life::new(AutomaticLeave::default(), Timing::default(), Some(START), at(3000));
        taken_over.event(PageEvent::InMeeting { participants: 0 }, at(3000));
        assert_eq!(due(&taken_over, 3600), Action::Leave(SubCode::TimeoutExceededInCallNotRecording));
    }
}
