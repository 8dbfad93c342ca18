//! `/api/latchkey/v1/pools/{id}/seats/`: the taken seats of a pool.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use model::{AccountUser, CredentialId, MeetingNumber, PoolId, SeatId, Timestamp};
use serde::Serialize;
use store::HeldSeat;
use utoipa::ToSchema;

use crate::{
    State,
    caller::{Admin, Caller, Read},
    error::ApiError,
    page::{Page, single_page},
    path::Path,
    query::Query,
};

/// The most seats that are shown.
const MAX_SEATS: u32 = 1000;

/// A seat that a bot has taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct Seat {
    id: SeatId,
    credential: CredentialId,
    /// Whose token it is, where the account is a server-to-server app's.
    #[schema(required)]
    user: Option<AccountUser>,
    /// The bot: its id here or at its platform.
    holder: String,
    #[schema(required)]
    meeting: Option<MeetingNumber>,
    /// Whether it hosts the meeting.
    hosting: bool,
    taken_at: Timestamp,
    /// When it is freed at the latest, unless it is extended.
    ends_at: Timestamp,
}

/// List the taken seats of a pool
///
/// Oldest first, at most 1000.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/pools/{id}/seats/",
    tag = "pools",
    operation_id = "pools_seats_list",
    security(("tokenAuth" = ["read"])),
    params(("id" = PoolId, Path)),
    responses((status = 200, description = "The seats.", body = Page<Seat>)),
)]
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<PoolId>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Seat>>, ApiError> {
    Query::of_names(query.as_deref(), &[])?;
    let seats = seats(&state, &caller, id).await?;
    let shown = seats.into_iter().map(|seat| Seat {
        id: seat.id,
        credential: seat.account.0,
        user: seat.account.1,
        holder: seat.holder,
        meeting: seat.meeting,
        hosting: seat.hosting,
        taken_at: seat.taken_at,
        ends_at: seat.ends_at,
    });
    Ok(Json(single_page(shown.collect())))
}

/// Release a seat
///
/// The bot is not notified: release only the seat of a bot that is known to be gone.
#[utoipa::path(
    delete,
    path = "/api/latchkey/v1/pools/{id}/seats/{seat}/",
    tag = "pools",
    operation_id = "pools_seats_destroy",
    security(("tokenAuth" = ["admin"])),
    params(("id" = PoolId, Path), ("seat" = SeatId, Path)),
    responses((status = 204, description = "The seat is free.")),
)]
pub(crate) async fn release(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path((id, seat)): Path<(PoolId, SeatId)>,
) -> Result<StatusCode, ApiError> {
    if !seats(&state, &caller, id).await?.iter().any(|held| held.id == seat) {
        return Err(ApiError::NotFound);
    }
    let released = state.broker.pools.release_seat(caller.workspace, seat).await?;
    if released { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

async fn seats<N>(state: &State, caller: &Caller<N>, id: PoolId) -> Result<Vec<HeldSeat>, ApiError> {
    state.broker.pools.held_seats(caller.workspace, id, MAX_SEATS).await?.ok_or(ApiError::NotFound)
}
