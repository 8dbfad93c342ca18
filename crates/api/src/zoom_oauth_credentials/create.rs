//! `POST /api/v2/zoom-oauth-credentials/`: connects an account without an invitation.

use axum::{Json, extract::State as Extract, http::StatusCode};
use broker::{Admitted, Authorization};
use model::{Code, CredentialId, Failure, Secret, ZoomOauthAppId};
use serde_json::{Map, Value};
use store::{AppKind, SecondAuthorization};

use super::{shown, visible};
use crate::{
    State,
    body::Body,
    caller::{Admin, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
};

/// The ways to an account; a request takes exactly one.
const WAYS: [&str; 4] =
    ["authorization_code", "refresh_token", "access_token_callback_url", "server_to_server"];
/// What is said to somebody who has brought a refresh token.
const TAKEN_OVER: &str = "The refresh token was spent to take the grant over: every other copy of it is dead now. Stop \
    whatever else refreshed it.";

/// What is asked for.
struct Asked {
    app: ZoomOauthAppId,
    way: Way,
}

enum Way {
    /// A code from Zoom's consent page, which the caller has shown.
    Code(Authorization),
    /// A refresh token that the caller holds; it is spent at once.
    RefreshToken(Secret),
    /// The customer keeps the grant, and answers with access tokens there.
    Callback(Secret),
    /// Ours: the app's own id and secret, which speak for its Zoom account.
    ServerToServer,
}

pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let Asked { app, way } = read(&state, Fields::of(&body))?;
    let unknown = || FieldErrors::one("oauth_app", "This workspace has no such app.");
    let row = state.store.zoom_oauth_app(caller.workspace, app).await?.ok_or_else(unknown)?;
    if let Some(complaint) = mismatch(row.kind, &way) {
        return Err(FieldErrors::one("oauth_app", complaint).into());
    }
    let workspace = caller.workspace;
    let taken_over = matches!(way, Way::RefreshToken(_));
    let admitted = match way {
        Way::Code(code) => state.broker.connect_by_code(workspace, app, &code).await,
        Way::RefreshToken(token) => state.broker.import_refresh_token(workspace, app, token).await,
        Way::Callback(url) => state.broker.connect_customer_managed(workspace, app, url).await,
        Way::ServerToServer => {
            let id = state.broker.connect_server_to_server(workspace, app).await;
            // There is no user who could be known.
            id.map(|id| id.map(|id| Admitted { id, known: false }))
        }
    };
    let Admitted { id, known } = admitted.map_err(in_the_contracts_words)?.ok_or_else(unknown)?;
    if known && state.store.second_authorization(workspace).await? == SecondAuthorization::Conflict {
        return Err(conflict(&state, caller, id).await?.into());
    }
    let mut account = shown(&state, caller, id).await?;
    if taken_over {
        account["latchkey_notice"] = TAKEN_OVER.into();
    }
    Ok((StatusCode::CREATED, Json(account)))
}

/// The contract's older guide: the client deletes the account and connects it anew. The new grant is kept all the same:
/// Zoom has ended the one before, and an account without any would be lost if the client does nothing.
async fn conflict(state: &State, caller: Caller<Admin>, id: CredentialId) -> Result<FieldErrors, ApiError> {
    let account = visible(state, caller, id).await?;
    let detail = "This Zoom user is connected with this app already; delete that account first.";
    Ok(FieldErrors(Map::from_iter([
        ("detail".into(), detail.into()),
        ("conflicting_zoom_account_id".into(), account.zoom_account_id.into()),
        ("conflicting_zoom_user_id".into(), account.zoom_user_id.into()),
    ])))
}

fn read(state: &State, mut fields: Fields<'_>) -> Result<Asked, FieldErrors> {
    let app: Option<ZoomOauthAppId> = fields.parsed("oauth_app", "It must be the id of a registered app.");
    let app = fields.required("oauth_app", app);
    fields.only(&[&["oauth_app"], &WAYS[..]].concat());
    let given: Vec<_> = WAYS.into_iter().filter(|way| fields.anything(way).is_some()).collect();
    let way = match given.as_slice() {
        ["authorization_code"] => fields.object("authorization_code", code).flatten().map(Way::Code),
        ["refresh_token"] => {
            fields.pasted("refresh_token", 4000).map(|token| Way::RefreshToken(Secret::new(token)))
        }
        ["access_token_callback_url"] => callback_url(state, &mut fields).map(Way::Callback),
        ["server_to_server"] => fields.object("server_to_server", |fields| {
            fields.only(&[]);
            Way::ServerToServer
        }),
        _ => {
            fields.complain("non_field_errors", format!("Give exactly one of {}.", WAYS.join(", ")));
            None
        }
    };
    fields.finish(app.zip(way).map(|(app, way)| Asked { app, way }))
}

fn callback_url(state: &State, fields: &mut Fields<'_>) -> Option<Secret> {
    const FIELD: &str = "access_token_callback_url";
    let url = fields.text(FIELD, 200)?;
    match state.callbacks.accepts(url) {
        Ok(()) => Some(Secret::new(url)),
        Err(error) => {
            fields.complain(FIELD, error.to_string());
            None
        }
    }
}

fn code(fields: &mut Fields<'_>) -> Option<Authorization> {
    fields.only(&["code", "redirect_uri", "code_verifier"]);
    let mut text = |name| {
        let value = fields.pasted(name, 2000);
        fields.required(name, value)
    };
    let (code, redirect_uri) = (text("code"), text("redirect_uri"));
    let code_verifier = fields.pasted("code_verifier", 128).map(Secret::new);
    let redirect_uri = redirect_uri?.to_owned();
    Some(Authorization { code: Secret::new(code?), redirect_uri, code_verifier })
}

/// Why an app of this kind has no such way.
fn mismatch(kind: AppKind, way: &Way) -> Option<&'static str> {
    match (kind, way) {
        (AppKind::ServerToServer, Way::ServerToServer)
        | (
            AppKind::UserLevel | AppKind::AccountLevel,
            Way::Code(_) | Way::RefreshToken(_) | Way::Callback(_),
        ) => None,
        (AppKind::UserLevel | AppKind::AccountLevel, Way::ServerToServer) => {
            Some("Its kind is not server_to_server: register one of that kind.")
        }
        (AppKind::ServerToServer, Way::Code(_) | Way::RefreshToken(_) | Way::Callback(_)) => {
            Some("Nobody consents to a server-to-server app: give server_to_server.")
        }
    }
}

/// What Zoom refuses is a 400 here; what may pass stays a 503.
fn in_the_contracts_words(failure: Failure) -> ApiError {
    match failure.code {
        Code::AppUnhealthy | Code::CredentialNeedsConsent | Code::CredentialBlocked | Code::ScopeMissing => {
            ApiError::command("zoom_oauth_error", format!("{}; {}", failure.detail, failure.code.advice()))
        }
        Code::AccessTokenCallbackFailed => {
            ApiError::command(failure.code.as_str(), format!("{}; {}", failure.detail, failure.code.advice()))
        }
        _ => failure.into(),
    }
}
