//! `/api/latchkey/v1/api-keys/`: the keys of the workspace. A new key cannot get more rights than the key that creates it.

use std::num::NonZeroU32;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use model::{ApiKeyId, ApiScope, Secret, Timestamp};
use serde::Serialize;
use store::QuotaResource;
use tenants::NewApiKey;
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, RefOr, Schema},
};

use crate::{
    State,
    body::Body,
    bounds::{check_quota, quota_exceeded},
    caller::{Admin, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    openapi::errors,
    page::{Page, single_page},
    path::Path,
    query::Query,
    request::{Field, Request as _, Schemas, Text, Whole, refer, reference, request},
    secret_answer::WithSecret,
};

/// An API key of the workspace.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKey {
    id: ApiKeyId,
    name: String,
    /// The first characters of the key.
    prefix: String,
    scopes: Vec<ApiScope>,
    /// The key's own limit of calls a minute.
    #[schema(required)]
    requests_per_minute: Option<u32>,
    created_at: Timestamp,
    #[schema(required)]
    expires_at: Option<Timestamp>,
    #[schema(required)]
    last_used_at: Option<Timestamp>,
    #[schema(required)]
    revoked_at: Option<Timestamp>,
    /// The key itself. Only the answer that creates the key contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key: Option<String>,
}

request! {
    /// A new key. It cannot get more rights than the key that creates it.
    closed struct CreateApiKey {
        name: Text<100>,
        scopes: Scopes,
        /// Calls a minute. By default the same as for the calling key.
        requests_per_minute: Option<PerMinute>,
        /// By default the same as for the calling key.
        expires_at: Option<Timestamp>,
    }
}

type PerMinute = Whole<1, { u32::MAX }>;

/// Scopes, at least one.
struct Scopes(Vec<ApiScope>);

impl Field for Scopes {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let mut scopes = Vec::new();
        for word in fields.words(name)? {
            match word.parse::<ApiScope>() {
                Ok(scope) => scopes.push(scope),
                Err(complaint) => fields.complain(name, format!("{complaint}.")),
            }
        }
        Some(Self(scopes))
    }

    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(reference::<ApiScope>()).min_items(Some(1)).into()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<ApiScope>(schemas);
    }
}

errors! { CreateApiKeyErrors: quota_exceeded(QuotaResource::ApiKeys, 1000) }

/// Create an API key
///
/// Only this answer contains the key itself.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/api-keys/",
    tag = "workspace",
    operation_id = "api_keys_create",
    security(("tokenAuth" = ["admin"])),
    request_body(
        content = CreateApiKey,
        example = json!({ "name": "ci", "scopes": ["read", "bots"], "expires_at": "2031-01-31T12:00:00Z" }),
    ),
    responses((status = 201, description = "The key.", body = ApiKey), CreateApiKeyErrors),
)]
pub(crate) async fn create(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, WithSecret<ApiKey>), ApiError> {
    let new = read(&state, &caller, Fields::of(&body))?;
    check_quota(&state, caller.workspace, QuotaResource::ApiKeys).await?;
    let issued = state.broker.workspaces.create_key(caller.workspace, &new).await?;
    let issued = issued.ok_or(ApiError::NotFound)?;
    let body = with_key(&issued.row, &issued.key);
    Ok((StatusCode::CREATED, WithSecret(body)))
}

/// List API keys
///
/// Newest first, including expired and revoked keys.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/api-keys/",
    tag = "workspace",
    operation_id = "api_keys_list",
    security(("tokenAuth" = ["admin"])),
    responses((status = 200, description = "All keys.", body = Page<ApiKey>)),
)]
pub(crate) async fn list(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<ApiKey>>, ApiError> {
    Query::of_names(query.as_deref(), &[])?;
    let keys = state.broker.workspaces.keys(caller.workspace).await?;
    Ok(Json(single_page(keys.iter().map(representation).collect())))
}

/// Retrieve an API key
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/api-keys/{id}/",
    tag = "workspace",
    operation_id = "api_keys_retrieve",
    security(("tokenAuth" = ["admin"])),
    params(("id" = ApiKeyId, Path)),
    responses((status = 200, description = "The key's properties, without the key itself.", body = ApiKey)),
)]
pub(crate) async fn retrieve(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ApiKeyId>,
) -> Result<Json<ApiKey>, ApiError> {
    let keys = state.broker.workspaces.keys(caller.workspace).await?;
    let key = keys.iter().find(|key| key.id == id).ok_or(ApiError::NotFound)?;
    Ok(Json(representation(key)))
}

/// Revoke an API key
///
/// Every server refuses the next call with it.
#[utoipa::path(
    delete,
    path = "/api/latchkey/v1/api-keys/{id}/",
    tag = "workspace",
    operation_id = "api_keys_destroy",
    security(("tokenAuth" = ["admin"])),
    params(("id" = ApiKeyId, Path)),
    responses((status = 204, description = "The key is revoked.")),
)]
pub(crate) async fn revoke(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    let known = state.broker.workspaces.revoke_key(caller.workspace, id).await?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

fn read(state: &State, caller: &Caller<Admin>, mut fields: Fields<'_>) -> Result<NewApiKey, FieldErrors> {
    let asked = CreateApiKey::read(&mut fields);
    // A scope that the calling key lacks is reported together with all other errors.
    let scopes = fields.peek("scopes").map_or_else(Vec::new, |Scopes(scopes)| scopes);
    for scope in scopes.iter().filter(|scope| !caller.scopes.has(**scope)) {
        let complaint = format!("The calling key lacks the scope {} and cannot give it.", scope.as_str());
        fields.complain("scopes", complaint);
    }
    let own = caller.key_limits;
    let per_minute: Option<PerMinute> = fields.peek("requests_per_minute");
    let per_minute = per_minute.and_then(|number| NonZeroU32::new(number.0));
    if let Some(most) = own.most_per_minute.filter(|most| per_minute.is_some_and(|asked| asked > *most)) {
        fields.complain(
            "requests_per_minute",
            format!("The calling key is limited to {most} and cannot give more."),
        );
    }
    let expires_at: Option<Timestamp> = fields.peek("expires_at");
    if expires_at.is_some_and(|end| end <= state.env.now()) {
        fields.complain("expires_at", "It must be in the future.");
    }
    if let Some(own_end) = own.expires_at.filter(|own_end| expires_at.is_some_and(|end| end > *own_end)) {
        fields.complain("expires_at", format!("The calling key expires at {own_end} and cannot give more."));
    }
    let asked = fields.finish(asked)?;
    // Limits that are not given are the same as the calling key's.
    let per_minute = asked.requests_per_minute.and_then(|number| NonZeroU32::new(number.0));
    Ok(NewApiKey {
        name: asked.name.0,
        scopes: asked.scopes.0.into_iter().collect(),
        per_minute: per_minute.or(own.per_minute),
        expires_at: asked.expires_at.or(own.expires_at),
    })
}

pub(super) fn representation(key: &store::ApiKey) -> ApiKey {
    ApiKey {
        id: key.id,
        name: key.name.clone(),
        prefix: format!("{}…", key.prefix),
        scopes: key.scopes.iter().collect(),
        requests_per_minute: key.per_minute.map(NonZeroU32::get),
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
        revoked_at: key.revoked_at,
        key: None,
    }
}

/// The same with the key itself, for the answer that creates it.
pub(super) fn with_key(row: &store::ApiKey, key: &Secret) -> ApiKey {
    ApiKey { key: Some(key.expose().to_owned()), ..representation(row) }
}
