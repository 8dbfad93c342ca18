//! `GET /api/latchkey/v1/overview/`: numbers of a workspace's accounts and bots.

use std::time::Duration;

use axum::{Json, extract::State as Extract};
use broker::scopes;
use model::{BotStatus, Code, CredentialId, CredentialStatus, Timestamp, ZoomOauthAppId};
use serde::Serialize;
use store::AccountGroup;
use utoipa::ToSchema;

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
};

/// The period of the joins that are counted.
const HOURS: Duration = Duration::from_secs(24 * 3600);
/// Only the newest joins are counted: more would hardly change a figure.
const MAX_JOINS: u32 = 1000;

/// A workspace in numbers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Overview {
    /// By state; states without accounts are left out.
    accounts: Vec<AccountsInState>,
    /// Accounts, healthy or degraded, that bots cannot sign in with until a person changes something at Zoom.
    cannot_sign_in: Vec<CannotSignIn>,
    /// Refreshes of accounts in the last 24 hours, from the beginning of the first hour.
    refreshes: Refreshes,
    /// Bots that have not ended, by state; states without bots are left out.
    bots: Vec<BotsInState>,
    time_to_join: TimeToJoin,
}

/// Accounts in one state.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountsInState {
    #[schema(value_type = String)]
    latchkey_status: CredentialStatus,
    accounts: u64,
    /// When the first of them is due for a refresh.
    #[schema(required)]
    next_refresh_at: Option<Timestamp>,
}

/// Accounts of one app that have tokens, and why bots cannot sign in with them.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CannotSignIn {
    cause: Hindrance,
    oauth_app: ZoomOauthAppId,
    /// The scopes that the accounts lack; empty if Zoom refuses the app.
    missing_scopes: Vec<&'static str>,
    accounts: u64,
    /// One of the accounts.
    credential: CredentialId,
}

/// `app_refused`: Zoom refuses the app's id or secret, so none of its accounts can be refreshed. `scopes_missing`: the
/// accounts' grants lack scopes that a bot needs to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Hindrance {
    AppRefused,
    ScopesMissing,
}

impl CannotSignIn {
    fn of(alike: AccountGroup) -> Option<Self> {
        let AccountGroup { app, app_refused, kind, scopes, accounts, first } = alike;
        let missing = scopes::missing(kind, scopes.as_deref());
        let (cause, missing_scopes) = match (app_refused, missing.is_empty()) {
            (true, _) => (Hindrance::AppRefused, Vec::new()),
            (false, false) => (Hindrance::ScopesMissing, missing),
            (false, true) => return None,
        };
        Some(Self { cause, oauth_app: app, missing_scopes, accounts, credential: first })
    }

    /// Merges groups of the same app and cause.
    fn all(alike: Vec<AccountGroup>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for one in alike.into_iter().filter_map(Self::of) {
            let is_same = |other: &&mut Self| {
                (other.cause, other.oauth_app, &other.missing_scopes)
                    == (one.cause, one.oauth_app, &one.missing_scopes)
            };
            match all.iter_mut().find(is_same) {
                Some(same) => same.accounts += one.accounts,
                None => all.push(one),
            }
        }
        all
    }
}

/// Outcomes of refreshes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Refreshes {
    done: u64,
    failed: u64,
    /// The failures by code.
    failures: Vec<RefreshFailures>,
}

/// Refreshes that failed with one code.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefreshFailures {
    code: Code,
    refreshes: u64,
}

impl Refreshes {
    fn of(counted: Vec<store::RefreshesCounted>) -> Self {
        let mut all = Self { done: 0, failed: 0, failures: Vec::new() };
        for store::RefreshesCounted { failure, refreshes } in counted {
            match failure {
                None => all.done += refreshes,
                Some(code) => {
                    all.failed += refreshes;
                    all.failures.push(RefreshFailures { code, refreshes });
                }
            }
        }
        all
    }
}

/// Bots in one state.
#[derive(Serialize, ToSchema)]
pub(crate) struct BotsInState {
    #[schema(value_type = String)]
    status: BotStatus,
    bots: u64,
}

/// Time from `joining_call` to `in_call_not_recording`, of the last 1000 bots that joined in the last 24 hours. Time in a
/// waiting room is included.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimeToJoin {
    bots: u64,
    /// In milliseconds.
    #[schema(required)]
    median_ms: Option<u64>,
    /// In milliseconds: 95 % took no longer.
    #[schema(required)]
    p95_ms: Option<u64>,
}

impl TimeToJoin {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        // The nearest-rank method.
        let at = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times.get(rank - 1).map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        };
        Self { bots: times.len() as u64, median_ms: at(50), p95_ms: at(95) }
    }
}

/// Count accounts and bots
///
/// The state at this moment; `bot-outcomes` counts how bots ended.
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
    let store::Overview { accounts, with_tokens, refreshes, bots, join_times } =
        state.store.overview(caller.workspace, since, MAX_JOINS).await?;
    let accounts = accounts.into_iter().map(|row| AccountsInState {
        latchkey_status: row.status,
        accounts: row.accounts,
        next_refresh_at: row.next_refresh,
    });
    let bots = bots.into_iter().map(|(status, bots)| BotsInState { status, bots });
    Ok(Json(Overview {
        accounts: accounts.collect(),
        cannot_sign_in: CannotSignIn::all(with_tokens),
        refreshes: Refreshes::of(refreshes),
        bots: bots.collect(),
        time_to_join: TimeToJoin::of(join_times),
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::TimeToJoin;

    #[test]
    fn median_and_95th_percentile_are_measured_values() {
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
