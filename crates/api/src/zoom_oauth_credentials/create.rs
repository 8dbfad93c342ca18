//! `POST /api/v2/zoom-oauth-credentials/`: connects an account without an invitation.

use axum::{Json, extract::State as Extract, http::StatusCode};
use broker::{Authorization, StoredGrant};
use model::{Code, CredentialId, Failure, Secret, ZoomOauthAppId};
use serde_json::Map;
use store::{AppKind, SecondAuthorization};

use super::{ZoomOauthCredential, shown, visible};
use crate::{
    State,
    body::Body,
    caller::{Admin, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    openapi::errors,
    request::{CallbackUrl, Empty, Pasted, Request as _, nested, request},
    request_code::RequestCode,
};

/// The message after a refresh token was imported.
const TAKEN_OVER: &str = "The refresh token was used up to import the grant: every other copy of it is invalid now. Stop \
    any other program that refreshes it.";

request! {
    /// A new account, connected in exactly one way.
    closed struct CreateZoomOauthCredential {
        oauth_app: ZoomOauthAppId,
        /// A code from Zoom's consent page.
        authorization_code: Option<AuthorizationCode>,
        /// A refresh token that you have. It is used up at once, so every other copy of it becomes invalid.
        refresh_token: Option<Pasted<4000>>,
        /// Your server, which stores the grant and answers a `GET` with an access token within 5 s.
        access_token_callback_url: Option<CallbackUrl<200>>,
        /// An empty object: the app's own id and secret act for its Zoom account.
        server_to_server: Option<Empty>,
    }
}

request! {
    /// A code from Zoom's consent page, and the parameters of that authorization.
    closed struct AuthorizationCode {
        code: Pasted<2000>,
        /// Exactly as it was sent to Zoom.
        redirect_uri: Pasted<2000>,
        /// The PKCE verifier.
        code_verifier: Option<Pasted<128>>,
    }
}

nested! { AuthorizationCode }

enum Way {
    /// A code from Zoom's consent page, which the caller showed.
    Code(Authorization),
    /// A refresh token that the caller has; it is used up at once.
    RefreshToken(Secret),
    /// The customer stores the grant, and answers with access tokens at this URL.
    Callback(Secret),
    /// The app's own id and secret act for its Zoom account.
    ServerToServer,
}

errors! {
    ConnectErrors:
        FieldErrors::one("oauth_app", "This workspace has no such app.").into(),
        in_the_contracts_words(Failure::new(Code::CredentialNeedsConsent, "Zoom refused the code")),
        in_the_contracts_words(Failure::new(Code::AccessTokenCallbackFailed, "the callback answered 500")),
        in_the_contracts_words(Failure::new(Code::ZoomUnavailable, "Zoom does not answer")),
        in_the_contracts_words(Failure::new(Code::ZoomUnexpected, "")),
}

/// Connect an account
///
/// Without a person's browser; use `connect-links` for people who have to consent. Connecting the same user with the same
/// app again does not change the account's id.
#[utoipa::path(
    post,
    path = "/api/v2/zoom-oauth-credentials/",
    tag = "accounts",
    operation_id = "zoom_oauth_credentials_create",
    security(("tokenAuth" = ["admin"])),
    request_body(
        content = CreateZoomOauthCredential,
        examples(
            ("a code" = (value = json!({
                "oauth_app": "01a22731-1935-7000-8000-000000000002",
                "authorization_code": { "code": "CODE", "redirect_uri": "https://example.com/back" },
            }))),
            ("a server-to-server app" = (value = json!({
                "oauth_app": "01a22731-1935-7000-8000-000000000003",
                "server_to_server": {},
            }))),
        ),
    ),
    responses((status = 201, description = "The account.", body = ZoomOauthCredential), ConnectErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, Json<ZoomOauthCredential>), ApiError> {
    let (app, way) = read(Fields::of(&body).with_callbacks(&state))?;
    let unknown = || FieldErrors::one("oauth_app", "This workspace has no such app.");
    let row = state.store.zoom_oauth_app(caller.workspace, app).await?.ok_or_else(unknown)?;
    if let Some(complaint) = mismatch(row.kind, &way) {
        return Err(FieldErrors::one("oauth_app", complaint).into());
    }
    let workspace = caller.workspace;
    let taken_over = matches!(way, Way::RefreshToken(_));
    let admitted = match way {
        Way::Code(code) => state.broker.accounts.authorizations.connect_by_code(workspace, app, &code).await,
        Way::RefreshToken(token) => {
            state.broker.accounts.imports.import_refresh_token(workspace, app, token).await
        }
        Way::Callback(url) => state.broker.accounts.customer_managed.connect(workspace, app, url).await,
        Way::ServerToServer => {
            let id = state.broker.accounts.server_to_server.connect(workspace, app).await;
            // A server-to-server app has no user that could be connected already.
            id.map(|id| id.map(|id| StoredGrant { id, known: false }))
        }
    };
    let StoredGrant { id, known } = admitted.map_err(in_the_contracts_words)?.ok_or_else(unknown)?;
    if known {
        let workspace = state.broker.workspaces.get(workspace).await?;
        if workspace.is_some_and(|it| it.second_authorization == SecondAuthorization::Conflict) {
            return Err(conflict(&state, caller, id).await?.into());
        }
    }
    let mut account = shown(&state, caller, id).await?;
    if taken_over {
        account.latchkey_notice = Some(TAKEN_OVER);
    }
    Ok((StatusCode::CREATED, Json(account)))
}

/// As in the contract's older guide, the client deletes the account and connects it again. The new grant is stored anyway:
/// Zoom has ended the previous one, and the account would be lost if the client did nothing.
async fn conflict(state: &State, caller: Caller<Admin>, id: CredentialId) -> Result<FieldErrors, ApiError> {
    let account = visible(state, caller, id).await?;
    let detail = "This Zoom user is connected with this app already; delete that account first.";
    Ok(FieldErrors(Map::from_iter([
        ("detail".into(), detail.into()),
        ("conflicting_zoom_account_id".into(), account.zoom_account_id.into()),
        ("conflicting_zoom_user_id".into(), account.zoom_user_id.into()),
    ])))
}

/// The ways to connect an account: the fields other than the app.
fn ways() -> &'static [&'static str] {
    &CreateZoomOauthCredential::FIELDS[1..]
}

fn read(mut fields: Fields<'_>) -> Result<(ZoomOauthAppId, Way), FieldErrors> {
    let asked = CreateZoomOauthCredential::read(&mut fields);
    if ways().iter().filter(|way| fields.anything(way).is_some()).count() != 1 {
        fields.complain("non_field_errors", format!("Give exactly one of {}.", ways().join(", ")));
    }
    let asked = fields.finish(asked)?;
    let ways = [
        asked.authorization_code.map(|code| Way::Code(code.into())),
        asked.refresh_token.map(|token| Way::RefreshToken(Secret::new(token.0))),
        asked.access_token_callback_url.map(|url| Way::Callback(Secret::new(url.0))),
        asked.server_to_server.map(|_| Way::ServerToServer),
    ];
    let way = ways.into_iter().flatten().next();
    Ok((asked.oauth_app, way.expect("exactly one is given, and nothing is wrong with it")))
}

impl From<AuthorizationCode> for Authorization {
    fn from(given: AuthorizationCode) -> Self {
        Self {
            code: Secret::new(given.code.0),
            redirect_uri: given.redirect_uri.0,
            code_verifier: given.code_verifier.map(|verifier| Secret::new(verifier.0)),
        }
    }
}

/// Why an app of this kind cannot connect accounts in this way.
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
            Some("A server-to-server app has no consent: give server_to_server.")
        }
    }
}

/// What Zoom refuses is a 400 here; a temporary failure stays a 503.
fn in_the_contracts_words(failure: Failure) -> ApiError {
    match failure.code {
        Code::AppUnhealthy | Code::CredentialNeedsConsent | Code::CredentialBlocked | Code::ScopeMissing => {
            ApiError::refused(
                RequestCode::ZoomOauthError,
                format!("{}; {}", failure.detail, failure.code.advice()),
            )
        }
        Code::AccessTokenCallbackFailed => {
            let detail = format!("{}; {}", failure.detail, failure.code.advice());
            ApiError::BadRequest(failure.code, detail.into())
        }
        _ => failure.into(),
    }
}
