//! `GET /api/v2/zoom-oauth-credentials/`

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::{CredentialStatus, MeetingSyncStatus, ZoomOauthAppId};
use store::{Credential, CredentialFilter, Order};
use utoipa::IntoParams;

use super::{Health, ZoomOauthCredential, is_deleted, representation};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    fields::FieldErrors,
    page::Page,
    query::Query,
};

/// The filters of the list, and its cursor.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListZoomOauthCredentials {
    oauth_app: Option<ZoomOauthAppId>,
    /// Zoom's id of a user.
    user_id: Option<String>,
    /// Zoom's id of a Zoom account.
    account_id: Option<String>,
    /// `healthy`, `unhealthy`, or `disconnected`, which includes accounts that were deleted here.
    status: Option<String>,
    meeting_sync_status: Option<MeetingSyncStatus>,
    /// Accounts whose name or e-mail address contains this.
    latchkey_search: Option<String>,
    /// A time, or a date.
    created_at_after: Option<String>,
    /// A time, or a date.
    created_at_before: Option<String>,
    /// `created_at` or `-created_at`.
    ordering: Option<String>,
    /// The cursor in `next` or `previous` of another page.
    cursor: Option<String>,
}

/// List accounts
#[utoipa::path(
    get,
    path = "/api/v2/zoom-oauth-credentials/",
    tag = "accounts",
    operation_id = "zoom_oauth_credentials_list",
    security(("tokenAuth" = ["read"])),
    params(ListZoomOauthCredentials),
    responses((status = 200, description = "A page of accounts.", body = Page<ZoomOauthCredential>)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<ZoomOauthCredential>>, ApiError> {
    let query = Query::of_type::<ListZoomOauthCredentials>(query.as_deref(), None)?;
    let sync = "It must be not_started, in_progress, completed or failed.";
    let filter = CredentialFilter {
        app: query.id("oauth_app")?,
        zoom_user_id: query.get("user_id").map(str::to_owned),
        zoom_account_id: query.get("account_id").map(str::to_owned),
        named: query.get("latchkey_search").map(str::to_owned),
        statuses: statuses(&query)?,
        meeting_sync: query.word("meeting_sync_status", sync)?,
        created_after: query.time("created_at_after")?,
        created_before: query.time("created_at_before")?,
    };
    let wanted = query.wanted(&["created_at"], Order::Descending)?;
    let accounts = state.store.list_credentials(caller.workspace, &filter, &wanted.page()).await?;
    let place = (&query, &*state.broker, "/api/v2/zoom-oauth-credentials/");
    wanted.answer(place, accounts, Credential::place, |account| Ok(representation(account))).map(Json)
}

/// The states to filter by. Deleted accounts are shown only on request.
fn statuses(query: &Query) -> Result<Vec<CredentialStatus>, FieldErrors> {
    let all = CredentialStatus::ALL.into_iter();
    let of = |health| all.clone().filter(|s| !is_deleted(*s) && Health::of(*s) == health).collect();
    Ok(match query.get("status") {
        None => all.filter(|status| !is_deleted(*status)).collect(),
        Some("disconnected") => all.filter(|s| matches!(s, CredentialStatus::Disconnected(_))).collect(),
        Some("healthy") => of(Health::Healthy),
        Some("unhealthy") => of(Health::Unhealthy),
        Some(_) => return Err(FieldErrors::one("status", "It must be healthy, unhealthy or disconnected.")),
    })
}
