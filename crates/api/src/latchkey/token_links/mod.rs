//! `/api/latchkey/v1/token-links/`: addresses that bot platforms fetch tokens from.

pub(crate) mod create;
pub(crate) mod narrow;
mod read;
mod representation;
mod schema;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use model::TokenLinkId;
use utoipa::IntoParams;

use crate::{
    State,
    caller::{Caller, Read, Tokens},
    error::ApiError,
    page::{PAGE_SIZE, Page, Query},
    path::Path,
};

use representation::{TokenLink, representation};

const PATH: &str = "/api/latchkey/v1/token-links/";

/// How the list is walked through.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListTokenLinks {
    /// As in `next` of another page.
    cursor: Option<String>,
}

/// List token links
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/token-links/",
    tag = "token links",
    operation_id = "token_links_list",
    security(("tokenAuth" = ["read"])),
    params(ListTokenLinks),
    responses((status = 200, description = "A page of links.", body = Page<TokenLink>)),
)]
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<TokenLink>>, ApiError> {
    let query = Query::of_type::<ListTokenLinks>(query.as_deref(), None)?;
    let whole = usize::try_from(PAGE_SIZE).expect("a small number");
    // One more than is shown: it tells whether there is a next page.
    let most = u32::try_from(PAGE_SIZE + 1).expect("a small number");
    let mut links = state.store.token_links(caller.workspace, query.cursor()?, most).await?;
    let more = links.len() > whole;
    links.truncate(whole);
    let next = links.last().map(|link| link.id).filter(|_| more);
    let results: Vec<_> = links.iter().map(representation).collect();
    Ok(Json(query.answer_by_cursor(&state.broker, PATH, next, results)))
}

/// Retrieve a token link
///
/// With its last uses.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/token-links/{id}/",
    tag = "token links",
    operation_id = "token_links_retrieve",
    security(("tokenAuth" = ["read"])),
    params(("id" = TokenLinkId, Path)),
    responses((status = 200, description = "The link.", body = TokenLink)),
)]
pub(crate) async fn retrieve(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<TokenLinkId>,
) -> Result<Json<TokenLink>, ApiError> {
    let link = state.store.token_link(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(representation(&link)))
}

/// Revoke a token link
///
/// It ends within a second.
#[utoipa::path(
    delete,
    path = "/api/latchkey/v1/token-links/{id}/",
    tag = "token links",
    operation_id = "token_links_destroy",
    security(("tokenAuth" = ["tokens"])),
    params(("id" = TokenLinkId, Path)),
    responses((status = 204, description = "It is revoked.")),
)]
pub(crate) async fn revoke(
    caller: Caller<Tokens>,
    Extract(state): Extract<State>,
    Path(id): Path<TokenLinkId>,
) -> Result<StatusCode, ApiError> {
    let known = state.store.revoke_token_link(caller.workspace, id, state.env.now()).await?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}
