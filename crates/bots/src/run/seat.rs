//! Renews a bot's seat of a pool.

use std::{convert::Infallible, time::Duration};

use super::{bot_row::BotRecord, bot_run::BotRun, parts::SEAT_TTL};

/// Interval between renewals of a bot's seat in a pool.
const SEAT_RENEW_INTERVAL: Duration = Duration::from_secs(60);

/// Renews the bot's seat in its pool for as long as it is polled. The last step releases the seat;
/// otherwise it expires.
#[tracing::instrument(name = "keep_seat", skip_all)]
pub(super) async fn renew(run: &BotRun<'_>) -> Infallible {
    let BotRecord { parts, bot, .. } = run.record;
    let Some(pool) = run.request.zoom.pool else { return std::future::pending().await };
    loop {
        parts.env.clock.sleep(SEAT_RENEW_INTERVAL).await;
        let (holder, until) = (bot.id.to_string(), parts.env.now() + SEAT_TTL);
        // Having no seat is not an error: the bot may be waiting for one.
        if let Err(failure) = parts.broker.pools.extend_seats(bot.workspace, pool, &holder, until).await {
            tracing::warn!(bot = %bot.id, failure = %model::chain(&failure), "could not renew a bot's seat of a pool");
        }
    }
}
