//! The caller of a request, and its scopes.

use std::{
    marker::PhantomData,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
};

use axum::{
    extract::{ConnectInfo, FromRef, FromRequestParts, MatchedPath},
    http::{HeaderMap, Method, header::AUTHORIZATION, request::Parts},
};
use model::{ApiKeyId, ApiScope, ApiScopes, Timestamp, WorkspaceId};
use store::ApiKey;
use tenants::KeyCheck;

use crate::{State, bounds::Slot, error::ApiError, internal_client::CheckedKey};

/// Scopes as types: a handler's signature lists the scopes that it needs.
pub(crate) trait Scope {
    const SCOPES: &'static [ApiScope];
}

macro_rules! scopes {
    ($($name:ident: $($scope:ident)*;)*) => {$(
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name;
        impl Scope for $name {
            const SCOPES: &'static [ApiScope] = &[$(ApiScope::$scope),*];
        }
    )*};
}

scopes! {
    Read: Read;
    Bots: Bots;
    Tokens: Tokens;
    Admin: Admin;
    Operator: Operator;
    // Receiving events at an address is reading them.
    AdminAndRead: Admin Read;
}

/// The workspace of an API key, for a handler that needs the scopes of `S`. Store methods take the workspace from here, so a
/// handler's signature decides what it can reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<S> {
    pub(crate) workspace: WorkspaceId,
    /// The key, for the audit log.
    pub(crate) key: ApiKeyId,
    /// The scopes of the key.
    pub(crate) scopes: ApiScopes,
    /// The end and the rate limit of the key.
    pub(crate) key_limits: KeyLimits,
    needs: PhantomData<S>,
}

impl<S, N> FromRequestParts<S> for Caller<N>
where
    State: FromRef<S>,
    S: Send + Sync,
    N: Scope,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let AdmittedKey { workspace, key, scopes, key_limits } =
            admitted(parts, &State::from_ref(state)).await?;
        if let Some(lacking) = N::SCOPES.iter().find(|scope| !scopes.has(**scope)) {
            return Err(ApiError::PermissionDenied(*lacking));
        }
        Ok(Self { workspace, key, scopes, key_limits, needs: PhantomData })
    }
}

/// The limits of a key. Keys that are created with it get no wider limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyLimits {
    /// When the key expires.
    pub(crate) expires_at: Option<Timestamp>,
    /// The key's own limit of calls a minute.
    pub(crate) per_minute: Option<NonZeroU32>,
    /// The limit of calls a minute that applies: the key's own, or the server's.
    pub(crate) most_per_minute: Option<NonZeroU32>,
}

/// A caller with a valid key, within its rate limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdmittedKey {
    pub(crate) workspace: WorkspaceId,
    pub(crate) key: ApiKeyId,
    scopes: ApiScopes,
    key_limits: KeyLimits,
}

/// The caller of a request. The key is looked up and the call counted once for each request.
pub(crate) async fn admitted(parts: &mut Parts, state: &State) -> Result<AdmittedKey, ApiError> {
    if let Some(known) = parts.extensions.get::<AdmittedKey>() {
        return Ok(*known);
    }
    if let Some(CheckedKey(key)) = parts.extensions.get::<CheckedKey>() {
        let admitted = AdmittedKey::of(key, state);
        parts.extensions.insert(admitted);
        return Ok(admitted);
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let key = authenticated_key(&parts.headers, state, peer).await?;
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    // A HEAD is a GET without the body of the answer.
    let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
    state.limits.admit(&key, method, route, state.env.now())?;
    if let Some(slot) = parts.extensions.get::<Slot>() {
        state.admission.in_flight.enter(key.workspace, slot)?;
    }
    let admitted = AdmittedKey::of(&key, state);
    parts.extensions.insert(admitted);
    Ok(admitted)
}

impl AdmittedKey {
    fn of(key: &ApiKey, state: &State) -> Self {
        let key_limits = KeyLimits {
            expires_at: key.expires_at,
            per_minute: key.per_minute,
            most_per_minute: state.limits.of_key(key),
        };
        Self { workspace: key.workspace, key: key.id, scopes: key.scopes, key_limits }
    }
}

/// The key in the headers, if it is valid. Answers to wrong keys are slowed down.
pub(crate) async fn authenticated_key(
    headers: &HeaderMap,
    state: &State,
    peer: Option<IpAddr>,
) -> Result<ApiKey, ApiError> {
    match authenticate(headers, state).await {
        Err(wrong @ ApiError::AuthenticationFailed(_)) => {
            state.admission.wrong_keys.slow_down(peer).await.map_err(ApiError::Throttled)?;
            Err(wrong)
        }
        key => key,
    }
}

/// The value of `Authorization`, after one of the supported schemes.
pub(crate) fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    match header.split_once(' ') {
        Some((scheme, key)) => {
            ["token", "bearer"].contains(&scheme.to_ascii_lowercase().as_str()).then(|| key.trim())
        }
        // The bare key, as the contract allows.
        None => Some(header),
    }
}

/// The key in the headers, if it is valid.
async fn authenticate(headers: &HeaderMap, state: &State) -> Result<ApiKey, ApiError> {
    const UNKNOWN: ApiError = ApiError::AuthenticationFailed(
        "This server does not know this API key: check that it is complete and belongs to this server.",
    );
    if !headers.contains_key(AUTHORIZATION) {
        return Err(ApiError::NotAuthenticated);
    }
    let key = presented_key(headers).ok_or(UNKNOWN)?;
    match state.broker.api_keys.check(key).await? {
        KeyCheck::Good(key) => Ok(key),
        KeyCheck::Expired => Err(ApiError::AuthenticationFailed("This API key has expired: make a new one.")),
        KeyCheck::Revoked => Err(ApiError::AuthenticationFailed("This API key was revoked: make a new one.")),
        KeyCheck::Unknown => Err(UNKNOWN),
    }
}
