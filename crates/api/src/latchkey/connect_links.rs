//! `/api/latchkey/v1/connect-links/`: URLs that connect one Zoom account each. Send one to the account's owner.

use std::time::Duration;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use broker::{INVITATION_TTL, NewInvitation};
use model::{ConnectLinkId, CredentialId, CredentialKind, Timestamp, ZoomOauthAppId};
use serde::Serialize;
use store::{AppKind, Order, QuotaResource};
use utoipa::{IntoParams, ToSchema};

use crate::{
    State,
    body::Body,
    bounds::{check_quota, quota_exceeded},
    caller::{Admin, Caller, Read},
    error::ApiError,
    fields::{FieldErrors, Fields},
    openapi::errors,
    page::Page,
    path::Path,
    query::Query,
    request::{Request as _, Text, Whole, request},
    request_code::RequestCode,
    secret_answer::WithSecret,
};

const PATH: &str = "/api/latchkey/v1/connect-links/";
/// The longest time that a link can be opened, in seconds: 30 days.
const MAX_LIFE: u32 = 30 * 24 * 3600;

request! {
    /// The app to connect an account with, or the account to connect again.
    closed struct CreateConnectLink {
        /// Not needed with `credential`.
        oauth_app: Option<ZoomOauthAppId>,
        /// The account that the link is for: another Zoom user's consent is refused.
        credential: Option<CredentialId>,
        /// Who invites, for the person who opens the link. The workspace's name by default.
        invited_by: Option<Text<100>>,
        /// What the account is needed for, for that person.
        purpose: Option<Text<300>>,
        /// Where the person can continue afterwards. Its origin must be one of `api.return_origins`.
        return_url: Option<Text<2000>>,
        /// How long the link can be opened. A day by default.
        expires_in_seconds: Option<Whole<60, MAX_LIFE>>,
    }
}

/// An invitation to connect one Zoom account.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectLink {
    id: ConnectLinkId,
    /// For the browser of the account's owner. Only this answer contains it.
    url: String,
    /// The redirect URL that the app needs at Zoom.
    redirect_uri: String,
    expires_at: Timestamp,
}

/// The state of an invitation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LinkState {
    Open,
    Used,
    Expired,
    Revoked,
}

/// An invitation without its URL, which cannot be shown again.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedConnectLink {
    id: ConnectLinkId,
    state: LinkState,
    oauth_app: ZoomOauthAppId,
    /// The account that it is for, if only that account's user may use it.
    #[schema(required)]
    credential: Option<CredentialId>,
    #[schema(required)]
    invited_by: Option<String>,
    #[schema(required)]
    purpose: Option<String>,
    #[schema(required)]
    return_url: Option<String>,
    /// The account that was connected with it.
    #[schema(required)]
    connected: Option<CredentialId>,
    #[schema(required)]
    connected_at: Option<Timestamp>,
    created_at: Timestamp,
    expires_at: Timestamp,
    #[schema(required)]
    revoked_at: Option<Timestamp>,
}

/// Order and cursor of the list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListConnectLinks {
    /// `created_at` or `-created_at`.
    ordering: Option<String>,
    /// The cursor in `next` or `previous` of another page.
    cursor: Option<String>,
}

/// A used invitation cannot be withdrawn.
fn used() -> ApiError {
    ApiError::refused(
        RequestCode::ConnectLinkUsed,
        "An account was connected with it: disconnect the account instead.",
    )
}

errors! { CreateConnectLinkErrors: quota_exceeded(QuotaResource::Invitations, 10_000) }
errors! { RevokeErrors: used() }

/// Invite a person to connect an account
///
/// With `credential`, it connects that account again: another Zoom user's consent is refused.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/connect-links/",
    tag = "accounts",
    operation_id = "connect_links_create",
    security(("tokenAuth" = ["admin"])),
    request_body(
        content = CreateConnectLink,
        examples(
            ("any user" = (value = json!({ "oauth_app": "01a22731-1935-7000-8000-000000000002" }))),
            ("one account again" = (value = json!({
                "credential": "01a22731-1935-7000-8000-000000000001",
                "invited_by": "Ada of Acme",
                "purpose": "Notes of our team's meetings",
                "expires_in_seconds": 3600,
            }))),
        ),
    ),
    responses((status = 201, description = "The invitation.", body = ConnectLink), CreateConnectLinkErrors),
)]
pub(crate) async fn create(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, WithSecret<ConnectLink>), ApiError> {
    let mut fields = Fields::of(&body);
    let asked = CreateConnectLink::read(&mut fields);
    let return_url = asked.as_ref().and_then(|asked| asked.return_url.as_ref());
    if let Some(Err(wrong)) = return_url.map(|url| state.return_urls.check(url)) {
        fields.complain("return_url", wrong);
    }
    let asked = fields.finish(asked)?;
    let app = the_app(&state, &caller, &asked).await?;
    let row = state.store.zoom_oauth_app(caller.workspace, app).await?;
    if row.is_some_and(|app| app.kind == AppKind::ServerToServer) {
        let words =
            "A server-to-server app needs no consent: POST /api/v2/zoom-oauth-credentials/ connects it.";
        return Err(FieldErrors::one("oauth_app", words).into());
    }
    check_quota(&state, caller.workspace, QuotaResource::Invitations).await?;
    let new = NewInvitation {
        app,
        expected: asked.credential,
        invited_by: asked.invited_by.map(|text| text.0),
        purpose: asked.purpose.map(|text| text.0),
        return_url: asked.return_url.map(|text| text.0),
        ttl: asked.expires_in_seconds.map_or(INVITATION_TTL, |seconds| Duration::from_secs(seconds.0.into())),
    };
    let invitation = state.broker.accounts.authorizations.invite(caller.workspace, new).await?;
    let invitation =
        invitation.ok_or_else(|| FieldErrors::one("oauth_app", "This workspace has no such app."))?;
    let body = ConnectLink {
        id: invitation.id,
        url: invitation.url.expose().to_owned(),
        redirect_uri: state.broker.addresses.redirect_uri().to_string(),
        expires_at: invitation.expires_at,
    };
    Ok((StatusCode::CREATED, WithSecret(body)))
}

/// The app that is given, or the account's.
async fn the_app(
    state: &State,
    caller: &Caller<Admin>,
    asked: &CreateConnectLink,
) -> Result<ZoomOauthAppId, ApiError> {
    let wrong = |field, words: &str| ApiError::from(FieldErrors::one(field, words));
    let Some(credential) = asked.credential else {
        return asked.oauth_app.ok_or_else(|| wrong("oauth_app", "This field is required."));
    };
    let account = state.store.credential(caller.workspace, credential).await?;
    let account = account.ok_or_else(|| wrong("credential", "This workspace has no such account."))?;
    match account.kind {
        CredentialKind::UserOauth => {}
        CredentialKind::ServerToServer | CredentialKind::CustomerManaged => {
            return Err(wrong(
                "credential",
                "An account of this kind is not connected by consent in a browser.",
            ));
        }
    }
    if asked.oauth_app.is_some_and(|app| app != account.app) {
        return Err(wrong("oauth_app", "The account is connected with another app: leave this out."));
    }
    Ok(account.app)
}

/// List invitations
///
/// Newest first, without their URLs.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/connect-links/",
    tag = "accounts",
    operation_id = "connect_links_list",
    security(("tokenAuth" = ["read"])),
    params(ListConnectLinks),
    responses((status = 200, description = "A page of invitations.", body = Page<ListedConnectLink>)),
)]
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<ListedConnectLink>>, ApiError> {
    let query = Query::of_type::<ListConnectLinks>(query.as_deref(), None)?;
    let wanted = query.wanted(&["created_at"], Order::Descending)?;
    let links = state.store.connect_links(caller.workspace, &wanted.page()).await?;
    let now = state.env.now();
    wanted
        .answer((&query, &*state.broker, PATH), links, store::ConnectLink::place, |link| {
            Ok(listed(link, now))
        })
        .map(Json)
}

fn listed(link: &store::ConnectLink, now: Timestamp) -> ListedConnectLink {
    let state = match link {
        store::ConnectLink { connected_at: Some(_), .. } => LinkState::Used,
        store::ConnectLink { revoked_at: Some(_), .. } => LinkState::Revoked,
        store::ConnectLink { expires_at, .. } if now >= *expires_at => LinkState::Expired,
        _ => LinkState::Open,
    };
    ListedConnectLink {
        id: link.id,
        state,
        oauth_app: link.app,
        credential: link.expected,
        invited_by: link.invited_by.clone(),
        purpose: link.purpose.clone(),
        return_url: link.return_url.clone(),
        connected: link.credential,
        connected_at: link.connected_at,
        created_at: link.created_at,
        expires_at: link.expires_at,
        revoked_at: link.revoked_at,
    }
}

/// Withdraw an invitation
///
/// It cannot connect an account any more.
#[utoipa::path(
    delete,
    path = "/api/latchkey/v1/connect-links/{id}/",
    tag = "accounts",
    operation_id = "connect_links_destroy",
    security(("tokenAuth" = ["admin"])),
    params(("id" = ConnectLinkId, Path)),
    responses((status = 204, description = "The invitation is withdrawn."), RevokeErrors),
)]
pub(crate) async fn revoke(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ConnectLinkId>,
) -> Result<StatusCode, ApiError> {
    if state.store.revoke_connect_link(caller.workspace, id, state.env.now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let consent = state.store.connect_link(id).await?.filter(|consent| consent.workspace == caller.workspace);
    Err(consent.map_or(ApiError::NotFound, |_| used()))
}
