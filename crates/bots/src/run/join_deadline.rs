//! Decides whether a bot is too late to join. A late bot could enter another conversation.

use std::time::Duration;

use model::{BotStatus, SubCode, Timestamp};
use store::Bot;

use super::outcome::End;

/// Returns the end of a bot that no server has run for more than `within` since it was due, or since its last server's lease
/// expired.
pub(super) fn missed_join_deadline(bot: &Bot, within: Duration, now: Timestamp) -> Option<End> {
    let what = match bot.status() {
        BotStatus::Ready => "this bot was due",
        _ => "this bot's server was last seen",
    };
    let since = due_at(bot, now);
    let late = now.since(since);
    (late > within).then(|| {
        let limit = spoken(within);
        let words = format!(
            "{what} at {since}, {} before a server could run it: a bot that is more than {limit} late does not join \
             (bots.join_within)",
            spoken(late)
        );
        End::Fatal(SubCode::FailedToLaunchInTime, words)
    })
}

/// When the bot needed a server: at its join time, or when its last server's lease expired.
pub(crate) fn due_at(bot: &Bot, now: Timestamp) -> Timestamp {
    if bot.status() == BotStatus::Ready {
        return bot.join_at.unwrap_or(bot.created_at);
    }
    let heard_at = bot.status_changes.iter().map(|step| step.created_at).chain(bot.leased_until);
    // A time in the future was written by a server with a wrong clock, and is ignored.
    heard_at.filter(|at| !at.is_from_the_future(now)).max().unwrap_or(bot.created_at)
}

/// Formats a duration in at most two units.
fn spoken(span: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let (mut rest, mut parts) = (span.as_secs(), Vec::new());
    for (seconds, unit) in UNITS {
        if rest >= seconds {
            parts.push(format!("{} {unit}", rest / seconds));
        }
        rest %= seconds;
    }
    parts.truncate(2);
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use model::{BotId, BotStatus, Environment, Sealed, StatusChange, SubCode, Timestamp, WorkspaceId};
    use store::Bot;

    use super::{missed_join_deadline, spoken};
    use crate::run::outcome::End;

    const WITHIN: Duration = Duration::from_secs(600);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_second(1_800_000_000) + Duration::from_secs(seconds)
    }

    fn bot(steps: &[(BotStatus, u64)]) -> Bot {
        let env = Environment::system();
        let steps = steps.iter().map(|(code, seconds)| StatusChange {
            code: *code,
            message: None,
            created_at: at(*seconds),
            sub_code: None,
        });
        Bot {
            id: BotId::generate(&env),
            workspace: WorkspaceId::generate(&env),
            request: Sealed(Vec::new()),
            meeting_digest: [0; 32],
            join_at: None,
            metadata: BTreeMap::new(),
            signs_in_with: store::SignsInWith::default(),
            status_changes: steps.collect(),
            leave_requested_at: None,
            leased_until: None,
            output_revision: 0,
            created_at: at(0),
        }
    }

    fn is_missed(bot: &Bot, now: u64) -> bool {
        match missed_join_deadline(bot, WITHIN, at(now)) {
            None => false,
            Some(End::Fatal(SubCode::FailedToLaunchInTime, _)) => true,
            Some(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_scheduled_bot_is_late_from_its_join_time_on() {
        let mut new = bot(&[(BotStatus::Ready, 0)]);
        assert!(!is_missed(&new, 600) && is_missed(&new, 601));
        new.join_at = Some(at(5000));
        assert!(!is_missed(&new, 5600) && is_missed(&new, 5601));
        let days = missed_join_deadline(&new, WITHIN, at(5000 + 3 * 86_400 + 7300));
        let Some(End::Fatal(_, words)) = days else { panic!("missed") };
        assert!(
            words.contains("3 d 2 h before a server") && words.contains("more than 10 min late"),
            "{words}"
        );
    }

    #[test]
    fn a_started_bot_is_late_from_the_last_sign_of_life_of_its_server_on() {
        let mut inside = bot(&[(BotStatus::Ready, 0), (BotStatus::InCallNotRecording, 20)]);
        inside.leased_until = Some(at(3000));
        assert!(!is_missed(&inside, 3600) && is_missed(&inside, 3601));
        // A lease of a server with a wrong clock is ignored.
        inside.leased_until = Some(at(99_999));
        assert!(!is_missed(&inside, 620) && is_missed(&inside, 621));
        // Handed over: no server has a lease.
        let handed = bot(&[(BotStatus::InCallNotRecording, 20), (BotStatus::JoiningCall, 4000)]);
        assert!(!is_missed(&handed, 4600) && is_missed(&handed, 4601));
    }

    #[test]
    fn a_duration_is_formatted_in_two_units() {
        for (seconds, words) in
            [(0, "0 s"), (59, "59 s"), (600, "10 min"), (90_061, "1 d 1 h"), (86_405, "1 d 5 s")]
        {
            assert_eq!(spoken(Duration::from_secs(seconds)), words);
        }
    }
}
