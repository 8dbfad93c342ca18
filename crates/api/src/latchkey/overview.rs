//! `GET /api/latchkey/v1/overview/`: accounts and bots of a workspace, counted.

use std::time::Duration;

use axum::{Json, extract::State as Extract};
use model::{BotStatus, CredentialStatus, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
};

/// How far back joins are looked at.
const HOURS: Duration = Duration::from_secs(24 * 3600);
/// The newest of them: more would change no figure much.
const MOST_JOINS: u32 = 1000;

/// A workspace in numbers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Overview {
    /// By state; a state without accounts is missing.
    accounts: Vec<AccountsInState>,
    /// Bots that have not ended, by state; a state without bots is missing.
    bots: Vec<BotsInState>,
    time_to_join: TimeToJoin,
}

/// Accounts in one state.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountsInState {
    #[schema(value_type = String)]
    latchkey_status: CredentialStatus,
    accounts: u64,
    /// When the first of them is refreshed.
    #[schema(required)]
    next_refresh_at: Option<Timestamp>,
}

/// Bots in one state.
#[derive(Serialize, ToSchema)]
pub(crate) struct BotsInState {
    #[schema(value_type = String)]
    status: BotStatus,
    bots: u64,
}

/// From `joining_call` to `in_call_not_recording`, of the last 1000 bots that came in during the last 24 hours. Time in a
/// waiting room counts.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimeToJoin {
    bots: u64,
    /// In milliseconds.
    #[schema(required)]
    median_ms: Option<u64>,
    /// In milliseconds: 19 of 20 took no longer.
    #[schema(required)]
    p95_ms: Option<u64>,
}

impl TimeToJoin {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        // The nearest rank.
        let at = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times.get(rank - 1).map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        };
        Self { bots: times.len() as u64, median_ms: at(50), p95_ms: at(95) }
    }
}

/// Count accounts and bots
///
/// What there is at this moment; `bot-outcomes` counts what became of bots.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/overview/",
    tag = "workspace",
    operation_id = "overview_retrieve",
    security(("tokenAuth" = ["read"])),
    responses((status = 200, description = "The numbers.", body = Overview)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
) -> Result<Json<Overview>, ApiError> {
    let since = state.env.now() - HOURS;
    let store::Overview { accounts, bots, join_times } =
        state.store.overview(caller.workspace, since, MOST_JOINS).await?;
    let accounts = accounts.into_iter().map(|row| AccountsInState {
        latchkey_status: row.status,
        accounts: row.accounts,
        next_refresh_at: row.next_refresh,
    });
    let bots = bots.into_iter().map(|(status, bots)| BotsInState { status, bots });
    Ok(Json(Overview {
        accounts: accounts.collect(),
        bots: bots.collect(),
        time_to_join: TimeToJoin::of(join_times),
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::TimeToJoin;

    #[test]
    fn the_median_and_the_95th_of_a_hundred_are_times_that_were_taken() {
        let times = |range: std::ops::RangeInclusive<u64>| range.rev().map(Duration::from_millis).collect();
        let shown = |times: Vec<Duration>| {
            let TimeToJoin { bots, median_ms, p95_ms } = TimeToJoin::of(times);
            (bots, median_ms, p95_ms)
        };
        assert_eq!(shown(Vec::new()), (0, None, None));
        assert_eq!(shown(times(7..=7)), (1, Some(7), Some(7)));
        assert_eq!(shown(times(1..=100)), (100, Some(50), Some(95)));
    }
}
