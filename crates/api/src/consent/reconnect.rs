//! `GET /oauth/zoom/reconnect`: leads an account's owner from the link in an event to Zoom.
//!
//! The link is sent in events, to Slack among others, where previews open it. So the first answer is a page that is made
//! from the sealed link alone; an invitation is made, or an open one found, when the person continues.

use axum::{
    extract::{RawQuery, State as Extract},
    response::Response,
};
use model::{Code, CredentialId, Failure, WorkspaceId};
use utoipa::IntoParams;

use super::{TroublePage, invitation_page, to_zoom, trouble};
use crate::{State, query::Query};

/// The parameters of the link.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ReconnectLink {
    workspace: Option<WorkspaceId>,
    account: Option<CredentialId>,
    /// Proves that Latchkey issued the link.
    token: Option<String>,
    /// `zoom`: the person has read the page and continues to Zoom.
    go: Option<String>,
}

/// Connect an account again
///
/// For the browser of an account's owner. Events of accounts contain this link: a page says who it is for, and its button
/// leads to Zoom.
#[utoipa::path(
    get,
    path = "/oauth/zoom/reconnect",
    tag = "consent",
    operation_id = "consent_reconnect",
    params(ReconnectLink),
    responses(
        (status = 200, description = "Who asks, and for which account.", body = String, content_type = "text/html"),
        (status = 303, description = "To Zoom's consent page.", headers(("location" = String), ("set-cookie" = String))),
        TroublePage,
    ),
)]
#[tracing::instrument(name = "reconnect", skip_all)]
pub(crate) async fn handler(Extract(state): Extract<State>, RawQuery(query): RawQuery) -> Response {
    match opened(&state, &Query::of(query.as_deref())).await {
        Ok(response) => response,
        Err(failure) => trouble(&state, &failure),
    }
}

async fn opened(state: &State, query: &Query) -> Result<Response, Failure> {
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
    let authorizations = &state.broker.accounts.authorizations;
    if query.get("go") == Some("zoom") {
        let start = authorizations.begin_again(workspace, link.app, account).await?;
        return Ok(to_zoom(state, &start.ok_or_else(unknown)?));
    }
    let shown = authorizations.show_again(workspace, account, link.until).await?;
    let mut next = state.broker.addresses.at("oauth/zoom/reconnect");
    next.query_pairs_mut()
        .append_pair("workspace", &workspace.to_string())
        .append_pair("account", &account.to_string())
        .append_pair("token", token)
        .append_pair("go", "zoom");
    Ok(invitation_page(state, shown, next.into()))
}
