//! `/api/latchkey/v1/token-links/`: URLs that bot platforms fetch tokens from.

pub(crate) mod create;
mod fields;
pub(crate) mod narrow;
mod representation;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use model::{Secret, Timestamp, TokenKind, TokenLinkId};
use token_links::dialects::DialectRules;
use utoipa::IntoParams;

use crate::{
    State,
    caller::{Caller, Read, Tokens},
    error::ApiError,
    fields::Fields,
    page::{PAGE_SIZE, Page},
    path::Path,
    query::Query,
};

use fields::{Kinds, SigningSecrets};
use representation::{TokenLink, representation};

const PATH: &str = "/api/latchkey/v1/token-links/";

/// The cursor of the list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListTokenLinks {
    /// The cursor in `next` of another page.
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
    // One more than is shown: it indicates whether there is a next page.
    let most = u32::try_from(PAGE_SIZE + 1).expect("a small number");
    let mut links = state.store.token_links(caller.workspace, query.cursor()?, most).await?;
    let more = links.len() > whole;
    links.truncate(whole);
    let next = links.last().map(|link| link.id).filter(|_| more);
    let results: Vec<_> = links.iter().map(|link| representation(&state, link)).collect();
    Ok(Json(query.answer_by_cursor(&state.broker, PATH, next, results)))
}

/// Retrieve a token link
///
/// With its most recent uses.
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
    Ok(Json(representation(&state, &link)))
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
    responses((status = 204, description = "The link is revoked.")),
)]
pub(crate) async fn revoke(
    caller: Caller<Tokens>,
    Extract(state): Extract<State>,
    Path(id): Path<TokenLinkId>,
) -> Result<StatusCode, ApiError> {
    if state.links.manager.revoke(caller.workspace, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound)
    }
}

/// `kinds`, or its other name `kind`.
fn the_kinds(fields: &mut Fields<'_>, kind: Option<Kinds>, kinds: Option<Kinds>) -> Option<Vec<TokenKind>> {
    if fields.anything("kind").is_some() && fields.anything("kinds").is_some() {
        fields.complain("kind", "Give this or kinds, not both.");
    }
    kinds.or(kind).map(|kinds| kinds.0)
}

/// Signing secrets, checked against the form that the dialect needs.
fn sound(
    fields: &mut Fields<'_>,
    rules: &dyn DialectRules,
    secrets: Option<SigningSecrets>,
) -> Option<Vec<Secret>> {
    let SigningSecrets(secrets) = secrets?;
    let sound = rules.verifier(&secrets).is_some();
    if !sound {
        fields.complain("signing_secret", rules.secret_form());
    }
    Some(secrets).filter(|_| sound)
}

/// A time, which must be in the future.
fn ahead(state: &State, fields: &mut Fields<'_>, name: &str, time: Option<Timestamp>) -> Option<Timestamp> {
    let time = time?;
    if time <= state.env.now() {
        fields.complain(name, "It must be in the future.");
        return None;
    }
    Some(time)
}
