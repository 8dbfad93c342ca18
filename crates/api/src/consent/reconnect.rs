//! `GET /oauth/zoom/reconnect`: from the link in an event to an invitation to connect the account again.

use axum::{
    extract::{RawQuery, State as Extract},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY},
    },
    response::{IntoResponse, Response},
};
use broker::NewInvitation;
use model::{Code, CredentialId, Failure, WorkspaceId};
use utoipa::IntoParams;

use super::{TroublePage, trouble};
use crate::{State, page::Query};

/// As in the link.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ReconnectLink {
    workspace: Option<WorkspaceId>,
    account: Option<CredentialId>,
    /// Proves that Latchkey gave the link.
    token: Option<String>,
}

/// Connect an account again
///
/// For the browser of an account's owner. Events of accounts carry this link: it makes an invitation and goes on to it.
#[utoipa::path(
    get,
    path = "/oauth/zoom/reconnect",
    tag = "consent",
    operation_id = "consent_reconnect",
    params(ReconnectLink),
    responses((status = 303, description = "To an invitation.", headers(("location" = String))), TroublePage),
)]
#[tracing::instrument(name = "reconnect", skip_all)]
pub(crate) async fn handler(Extract(state): Extract<State>, RawQuery(query): RawQuery) -> Response {
    match invitation(&state, &Query::of(query.as_deref())).await {
        Ok(url) => {
            let headers = [
                (LOCATION, url),
                (CACHE_CONTROL, "no-store".to_owned()),
                (REFERRER_POLICY, "no-referrer".to_owned()),
            ];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Err(failure) => trouble(&state, &failure),
    }
}

async fn invitation(state: &State, query: &Query) -> Result<String, Failure> {
    let unknown = || {
        Failure::new(
            Code::LinkUnknown,
            "this link is unknown or has expired: ask the person who sent it for a new one",
        )
    };
    let read = || {
        Some((
            query.get("workspace")?.parse::<WorkspaceId>().ok()?,
            query.get("account")?.parse::<CredentialId>().ok()?,
        ))
    };
    let (workspace, account) = read().ok_or_else(unknown)?;
    let token = query.get("token").unwrap_or("");
    let link = state.webhooks.reconnect(workspace, account, token).ok_or_else(unknown)?;
    // Another user's consent must not take the account's place.
    let new = NewInvitation { expected: Some(account), ..NewInvitation::to(link.app) };
    let invited = state.broker.accounts.authorizations.invite(link.workspace, new).await?;
    Ok(invited.ok_or_else(unknown)?.url.expose().to_owned())
}
