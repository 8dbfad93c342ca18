//! `/api/latchkey/v1/token-links/`: addresses that bot platforms fetch tokens from.

mod create;
mod narrow;
mod read;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use model::TokenLinkId;
use serde_json::{Value, json};
use store::{LinkSource, Proof, TokenLink};

use crate::{
    State,
    caller::{Caller, Read, Tokens},
    error::ApiError,
    page::{PAGE_SIZE, Query},
    path::Path,
};

pub(crate) use create::handler as create;
pub(crate) use narrow::handler as narrow;

const PATH: &str = "/api/latchkey/v1/token-links/";

/// What the list can be narrowed by, and how it is walked through.
const FILTERS: [&str; 1] = ["cursor"];

/// `GET`: the workspace's links, newest first.
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<crate::page::Page<Value>>, ApiError> {
    let query = Query::of(query.as_deref()).only(&FILTERS)?;
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

/// `GET {id}/`: one link, with its last uses.
pub(crate) async fn retrieve(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<TokenLinkId>,
) -> Result<Json<Value>, ApiError> {
    let link = state.store.token_link(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(representation(&link)))
}

/// `DELETE {id}/`: ends a link, within a second.
pub(crate) async fn revoke(
    caller: Caller<Tokens>,
    Extract(state): Extract<State>,
    Path(id): Path<TokenLinkId>,
) -> Result<StatusCode, ApiError> {
    let known = state.store.revoke_token_link(caller.workspace, id, state.env.now()).await?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

/// A link without its address, which nobody can show again.
fn representation(link: &TokenLink) -> Value {
    let terms = &link.terms;
    let (accounts, pool) = match &terms.source {
        LinkSource::Accounts(accounts) => (Some(accounts), None),
        LinkSource::Pool(pool) => (None, Some(pool)),
        LinkSource::Host => (None, None),
    };
    let only = accounts.filter(|accounts| accounts.len() == 1).map(|accounts| &accounts[0]);
    json!({
        "id": link.id,
        "name": link.name,
        "dialect": terms.dialect.as_str(),
        "kinds": terms.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "credential": only.map(|account| account.credential),
        "user": only.and_then(|account| account.user.as_ref()),
        "user_address": only.and_then(|account| account.address.as_ref()),
        "accounts": accounts,
        "pool": pool,
        "host": terms.source == LinkSource::Host,
        "meeting": terms.meeting,
        "meeting_in_request": terms.meeting_in_request,
        "verification": read::verification(&terms.proof),
        "query_parameter": match &terms.proof {
            Proof::QuerySecret { name, .. } => Some(name),
            Proof::Signature | Proof::Nothing => None,
        },
        "own_signing_secret": link.signing_secret.is_some(),
        "networks": terms.networks,
        "optional": terms.optional,
        "allow_repeat": terms.allow_repeat,
        "zak_outlives": terms.zak_outlives_seconds,
        "seat_seconds": terms.seat_seconds,
        "hosting": terms.hosting,
        "per_minute": terms.per_minute,
        "not_before": link.life.not_before,
        "expires_at": link.life.expires_at,
        "max_uses": link.life.max_uses,
        "uses": link.life.max_uses.map(|_| link.uses),
        "last_uses": link.last_uses,
        "revoked_at": link.revoked_at,
        "created_at": link.created_at,
    })
}
