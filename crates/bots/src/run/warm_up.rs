//! Prepares a scheduled bot before its `join_at`.
//!
//! The bot is leased early. Its page is opened at once, without joining; its tokens are fetched shortly before `join_at`.
//! Until then the bot is `ready`: it can be changed and cancelled, which ends the lease.

use std::time::Duration;

use browser::PageEvent;
use metrics::Metrics;
use model::{BotStatus, CLOCK_TOLERANCE, Timestamp};
use tokio_util::task::AbortOnDropHandle;

use super::{
    bot_run::BotRun,
    command::{BotCommand, LatestCommand, next_command, unless_commanded},
    parts::RunParts,
    sign_in::{self, JoinCredentials, Refused},
};
use crate::{
    browsers::OpenPage,
    log::{LogEntryKind, NewLogEntry},
};

/// How long before `join_at` a bot's tokens are fetched. A token must be fresh, and its source may be slow.
const TOKENS_BEFORE: Duration = Duration::from_secs(5);
/// Interval between checks of the system clock, which may be set during the wait.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The most pages that are opened ahead, one after the other, if a page can't be opened or dies.
const MAX_PAGES: u32 = 3;

/// What was prepared before the join. The rest is fetched as for a bot that joins at once.
#[derive(Default)]
pub(super) struct WarmUp {
    pub(super) page: WarmPage,
    pub(super) credentials: Option<JoinCredentials>,
}

/// A page that was opened before it was needed.
#[derive(Default)]
pub(super) enum WarmPage {
    #[default]
    None,
    /// The page is being opened. Dropping this closes it.
    Opening(AbortOnDropHandle<Option<OpenPage>>),
    Open {
        page: Box<OpenPage>,
        _counted: WarmBot,
    },
}

/// Counts a bot that waits with an open page, for the metrics.
pub(super) struct WarmBot(Metrics);

impl WarmBot {
    fn count(metrics: &Metrics) -> Self {
        metrics.bots_warm(1);
        Self(metrics.clone())
    }
}

impl Drop for WarmBot {
    fn drop(&mut self) {
        self.0.bots_warm(-1);
    }
}

/// How the wait ended.
pub(super) enum Waited {
    /// The bot is due.
    Due(Box<WarmUp>),
    /// The bot must be leased again later: the clock was set back and `join_at` is far in the future again, or the lease is
    /// lost.
    NotYet,
    /// A command came first.
    Command(BotCommand),
}

/// The time until `time`. `None` if it is too long to wait, because the clock was set back.
fn left(time: Timestamp, now: Timestamp, warm_up: Duration) -> Option<Duration> {
    let left = time.since(now);
    (left <= warm_up + CLOCK_TOLERANCE).then_some(left)
}

impl WarmPage {
    fn open(parts: &RunParts) -> Self {
        Self::Opening(AbortOnDropHandle::new(parts.browsers.open_in_background()))
    }

    /// Returns the page, if there is a usable one. Waits for a page that is being opened.
    pub(super) async fn into_page(self) -> Option<OpenPage> {
        match self {
            Self::None => None,
            Self::Opening(opening) => opening.await.ok().flatten(),
            Self::Open { page, .. } => page.alive(),
        }
    }

    /// Resolves when the page has opened, could not be opened, or is gone.
    async fn changed(&mut self, metrics: &Metrics) {
        match self {
            Self::None => std::future::pending().await,
            Self::Opening(opening) => {
                let opened = opening.await.ok().flatten();
                *self = opened.map_or(Self::None, |page| Self::Open {
                    page: Box::new(page),
                    _counted: WarmBot::count(metrics),
                });
            }
            Self::Open { page, .. } => {
                while !matches!(page.event().await, PageEvent::Gone(_)) {}
                *self = Self::None;
            }
        }
    }
}

/// Waits until the bot is due, and prepares its join in the meantime. Returns at once for a bot that is due.
#[tracing::instrument(name = "wait_for_join_at", skip_all)]
pub(super) async fn wait_for_join_at(run: &BotRun<'_>, commands: &mut LatestCommand) -> Waited {
    let (parts, bot) = (run.record.parts, run.record.bot);
    let (env, warm_up) = (&parts.env, parts.timing.warm_up);
    let time = match bot.join_at {
        Some(time) if bot.status() == BotStatus::Ready => time,
        _ => return Waited::Due(Box::default()),
    };
    if env.now() < time {
        let words = format!("The bot prepares its join and waits until {time}.");
        run.record.note(NewLogEntry::new(LogEntryKind::Decision, words));
    }
    let mut ahead = Box::<WarmUp>::default();
    let (mut pages, mut asked) = (0, false);
    loop {
        let Some(left) = left(time, env.now(), warm_up) else {
            tracing::warn!(%time, "the clock was set back: a bot is released until its join time is near");
            return Waited::NotYet;
        };
        if left.is_zero() {
            // If the clock was set forward, the lease may have expired as well, and another run may take the bot. The
            // renewal checks that: without it, the page would join for a bot that another run has.
            let lease = &run.record.lease;
            let renewed = parts.store.renew_bot(bot.id, lease, env.now() + parts.timing.lease).await;
            return if matches!(renewed, Ok(None)) { Waited::NotYet } else { Waited::Due(ahead) };
        }
        if matches!(ahead.page, WarmPage::None) && pages < MAX_PAGES {
            pages += 1;
            ahead.page = WarmPage::open(parts);
        }
        // A bot that uses a pool takes its seat only when it is due.
        if left <= TOKENS_BEFORE && !asked && run.request.zoom.pool.is_none() {
            asked = true;
            let refused = Refused::default();
            let fetch = sign_in::join_credentials(parts, bot, &run.request.zoom, &run.link, &refused);
            // A failure now is not final: the token is requested again when the bot is due.
            match unless_commanded(commands, env.clock.timeout(left, Box::pin(fetch))).await {
                Ok(fetched) => ahead.credentials = fetched.and_then(Result::ok),
                Err(command) => return Waited::Command(command),
            }
            continue;
        }
        tokio::select! {
            () = ahead.page.changed(&parts.metrics) => {}
            () = env.clock.sleep(left.min(CLOCK_CHECK_INTERVAL)) => {}
            command = next_command(commands) => return Waited::Command(command),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::Timestamp;

    use super::left;

    const WARM_UP: Duration = Duration::from_secs(30);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_that_is_set_forward_ends_the_wait() {
        let time = at("2026-11-29T12:00:00Z");
        assert_eq!(left(time, at("2026-11-29T11:59:40Z"), WARM_UP), Some(Duration::from_secs(20)));
        assert_eq!(left(time, at("2026-11-29T12:00:00Z"), WARM_UP), Some(Duration::ZERO));
        assert_eq!(left(time, at("2026-11-29T15:00:00Z"), WARM_UP), Some(Duration::ZERO));
    }

    #[test]
    fn the_wait_ends_if_the_clock_is_set_back_by_more_than_the_tolerance() {
        let time = at("2026-11-29T12:00:00Z");
        assert_eq!(left(time, at("2026-11-29T11:59:00Z"), WARM_UP), Some(Duration::from_secs(60)));
        assert_eq!(left(time, at("2026-11-29T11:58:59Z"), WARM_UP), None);
        assert_eq!(left(time, at("2026-11-29T11:00:00Z"), WARM_UP), None);
    }

    /// A time is an instant: its offset distinguishes the two hours with the same local time when clocks are set back.
    #[test]
    fn the_repeated_hour_of_daylight_saving_is_two_hours() {
        let (summer, winter) = (at("2026-10-25T02:30:00+02:00"), at("2026-10-25T02:30:00+01:00"));
        assert_eq!(winter.since(summer), Duration::from_secs(3600));
        let now = at("2026-10-25T00:29:50Z");
        assert_eq!(left(summer, now, WARM_UP), Some(Duration::from_secs(10)));
        assert_eq!(left(winter, now, WARM_UP), None, "an hour later");
        // Spring: 02:30 at the old offset is 03:30 at the new one.
        assert_eq!(at("2027-03-28T02:30:00+01:00"), at("2027-03-28T03:30:00+02:00"));
    }
}
