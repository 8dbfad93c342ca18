//! Property test: whatever the page reports, in whatever order, a bot takes only steps that the state machine allows, and
//! records a sub code only with a status that it belongs to.

use std::time::Duration;

use browser::{PageEnd, PageEvent};
use model::{BotStatus, SubCode, Timestamp};
use proptest::{collection::vec, prelude::*, sample};

use super::{
    life::{Action, Life},
    outcome::End,
};
use crate::{request::AutomaticLeave, settings::Timing};

#[derive(Debug, Clone)]
enum Happening {
    Says(PageEvent),
    /// This many seconds pass.
    Passes(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let reasons = [
        "kicked by host",
        "ended by host",
        "free meeting ended",
        "unknown reason: 11",
        "unknown reason: 12",
        "unknown reason: 13",
        "duplicated session",
        "bot user kicked due to master leaving",
        "archive failed",
        "rsgw ended",
        "user request",
        "",
    ];
    let texts =
        ["Token error", "Be removed.", "captcha", "has expired", "Your account has been blocked.", ""];
    let code = prop_oneof![
        sample::select(vec![
            1, 2, 124, 200, 403, -3000, 3000, 3001, 3004, 3008, 3009, 3032, 3051, 3099, 3110, 3135, 3136,
            3265, 3620, 3625, 3627, 3633, 3634, 3704, 3705, 3711, 3712, 4001, 4004, 4005, 4006, 4007, 4008,
            4009, 4011, 4012, 4014, 4015, 4016, 4017, 4019, 6603, 10000, 13208,
        ]),
        -4000_i64..14_000,
    ];
    let page =
        sample::select(vec![None, Some("https://zoom.us/webinar/register"), Some("https://zoom.us/captcha")]);
    let refused = (code, sample::select(texts.to_vec()), page).prop_map(|(code, reason, page)| {
        PageEvent::Refused { code, reason: reason.to_owned(), url: page.map(str::to_owned) }
    });
    let failed = refused.clone().prop_filter_map("a refusal", |refused| match refused {
        PageEvent::Refused { code, reason, .. } => Some(PageEvent::Failed { code, reason }),
        _ => None,
    });
    let ended = (sample::select(reasons.to_vec()), any::<bool>())
        .prop_map(|(reason, on_hold)| PageEvent::Ended { reason: reason.to_owned(), on_hold });
    let event = prop_oneof![
        2 => Just(PageEvent::Connected),
        4 => Just(PageEvent::WaitingRoom),
        6 => (0_usize..3).prop_map(|participants| PageEvent::InMeeting { participants }),
        4 => (0_usize..3).prop_map(|others| PageEvent::Participants { others }),
        2 => Just(PageEvent::Reconnecting { reason: None }),
        2 => refused,
        1 => failed,
        1 => ended,
        1 => Just(PageEvent::Dropped { how: "without any event" }),
        1 => Just(PageEvent::Left),
        1 => sample::select(vec![PageEnd::PageCrashed, PageEnd::BrowserGone, PageEnd::PageFrozen]).prop_map(PageEvent::Gone),
    ];
    prop_oneof![4 => event.prop_map(Happening::Says), 1 => (1_u64..4000).prop_map(Happening::Passes)]
}

/// A bot and its recorded steps.
struct Recorded {
    life: Life,
    status: BotStatus,
    now: Timestamp,
}

impl Recorded {
    /// Records the steps of an action, as the runner does. Returns `false` at the bot's end.
    fn take(&mut self, action: Action) -> Result<bool, TestCaseError> {
        use BotStatus::{CallEnded, Done, Fatal, JoiningCall};
        match action {
            Action::Arrive(status) => self.step(status, None)?,
            Action::Refused(verdict, _) => {
                // The bot waits or tries again with this sub code, and may end with it.
                let ends = verdict.sub_code().stands_with().contains(&Fatal);
                prop_assert!(ends, "{verdict:?} can't be the end");
                self.step(JoiningCall, Some(verdict.sub_code()))?;
                self.life.join(self.now);
            }
            Action::Rejoin(loss) => {
                prop_assert!(loss.sub_code.stands_with().contains(&Fatal), "{loss:?} can't be the end");
                self.step(JoiningCall, Some(loss.sub_code))?;
                self.life.join(self.now);
            }
            Action::Leave(sub_code) | Action::End(End::CallEnded(sub_code, _)) => {
                self.step(CallEnded, Some(sub_code))?;
                self.step(Done, None)?;
                return Ok(false);
            }
            Action::End(End::Done) => {
                self.step(CallEnded, None)?;
                self.step(Done, None)?;
                return Ok(false);
            }
            Action::End(End::Fatal(sub_code, _)) => {
                self.step(Fatal, Some(sub_code))?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn step(&mut self, next: BotStatus, sub_code: Option<SubCode>) -> Result<(), TestCaseError> {
        prop_assert!(self.status.may_become(next), "{} -> {next}", self.status);
        let stands = sub_code.is_none_or(|sub_code| sub_code.stands_with().contains(&next));
        prop_assert!(stands, "{next} with {sub_code:?}");
        self.status = next;
        Ok(())
    }
}

proptest! {
    #[test]
    fn no_order_of_events_leads_to_an_illegal_step(happenings in vec(happening(), 0..30)) {
        let now = Timestamp::from_second(1_800_000_000);
        let life = Life::new(AutomaticLeave::default(), Timing::default(), None, now);
        let mut bot = Recorded { life, status: BotStatus::JoiningCall, now };
        for happening in happenings {
            let action = match happening {
                Happening::Says(event) => bot.life.event(event, bot.now),
                Happening::Passes(seconds) => {
                    bot.now = bot.now + Duration::from_secs(seconds);
                    bot.life.due(bot.now)
                }
            };
            let Some(action) = action else { continue };
            if !bot.take(action)? {
                break;
            }
        }
    }
}
