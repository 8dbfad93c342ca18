//! Rejoining after a bot lost its place in a meeting: when to try, and when to stop. No I/O: the caller passes the time with
//! every call.
//!
//! A bot rejoins as it first joined, on a new page with fresh tokens, until the time limit or until Zoom says that the
//! meeting is over. A bot that was taken over from a dead or stopped server rejoins too.

use std::time::Duration;

use model::{SubCode, Timestamp};
use zoom::JoinVerdict;

use super::{
    life::Life,
    outcome::{End, Loss, Outcome, end_of_refused},
};

/// When a bot has been back for this long, a later loss counts as a new one.
const RECOVERED_AFTER: Duration = Duration::from_secs(60);
/// The pause between joins grows up to this factor.
const SLOWEST: u32 = 3;

/// The state of a bot's attempts to rejoin.
#[derive(Debug)]
pub(super) struct Rejoin {
    within: Duration,
    away: Option<Away>,
}

#[derive(Debug)]
struct Away {
    since: Timestamp,
    tries: u32,
}

/// The next step after a join and its outcome.
pub(super) enum Next {
    /// Join again. The loss is set if it is a new one.
    Join {
        pause: Duration,
        loss: Option<Loss>,
    },
    End(End),
    /// The bot has not lost its place: the rules of a first join apply.
    AsAtFirst(Outcome),
}

impl Rejoin {
    /// Creates the state of a bot that has not lost its place.
    pub(super) const fn new(within: Duration) -> Self {
        Self { within, away: None }
    }

    /// Creates the state of a bot that was taken over from another server: it starts with a loss.
    pub(super) const fn from_another_server(within: Duration, now: Timestamp) -> Self {
        Self { within, away: Some(Away { since: now, tries: 0 }) }
    }

    /// Decides the next step after a join that began at `joined`.
    pub(super) fn after(&mut self, outcome: Outcome, life: &Life, joined: Timestamp, now: Timestamp) -> Next {
        let (mut at_least, mut news) = (Duration::ZERO, None);
        let was_inside = life.was_inside();
        let (sub_code, words) = match outcome {
            Outcome::Lost(loss) => {
                // Only the first loss is recorded, and not those of each try to rejoin.
                news = (life.is_in() || self.away.is_none()).then(|| loss.clone());
                self.lose(loss.since, life.in_since());
                (loss.sub_code, loss.words)
            }
            outcome if self.away.is_none() => return Next::AsAtFirst(outcome),
            Outcome::Over(End::Fatal(sub_code, words)) if may_pass(sub_code) => (sub_code, words),
            Outcome::Refused(verdict @ JoinVerdict::Fatal(SubCode::ZoomErrorMultipleDeviceJoin), words) => {
                (verdict.sub_code(), words)
            }
            // Most probably Zoom still counts the bot's own earlier connection: no other bot has this seat of the pool.
            Outcome::Inside(_, words) => (SubCode::ZoomErrorMultipleDeviceJoin, words),
            Outcome::Refused(verdict, words) if was_inside => match end_of_refused(verdict, &words) {
                Some(end) => return Next::End(end),
                None => (verdict.sub_code(), words),
            },
            Outcome::Later(pause, sub_code, words) if was_inside => {
                at_least = pause;
                (sub_code, words)
            }
            outcome => return Next::AsAtFirst(outcome),
        };
        if let Some(pause) = self.pause(joined, at_least, now) {
            tracing::info!(words, ?pause, "the bot rejoins");
            Next::Join { pause, loss: news }
        } else {
            let limit = self.within.as_secs();
            let words = format!("the bot lost its place and could not rejoin within {limit} s: {words}");
            Next::End(End::Fatal(sub_code, words))
        }
    }

    /// Records a loss of a bot that was in the meeting since `in_since`. A loss soon after a return continues the earlier
    /// one, so that a bot that is disconnected repeatedly stops at the time limit.
    fn lose(&mut self, since: Timestamp, in_since: Option<Timestamp>) {
        let steady = in_since.is_some_and(|at| since.since(at) >= RECOVERED_AFTER);
        if steady || self.away.is_none() {
            self.away = Some(Away { since, tries: 0 });
        }
    }

    /// The pause before the next join, given that the last one began at `joined`. `None` if the bot has been away too long.
    fn pause(&mut self, joined: Timestamp, at_least: Duration, now: Timestamp) -> Option<Duration> {
        let away = self.away.as_mut()?;
        let spacing = JoinVerdict::SPACING * away.tries.clamp(1, SLOWEST);
        away.tries += 1;
        let pause = (joined + spacing).since(now).max(at_least);
        (now.since(away.since) + pause <= self.within).then_some(pause)
    }
}

/// Whether a failure during a rejoin may be temporary: the outage that caused the loss may also affect the token source.
const fn may_pass(sub_code: SubCode) -> bool {
    matches!(
        sub_code,
        SubCode::BotErrored
            | SubCode::FailedToLaunchInTime
            | SubCode::ZoomConnectionFailed
            | SubCode::ZoomInternalError
            | SubCode::ZoomJoinTimeout
            | SubCode::ZoomObfCallbackFailed
            | SubCode::ZoomZakCallbackFailed
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use browser::PageEvent;
    use model::{SubCode, Timestamp};
    use zoom::JoinVerdict;

    use super::{Next, Rejoin};
    use crate::{
        request::AutomaticLeave,
        run::{
            life::Life,
            outcome::{End, Loss, Outcome},
        },
        settings::Timing,
    };

    const WITHIN: Duration = Duration::from_secs(300);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_second(1_800_000_000) + Duration::from_secs(seconds)
    }

    fn pause(back: &mut Rejoin, joined: u64, now: u64) -> Option<u64> {
        back.pause(at(joined), Duration::ZERO, at(now)).map(|pause| pause.as_secs())
    }

    #[test]
    fn the_first_try_is_at_once_and_later_tries_are_spaced() {
        let mut back = Rejoin::new(WITHIN);
        back.lose(at(1000), Some(at(5)));
        assert_eq!(pause(&mut back, 0, 1003), Some(0), "the last join is long ago");
        assert_eq!(pause(&mut back, 1003, 1004), Some(9));
        assert_eq!(pause(&mut back, 1013, 1014), Some(19));
        assert_eq!(pause(&mut back, 1034, 1034), Some(30));
        assert_eq!(pause(&mut back, 1064, 1064), Some(30));
        assert_eq!(pause(&mut back, 1294, 1294), None, "it would be later than five minutes");
    }

    #[test]
    fn a_loss_soon_after_a_return_continues_the_earlier_one() {
        let mut back = Rejoin::new(WITHIN);
        back.lose(at(100), Some(at(0)));
        back.lose(at(390), Some(at(350)));
        assert_eq!(pause(&mut back, 350, 390), Some(0));
        assert_eq!(pause(&mut back, 401, 401), None);
        back.lose(at(500), Some(at(402)));
        assert_eq!(pause(&mut back, 401, 500), Some(0), "it was back for more than a minute");
    }

    /// The next step after the second join of a bot. `was_inside` says whether it was in the meeting before.
    fn after(was_inside: bool, outcome: Outcome) -> Next {
        let mut life = Life::new(AutomaticLeave::default(), Timing::default(), None, at(0));
        if was_inside {
            life.event(PageEvent::InMeeting { participants: 1 }, at(1));
        }
        let mut back = Rejoin::new(WITHIN);
        let loss = Loss { since: at(100), sub_code: SubCode::BotErrored, words: "it crashed".into() };
        let first = back.after(Outcome::Lost(loss.clone()), &life, at(0), at(100));
        assert!(matches!(first, Next::Join { loss: Some(told), .. } if told == loss));
        life.join(at(100));
        back.after(outcome, &life, at(100), at(105))
    }

    #[test]
    fn zoom_may_end_the_bot_during_a_rejoin() {
        let refused = |verdict| Outcome::Refused(verdict, "refused".into());
        let again = |next| matches!(next, Next::Join { loss: None, .. });
        let retry = JoinVerdict::Retry { sub_code: SubCode::ZoomConnectionFailed, pause: Duration::ZERO };
        let twice = JoinVerdict::Fatal(SubCode::ZoomErrorMultipleDeviceJoin);
        let ended = End::CallEnded(SubCode::MeetingEnded, Some("refused".into()));
        for verdict in [JoinVerdict::NotStarted, JoinVerdict::Fatal(SubCode::MeetingEnded)] {
            assert!(matches!(after(true, refused(verdict)), Next::End(end) if end == ended));
            assert!(matches!(after(false, refused(verdict)), Next::AsAtFirst(_)), "it waits as at first");
        }
        assert!(again(after(true, refused(retry))) && again(after(true, refused(twice))));
        assert!(again(after(false, refused(twice))));
        assert!(matches!(after(false, refused(retry)), Next::AsAtFirst(_)));
        let removed = JoinVerdict::Fatal(SubCode::MeetingNotAccessible);
        let fatal = after(true, refused(removed));
        assert!(matches!(fatal, Next::End(End::Fatal(SubCode::MeetingNotAccessible, _))));
    }

    #[test]
    fn a_failed_token_fetch_during_a_rejoin_may_be_temporary() {
        let over = |sub_code| Outcome::Over(End::Fatal(sub_code, "no token".into()));
        let passes = after(true, over(SubCode::ZoomZakCallbackFailed));
        assert!(matches!(passes, Next::Join { loss: None, .. }));
        let dead = after(true, over(SubCode::ZoomCredentialUnhealthy));
        assert!(matches!(dead, Next::AsAtFirst(Outcome::Over(_))));
        let pause = Duration::from_secs(60);
        let later = Outcome::Later(pause, SubCode::ZoomPoolFull, "full".into());
        assert!(matches!(after(true, later), Next::Join { pause: waits, .. } if waits == pause));
    }

    #[test]
    fn a_bot_from_another_server_starts_with_a_rejoin() {
        let mut back = Rejoin::from_another_server(WITHIN, at(0));
        assert!(Rejoin::new(WITHIN).pause(at(0), Duration::ZERO, at(1)).is_none());
        assert_eq!(pause(&mut back, 0, 1), Some(9));
        assert_eq!(pause(&mut back, 300, 300), None);
    }
}
