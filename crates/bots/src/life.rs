//! What an event means for a bot, from the moment its page was told to join. No I/O: time comes in with every call.

use std::time::Duration;

use browser::{Gone, PageEvent};
use model::{BotStatus, Failure, SubCode, Timestamp};
use zoom::JoinVerdict;

use crate::request::AutomaticLeave;

/// From handing the join to the page until Zoom has decided something.
const JOIN_DEADLINE: Duration = Duration::from_secs(60);
/// From a lost socket until the SDK is back in.
const RECONNECT_DEADLINE: Duration = Duration::from_secs(60);

/// How a bot ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It was in, or on its way, and the call is over for it: `call_ended`, then `done`.
    CallEnded(Option<SubCode>, Option<String>),
    /// It could not join, or broke.
    Fatal(SubCode, String),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Fatal(SubCode::BotErrored, failure.to_string())
    }
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Record that the bot is here now.
    Arrive(BotStatus),
    /// Zoom did not let it in: do what the verdict says.
    Refused(JoinVerdict, String),
    /// Leave the meeting; that is the end.
    Leave(SubCode),
    /// It is over.
    End(End),
}

/// One join and what follows from it.
#[derive(Debug)]
pub(crate) struct Life {
    rules: AutomaticLeave,
    place: Place,
    /// Since when the socket has been away.
    lost_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Joining { since: Timestamp },
    Waiting { since: Timestamp },
    Inside { since: Timestamp, company: Company },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    /// Nobody else has been there yet.
    NotYet,
    Present,
    /// Everybody else has left.
    Gone {
        since: Timestamp,
    },
}

impl Life {
    /// The page was just told to join.
    pub(crate) fn begin(rules: AutomaticLeave, now: Timestamp) -> Self {
        Self { rules, place: Place::Joining { since: now }, lost_at: None }
    }

    /// Whether the bot is in the meeting or its waiting room.
    pub(crate) fn is_in(&self) -> bool {
        !matches!(self.place, Place::Joining { .. })
    }

    /// Takes in what the page tells.
    pub(crate) fn event(&mut self, event: PageEvent, now: Timestamp) -> Option<Act> {
        match event {
            PageEvent::Joining => None,
            PageEvent::Connected => {
                self.lost_at = None;
                None
            }
            PageEvent::WaitingRoom => {
                let news = !matches!(self.place, Place::Waiting { .. });
                if news {
                    self.place = Place::Waiting { since: now };
                }
                news.then_some(Act::Arrive(BotStatus::InWaitingRoom))
            }
            PageEvent::InMeeting { participants } => {
                let news = !matches!(self.place, Place::Inside { .. });
                if news {
                    self.place = Place::Inside { since: now, company: Company::NotYet };
                }
                self.count(participants, now);
                news.then_some(Act::Arrive(BotStatus::InCallNotRecording))
            }
            PageEvent::Participants { others } => {
                self.count(others, now);
                None
            }
            PageEvent::Reconnecting { .. } => {
                self.lost_at.get_or_insert(now);
                None
            }
            PageEvent::Refused { code, reason, .. } => {
                let words = format!("Zoom refused the join with code {code}: {reason}");
                Some(Act::Refused(zoom::judge(code, &reason), words))
            }
            PageEvent::Failed { code, reason } => {
                let words = format!("Zoom ended the connection with code {code}: {reason}");
                Some(Act::End(match zoom::judge(code, &reason).sub_code() {
                    // The bot did nothing wrong: who vouched for it has left.
                    left @ SubCode::ZoomObfUserLeftMeeting => End::CallEnded(Some(left), Some(words)),
                    sub_code => End::Fatal(sub_code, words),
                }))
            }
            PageEvent::Ended { reason, on_hold } => Some(Act::End(ended(&reason, on_hold))),
            PageEvent::Left => Some(Act::End(End::CallEnded(None, None))),
            PageEvent::Script { message } => {
                tracing::warn!(message, "the page reported an exception");
                None
            }
            PageEvent::Gone(Gone::PageCrashed) => {
                Some(Act::End(End::Fatal(SubCode::BotErrored, "the bot's page crashed".into())))
            }
            PageEvent::Gone(Gone::BrowserGone) => {
                Some(Act::End(End::Fatal(SubCode::BotErrored, "the bot's browser ended".into())))
            }
        }
    }

    fn count(&mut self, others: usize, now: Timestamp) {
        if let Place::Inside { company, .. } = &mut self.place {
            *company = match (*company, others) {
                (Company::Present, 0) => Company::Gone { since: now },
                (alone, 0) => alone,
                _ => Company::Present,
            };
        }
    }

    /// When to call [`Life::due`] if nothing happens before.
    pub(crate) fn deadline(&self) -> Timestamp {
        self.limits().into_iter().flatten().map(|(at, _)| at).min().expect("every place has a limit")
    }

    /// What has become due by `now`.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Act> {
        let passed = self.limits().into_iter().flatten().filter(|(at, _)| *at <= now);
        passed.min_by_key(|(at, _)| *at).map(|(_, act)| act)
    }

    /// Every limit that applies here, and what its end means.
    fn limits(&self) -> [Option<(Timestamp, Act)>; 3] {
        let seconds = |count: u32| Duration::from_secs(count.into());
        let lost = self.lost_at.map(|at| {
            let words = "the connection to Zoom was lost and did not come back".into();
            (at + RECONNECT_DEADLINE, Act::End(End::Fatal(SubCode::ZoomConnectionFailed, words)))
        });
        match self.place {
            Place::Joining { since } => {
                let words = format!("no answer to the join within {} s", JOIN_DEADLINE.as_secs());
                [
                    Some((since + JOIN_DEADLINE, Act::End(End::Fatal(SubCode::ZoomJoinTimeout, words)))),
                    lost,
                    None,
                ]
            }
            Place::Waiting { since } => {
                let limit = since + seconds(self.rules.waiting_room_timeout);
                [Some((limit, Act::Leave(SubCode::TimeoutExceededWaitingRoom))), lost, None]
            }
            Place::Inside { since, company } => {
                let longest = since + seconds(self.rules.in_call_not_recording_timeout);
                let alone = match company {
                    Company::Present => None,
                    Company::NotYet => {
                        let limit = since + seconds(self.rules.noone_joined_timeout);
                        Some((limit, Act::Leave(SubCode::TimeoutExceededNooneJoined)))
                    }
                    Company::Gone { since: left } => {
                        let rule = self.rules.everyone_left_timeout;
                        let counts_from = left.max(since + seconds(rule.activate_after.unwrap_or(0)));
                        Some((
                            counts_from + seconds(rule.timeout),
                            Act::Leave(SubCode::TimeoutExceededEveryoneLeft),
                        ))
                    }
                };
                [Some((longest, Act::Leave(SubCode::TimeoutExceededInCallNotRecording))), lost, alone]
            }
        }
    }
}

/// What a closed connection means, by Zoom's words for it.
fn ended(reason: &str, on_hold: bool) -> End {
    match zoom::judge_end(reason, on_hold) {
        // Not the call's end, but the loss of the bot's own place in it.
        Some(sub_code @ SubCode::ZoomErrorMultipleDeviceJoin) => {
            End::Fatal(sub_code, "somebody else joined as the same Zoom user".into())
        }
        sub_code => End::CallEnded(sub_code, Some(format!("Zoom closed the call: {reason}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use browser::{Gone, PageEvent};
    use model::{BotStatus, SubCode, Timestamp};
    use zoom::JoinVerdict;

    use super::{Act, AutomaticLeave, End, Life};

    const START: Timestamp = Timestamp::from_second(1_800_000_000);

    fn at(seconds: u64) -> Timestamp {
        START + Duration::from_secs(seconds)
    }

    fn joined(others: usize) -> Life {
        let mut life = Life::begin(AutomaticLeave::default(), START);
        assert_eq!(life.event(PageEvent::Connected, START), None);
        let inside = life.event(PageEvent::InMeeting { participants: others }, START);
        assert_eq!(inside, Some(Act::Arrive(BotStatus::InCallNotRecording)));
        life
    }

    /// What becomes due at the very moment the life asks to be called, and nothing a second before.
    fn due(life: &Life, seconds: u64) -> Act {
        assert_eq!(life.deadline(), at(seconds));
        assert_eq!(life.due(at(seconds - 1)), None);
        life.due(at(seconds)).expect("due")
    }

    #[test]
    fn silence_from_the_sdk_ends_in_a_timeout() {
        let life = Life::begin(AutomaticLeave::default(), START);
        assert!(matches!(due(&life, 60), Act::End(End::Fatal(SubCode::ZoomJoinTimeout, _))));
    }

    #[test]
    fn a_refusal_is_judged() {
        let mut life = Life::begin(AutomaticLeave::default(), START);
        let refused = PageEvent::Refused { code: 3051, reason: "Require login".into(), url: None };
        let Some(Act::Refused(verdict, words)) = life.event(refused, START) else { panic!("refused") };
        assert_eq!(verdict, JoinVerdict::Fatal(SubCode::MeetingRequiresSignIn));
        assert!(words.contains("3051") && words.contains("Require login"));
    }

    #[test]
    fn the_waiting_room_has_its_own_limit_and_arriving_twice_is_told_once() {
        let mut life = Life::begin(AutomaticLeave::default(), START);
        assert_eq!(life.event(PageEvent::WaitingRoom, START), Some(Act::Arrive(BotStatus::InWaitingRoom)));
        assert_eq!(life.event(PageEvent::WaitingRoom, at(5)), None);
        assert_eq!(due(&life, 1200), Act::Leave(SubCode::TimeoutExceededWaitingRoom));
        let inside = life.event(PageEvent::InMeeting { participants: 1 }, at(6));
        assert_eq!(inside, Some(Act::Arrive(BotStatus::InCallNotRecording)));
        let held = life.event(PageEvent::WaitingRoom, at(9));
        assert_eq!(held, Some(Act::Arrive(BotStatus::InWaitingRoom)), "put back on hold");
    }

    #[test]
    fn an_empty_meeting_is_left() {
        assert_eq!(due(&joined(0), 1200), Act::Leave(SubCode::TimeoutExceededNooneJoined));
    }

    #[test]
    fn a_meeting_that_emptied_is_left_soon_unless_somebody_returns() {
        let mut life = joined(2);
        assert_eq!(due(&life, 3600), Act::Leave(SubCode::TimeoutExceededInCallNotRecording));
        life.event(PageEvent::Participants { others: 0 }, at(10));
        assert_eq!(due(&life, 12), Act::Leave(SubCode::TimeoutExceededEveryoneLeft));
        life.event(PageEvent::Participants { others: 1 }, at(11));
        assert_eq!(life.deadline(), at(3600));
    }

    #[test]
    fn a_lost_connection_has_a_minute() {
        let mut life = joined(1);
        life.event(PageEvent::Reconnecting { reason: None }, at(10));
        life.event(PageEvent::Reconnecting { reason: None }, at(20));
        assert!(matches!(due(&life, 70), Act::End(End::Fatal(SubCode::ZoomConnectionFailed, _))));
        life.event(PageEvent::Connected, at(30));
        assert_eq!(life.event(PageEvent::InMeeting { participants: 1 }, at(31)), None, "it was in before");
        assert_eq!(life.deadline(), at(3600));
    }

    #[test]
    fn ends_are_told_apart() {
        let end = |reason: &str, on_hold| {
            joined(1).event(PageEvent::Ended { reason: reason.into(), on_hold }, at(1))
        };
        let call_ended = |act: Option<Act>| match act {
            Some(Act::End(End::CallEnded(sub_code, _))) => sub_code,
            other => panic!("{other:?}"),
        };
        assert_eq!(call_ended(end("kicked by host", false)), Some(SubCode::BotKickedFromCall));
        assert_eq!(call_ended(end("kicked by host", true)), Some(SubCode::BotKickedFromWaitingRoom));
        assert_eq!(call_ended(end("ended by host", false)), Some(SubCode::CallEndedByHost));
        assert_eq!(call_ended(end("something new", false)), None);
        assert_eq!(
            call_ended(end("bot user kicked due to master leaving", false)),
            Some(SubCode::ZoomObfUserLeftMeeting)
        );
        let failed = PageEvent::Failed { code: 4019, reason: "left".into() };
        assert_eq!(call_ended(joined(1).event(failed, at(1))), Some(SubCode::ZoomObfUserLeftMeeting));
        let twice = end("duplicated session", false);
        assert!(matches!(twice, Some(Act::End(End::Fatal(SubCode::ZoomErrorMultipleDeviceJoin, _)))));
        for gone in [Gone::PageCrashed, Gone::BrowserGone] {
            let act = joined(1).event(PageEvent::Gone(gone), at(1));
            assert!(matches!(act, Some(Act::End(End::Fatal(SubCode::BotErrored, _)))));
        }
    }
}
