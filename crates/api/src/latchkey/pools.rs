//! `/api/latchkey/v1/pools/`: several accounts behind one name.

use std::collections::HashSet;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use broker::NewMember;
use model::{AccountUser, CredentialId, PoolId, WorkspaceId};
use serde_json::{Map, Value, json};
use store::{Member, Occupied, Pool, PoolRemoval, PooledAccount, StoreError};

use crate::{
    State,
    accounts::{Complaint, named},
    body::Body,
    caller::{Admin, Caller, Read},
    error::ApiError,
    fields::{FieldErrors, Fields},
    page::{Query, single_page},
    path::Path,
};

/// Accounts of one pool.
const MOST_MEMBERS: usize = 1000;
/// More than Zoom allows anybody.
const MOST_JOINS: u32 = 10_000;
/// Zoom lets a user host two meetings at once, where the account allows it.
const MOST_HOSTED: u32 = 2;
const USER: &str = "It must be an e-mail address or Zoom's id of a user.";

/// `POST`: makes a pool.
pub(crate) async fn create(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut fields = Fields::of(&body);
    fields.only(&["name", "members"]);
    let name = name(&mut fields);
    let name = fields.required("name", name);
    let members = members(&mut fields).unwrap_or_default();
    let (name, mut members) = fields.finish(name.map(|name| (name, members)))?;
    name_users(&state, caller.workspace, &mut members).await?;
    let made = state.broker.make_pool(caller.workspace, name, &members).await?;
    let id = made.ok_or_else(name_taken)?;
    Ok((StatusCode::CREATED, shown(&state, caller.workspace, id).await?))
}

/// `GET`: the workspace's pools by name, and how full they are now.
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    Query::of(query.as_deref()).only(&[])?;
    let pools = state.store.pools(caller.workspace, state.env.now()).await?;
    let results: Vec<_> = pools.iter().map(|(pool, members)| representation(pool, members)).collect();
    Ok(Json(single_page(&results)))
}

/// `GET {id}/`
pub(crate) async fn retrieve(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<PoolId>,
) -> Result<Json<Value>, ApiError> {
    shown(&state, caller.workspace, id).await
}

/// `PATCH {id}/`: another name, or other members in place of all that it has.
pub(crate) async fn change(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<PoolId>,
    Body(body): Body,
) -> Result<Json<Value>, ApiError> {
    let mut fields = Fields::of(&body);
    fields.only(&["name", "members"]);
    let (name, members) = (name(&mut fields), members(&mut fields));
    let (name, mut members) = fields.finish(Some((name, members)))?;
    if state.store.pool(caller.workspace, id, state.env.now()).await?.is_none() {
        return Err(ApiError::NotFound);
    }
    if let Some(members) = &mut members {
        name_users(&state, caller.workspace, members).await?;
    }
    if let Some(name) = name {
        match state.store.rename_pool(caller.workspace, id, name).await {
            Err(StoreError::Exists(_)) => return Err(name_taken().into()),
            renamed => _ = renamed?,
        }
    }
    if let Some(members) = members {
        state.broker.put_members(caller.workspace, id, &members, true).await?;
    }
    shown(&state, caller.workspace, id).await
}

/// `DELETE {id}/`: ends a pool that nobody uses.
pub(crate) async fn remove(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<PoolId>,
) -> Result<StatusCode, ApiError> {
    // A link that is made at this very moment finds no pool, and says so.
    if state.store.links_of_pool(caller.workspace, id).await? > 0 {
        return Err(ApiError::Conflict("pool_in_use", "Token links draw on this pool: revoke them first."));
    }
    match state.store.remove_pool(caller.workspace, id, state.env.now()).await? {
        PoolRemoval::Removed => Ok(StatusCode::NO_CONTENT),
        PoolRemoval::InUse => Err(ApiError::Conflict(
            "pool_in_use",
            "Seats of this pool are taken, or a token link draws on it.",
        )),
        PoolRemoval::NoPool => Err(ApiError::NotFound),
    }
}

/// `POST {id}/members/`: puts an account into a pool, or changes its limits there.
pub(crate) async fn put_member(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<PoolId>,
    Body(body): Body,
) -> Result<Json<Value>, ApiError> {
    let mut fields = Fields::of(&body);
    let member = member(&mut fields);
    let mut member = fields.finish(member)?;
    if let Err((field, complaint)) = name_user(&state, caller.workspace, &mut member).await? {
        return Err(FieldErrors::one(field, complaint).into());
    }
    let known = state.broker.put_members(caller.workspace, id, &[member], false).await?;
    if known { shown(&state, caller.workspace, id).await } else { Err(ApiError::NotFound) }
}

/// `DELETE {id}/members/{credential}/`, with `?user=` where it is a server-to-server app's: takes an account out of a
/// pool. Its seats stay taken until they end.
pub(crate) async fn remove_member(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path((id, credential)): Path<(PoolId, CredentialId)>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiError> {
    let user = Query::of(query.as_deref()).get("user").map(str::parse::<AccountUser>);
    let user = user.transpose().map_err(|_| FieldErrors::one("user", USER))?;
    let (_, members) =
        state.store.pool(caller.workspace, id, state.env.now()).await?.ok_or(ApiError::NotFound)?;
    // Named as it was put in, by its address perhaps.
    let is_meant = |occupied: &&Occupied| {
        let Member { account, address, .. } = &occupied.member;
        account.0 == credential && (account.1 == user || user.is_some() && *address == user)
    };
    let member = members.iter().find(is_meant).ok_or(ApiError::NotFound)?.member.account.clone();
    let known = state.store.remove_member(caller.workspace, id, &member).await?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

fn name<'a>(fields: &mut Fields<'a>) -> Option<&'a str> {
    fields.text("name", 100)
}

fn name_taken() -> FieldErrors {
    FieldErrors::one("name", "This workspace has a pool of this name.")
}

/// Those members that could be read; about the others there is a complaint.
fn members(fields: &mut Fields<'_>) -> Option<Vec<NewMember>> {
    let mut seen: HashSet<PooledAccount> = HashSet::new();
    let members = fields.objects("members", MOST_MEMBERS, |fields| {
        let member = member(fields)?;
        if !seen.insert(member.account.clone()) {
            fields.complain("credential", "This account is in the list before.");
        }
        Some(member)
    });
    members.map(|members| members.into_iter().flatten().collect())
}

fn member(fields: &mut Fields<'_>) -> Option<NewMember> {
    fields.only(&["credential", "user", "max_joins", "max_hosted"]);
    let credential: Option<CredentialId> = fields.parsed("credential", "It must be the id of an account.");
    let credential = fields.required("credential", credential);
    let user = fields.parsed("user", USER);
    let joins = at_most(fields, "max_joins", MOST_JOINS);
    let joins = fields.required("max_joins", joins);
    let hosted = at_most(fields, "max_hosted", MOST_HOSTED).unwrap_or(1);
    Some(NewMember { account: (credential?, user), address: None, joins: joins?, hosted })
}

fn at_most(fields: &mut Fields<'_>, field: &str, most: u32) -> Option<u32> {
    let number = fields.number(field, 1)?;
    if number > most {
        fields.complain(field, format!("It must be at most {most}."));
        return None;
    }
    Some(number)
}

/// Sees to it that a member can give tokens, one day at least, and of whom.
async fn name_user(
    state: &State,
    workspace: WorkspaceId,
    member: &mut NewMember,
) -> Result<Result<(), Complaint>, ApiError> {
    let NewMember { account: (credential, user), address, .. } = member;
    let whose = named(state, workspace, *credential, user.as_ref()).await?;
    Ok(whose.map(|whose| (*user, *address) = whose))
}

async fn name_users(
    state: &State,
    workspace: WorkspaceId,
    members: &mut [NewMember],
) -> Result<(), ApiError> {
    let mut complaints = Vec::with_capacity(members.len());
    for member in members {
        let found = name_user(state, workspace, member).await?.err();
        complaints.push(found.map_or_else(|| json!({}), |(field, complaint)| json!({ field: [complaint] })));
    }
    if complaints.iter().all(|complaint| *complaint == json!({})) {
        return Ok(());
    }
    Err(FieldErrors(Map::from_iter([("members".to_owned(), Value::Array(complaints))])).into())
}

async fn shown(state: &State, workspace: WorkspaceId, id: PoolId) -> Result<Json<Value>, ApiError> {
    let (pool, members) =
        state.store.pool(workspace, id, state.env.now()).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(representation(&pool, &members)))
}

fn representation(pool: &Pool, members: &[Occupied]) -> Value {
    let usable = members.iter().filter(|occupied| occupied.status.is_usable());
    let (seats, taken) = usable.fold((0, 0), |(seats, taken), occupied| {
        let joins = occupied.member.joins;
        (seats + joins, taken + occupied.seats.min(joins))
    });
    let members = members.iter().map(|occupied| {
        let (credential, user) = &occupied.member.account;
        json!({
            "credential": credential,
            "user": user,
            "user_address": occupied.member.address,
            "status": occupied.status.as_str(),
            "max_joins": occupied.member.joins,
            "max_hosted": occupied.member.hosted,
            "joins": occupied.seats,
            "hosted": occupied.hosting,
        })
    });
    json!({
        "id": pool.id,
        "name": pool.name,
        "seats": seats,
        "seats_taken": taken,
        "members": members.collect::<Vec<_>>(),
        "created_at": pool.created_at,
    })
}
