//! `/api/latchkey/v1/pools/`: several accounts behind one name.

use std::collections::HashSet;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use broker::{NewMember, RemovedPool};
use model::{AccountUser, CredentialId, CredentialStatus, PoolId, Timestamp, WorkspaceId};
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{MemberUsage, PooledAccount, QuotaResource};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{ArrayBuilder, RefOr, Schema},
};

use crate::{
    State,
    body::Body,
    bounds::{check_quota, quota_exceeded},
    caller::{Admin, Caller, Read},
    error::ApiError,
    fields::{FieldErrors, Fields},
    named_account::{Complaint, named},
    openapi::errors,
    page::{Page, single_page},
    path::Path,
    query::Query,
    request::{Field, Request as _, Schemas, Text, Whole, refer, reference, request},
    request_code::RequestCode,
};

/// The most accounts of one pool.
const MAX_MEMBERS: usize = 1000;
/// The most joins of one account, more than Zoom allows any user.
const MAX_JOINS: u32 = 10_000;
/// Zoom lets a user host two meetings at once, where the account allows it.
const MAX_HOSTED: u32 = 2;
const USER: &str = "It must be an e-mail address or Zoom's id of a user.";

/// A pool, and its current use.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pool {
    id: PoolId,
    name: String,
    /// The most bots that its usable accounts may have in meetings at once.
    seats: u32,
    seats_taken: u32,
    members: Vec<Member>,
    created_at: Timestamp,
}

/// An account of a pool.
#[derive(Serialize, ToSchema)]
struct Member {
    credential: CredentialId,
    /// Whose tokens it gives, where the account is a server-to-server app's.
    #[schema(required)]
    user: Option<AccountUser>,
    /// The e-mail address that was given for the user.
    #[schema(required)]
    user_address: Option<AccountUser>,
    status: CredentialStatus,
    /// The most bots that it may have in meetings at once.
    max_joins: u32,
    /// The most meetings that it may host at once.
    max_hosted: u32,
    /// Bots that it has in meetings now.
    joins: u32,
    /// Meetings that it hosts now.
    hosted: u32,
}

request! {
    /// A new pool.
    closed struct CreatePool {
        name: Text<100>,
        members: Option<Members>,
    }
}

request! {
    /// A new name of a pool, or new members that replace all its members.
    closed struct ChangePool {
        name: Option<Text<100>>,
        members: Option<Members>,
    }
}

request! {
    /// An account of a pool, and its limits there.
    closed struct PutMember {
        credential: CredentialId,
        /// Whose tokens it gives: required if the account is a server-to-server app's, and not allowed otherwise.
        user: Option<AccountUser>,
        /// The most bots that it may have in meetings at once.
        max_joins: Whole<1, MAX_JOINS>,
        /// The most meetings that it may host at once. Default 1.
        max_hosted: Option<Whole<1, MAX_HOSTED>>,
    }
}

/// A link or a bot uses the pool.
fn in_use(detail: &'static str) -> ApiError {
    ApiError::refused(RequestCode::PoolInUse, detail)
}

errors! { CreatePoolErrors: quota_exceeded(QuotaResource::Pools, 1000) }
errors! { RemovePoolErrors: in_use("Token links use this pool: revoke them first.") }

/// Create a pool
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/pools/",
    tag = "pools",
    operation_id = "pools_create",
    security(("tokenAuth" = ["admin"])),
    request_body(content = CreatePool, example = json!({
        "name": "sales",
        "members": [{ "credential": "01a22731-1935-7000-8000-000000000001", "max_joins": 20 }],
    })),
    responses((status = 201, description = "The pool.", body = Pool), CreatePoolErrors),
)]
pub(crate) async fn create(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Pool>), ApiError> {
    let mut fields = Fields::of(&body);
    let asked = CreatePool::read(&mut fields);
    let asked = fields.finish(asked)?;
    check_quota(&state, caller.workspace, QuotaResource::Pools).await?;
    let mut members = asked.members.map(new_members).unwrap_or_default();
    name_users(&state, caller.workspace, &mut members).await?;
    let made = state.broker.pools.make_pool(caller.workspace, &asked.name, &members).await?;
    let id = made.ok_or_else(name_taken)?;
    Ok((StatusCode::CREATED, shown(&state, caller.workspace, id).await?))
}

/// List pools
///
/// With their current use.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/pools/",
    tag = "pools",
    operation_id = "pools_list",
    security(("tokenAuth" = ["read"])),
    responses((status = 200, description = "All pools, by name.", body = Page<Pool>)),
)]
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Pool>>, ApiError> {
    Query::of_names(query.as_deref(), &[])?;
    let pools = state.broker.pools.list(caller.workspace).await?;
    let results = pools.iter().map(|(pool, members)| representation(pool, members));
    Ok(Json(single_page(results.collect())))
}

/// Retrieve a pool
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/pools/{id}/",
    tag = "pools",
    operation_id = "pools_retrieve",
    security(("tokenAuth" = ["read"])),
    params(("id" = PoolId, Path)),
    responses((status = 200, description = "The pool.", body = Pool)),
)]
pub(crate) async fn retrieve(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<PoolId>,
) -> Result<Json<Pool>, ApiError> {
    shown(&state, caller.workspace, id).await
}

/// Change a pool
#[utoipa::path(
    patch,
    path = "/api/latchkey/v1/pools/{id}/",
    tag = "pools",
    operation_id = "pools_partial_update",
    security(("tokenAuth" = ["admin"])),
    params(("id" = PoolId, Path)),
    request_body(content = ChangePool, example = json!({ "name": "support" })),
    responses((status = 200, description = "The pool.", body = Pool)),
)]
pub(crate) async fn change(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<PoolId>,
    Body(body): Body,
) -> Result<Json<Pool>, ApiError> {
    let mut fields = Fields::of(&body);
    let asked = ChangePool::read(&mut fields);
    let asked = fields.finish(asked)?;
    let mut members = asked.members.map(new_members);
    if state.broker.pools.find(caller.workspace, id).await?.is_none() {
        return Err(ApiError::NotFound);
    }
    if let Some(members) = &mut members {
        name_users(&state, caller.workspace, members).await?;
    }
    if let Some(name) = &asked.name
        && !state.broker.pools.rename(caller.workspace, id, name).await?
    {
        return Err(name_taken().into());
    }
    if let Some(members) = members {
        state.broker.pools.put_members(caller.workspace, id, &members, true).await?;
    }
    shown(&state, caller.workspace, id).await
}

/// Delete a pool
///
/// Only an unused pool can be deleted.
#[utoipa::path(
    delete,
    path = "/api/latchkey/v1/pools/{id}/",
    tag = "pools",
    operation_id = "pools_destroy",
    security(("tokenAuth" = ["admin"])),
    params(("id" = PoolId, Path)),
    responses((status = 204, description = "The pool is deleted."), RemovePoolErrors),
)]
pub(crate) async fn remove(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<PoolId>,
) -> Result<StatusCode, ApiError> {
    match state.broker.pools.remove(caller.workspace, id).await? {
        RemovedPool::Removed => Ok(StatusCode::NO_CONTENT),
        RemovedPool::HasLinks => Err(in_use("Token links use this pool: revoke them first.")),
        RemovedPool::InUse => Err(in_use("Seats of this pool are taken, or a token link uses it.")),
        RemovedPool::Unknown => Err(ApiError::NotFound),
    }
}

/// Add an account to a pool
///
/// Or change its limits there.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/pools/{id}/members/",
    tag = "pools",
    operation_id = "pools_members_create",
    security(("tokenAuth" = ["admin"])),
    params(("id" = PoolId, Path)),
    request_body(content = PutMember, example = json!({
        "credential": "01a22731-1935-7000-8000-000000000001", "max_joins": 10, "max_hosted": 2,
    })),
    responses((status = 200, description = "The pool.", body = Pool)),
)]
pub(crate) async fn put_member(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<PoolId>,
    Body(body): Body,
) -> Result<Json<Pool>, ApiError> {
    let mut fields = Fields::of(&body);
    let asked = PutMember::read(&mut fields);
    let mut member = NewMember::from(fields.finish(asked)?);
    if let Err((field, complaint)) = name_user(&state, caller.workspace, &mut member).await? {
        return Err(FieldErrors::one(field, complaint).into());
    }
    let known = state.broker.pools.put_members(caller.workspace, id, &[member], false).await?;
    if known { shown(&state, caller.workspace, id).await } else { Err(ApiError::NotFound) }
}

/// Which user of the account to remove.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct RemoveMember {
    /// The user as it was given, if the account is a server-to-server app's.
    user: Option<AccountUser>,
}

/// Remove an account from a pool
///
/// Its seats stay taken until they end.
#[utoipa::path(
    delete,
    path = "/api/latchkey/v1/pools/{id}/members/{credential}/",
    tag = "pools",
    operation_id = "pools_members_destroy",
    security(("tokenAuth" = ["admin"])),
    params(("id" = PoolId, Path), ("credential" = CredentialId, Path), RemoveMember),
    responses((status = 204, description = "The account is removed from the pool.")),
)]
pub(crate) async fn remove_member(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path((id, credential)): Path<(PoolId, CredentialId)>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiError> {
    let query = Query::of_type::<RemoveMember>(query.as_deref(), None)?;
    let user = query.get("user").map(str::parse::<AccountUser>);
    let user = user.transpose().map_err(|_| FieldErrors::one("user", USER))?;
    let known = state.broker.pools.remove_member(caller.workspace, id, credential, user.as_ref()).await?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

fn name_taken() -> FieldErrors {
    FieldErrors::one("name", "This workspace already has a pool with this name.")
}

/// Accounts without duplicates.
struct Members(Vec<PutMember>);

impl Field for Members {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let mut seen: HashSet<PooledAccount> = HashSet::new();
        let members = fields.objects(name, MAX_MEMBERS, |fields| {
            let member = PutMember::read(fields)?;
            if !seen.insert((member.credential, member.user.clone())) {
                fields.complain("credential", "This account is in the list twice.");
            }
            Some(member)
        });
        Some(Self(members?.into_iter().flatten().collect()))
    }

    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(reference::<PutMember>()).max_items(Some(MAX_MEMBERS)).into()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<PutMember>(schemas);
    }
}

fn new_members(Members(members): Members) -> Vec<NewMember> {
    members.into_iter().map(NewMember::from).collect()
}

impl From<PutMember> for NewMember {
    fn from(asked: PutMember) -> Self {
        Self {
            account: (asked.credential, asked.user),
            address: None,
            joins: asked.max_joins.0,
            hosted: asked.max_hosted.map_or(1, |hosted| hosted.0),
        }
    }
}

/// Checks that a member can give tokens, now or later, and of which user.
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

async fn shown(state: &State, workspace: WorkspaceId, id: PoolId) -> Result<Json<Pool>, ApiError> {
    let (pool, members) = state.broker.pools.find(workspace, id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(representation(&pool, &members)))
}

fn representation(pool: &store::Pool, members: &[MemberUsage]) -> Pool {
    let usable = members.iter().filter(|usage| usage.status.is_usable());
    let (seats, seats_taken) = usable.fold((0, 0), |(seats, taken), usage| {
        let joins = usage.member.joins;
        (seats + joins, taken + usage.seats.min(joins))
    });
    let members = members.iter().map(|usage| {
        let (credential, user) = &usage.member.account;
        Member {
            credential: *credential,
            user: user.clone(),
            user_address: usage.member.address.clone(),
            status: usage.status,
            max_joins: usage.member.joins,
            max_hosted: usage.member.hosted,
            joins: usage.seats,
            hosted: usage.hosting,
        }
    });
    Pool {
        id: pool.id,
        name: pool.name.clone(),
        seats,
        seats_taken,
        members: members.collect(),
        created_at: pool.created_at,
    }
}
