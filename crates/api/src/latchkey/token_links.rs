//! `/api/latchkey/v1/token-links/`: addresses that bot platforms fetch tokens from.

use axum::{
    Json,
    extract::State as Extract,
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use broker::{NewLink, signature::SigningKey};
use model::{CredentialId, Secret, TokenKind, TokenLinkId};
use serde_json::{Value, json};
use store::TokenLink;

use crate::{
    State,
    accounts::complaint,
    body::Body,
    caller::{Caller, Read, Tokens},
    error::ApiError,
    fields::{FieldErrors, Fields},
    page::single_page,
    path::Path,
};

/// `POST`: makes a link. Its address is in this answer and nowhere else.
pub(crate) async fn create(
    caller: Caller<Tokens>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let new = read(&state, Fields::of(&body))?;
    let complaint = complaint(&state, caller.workspace, new.credential, new.user.as_ref()).await?;
    if let Some((field, complaint)) = complaint {
        return Err(FieldErrors::one(field, complaint).into());
    }
    let made = state.broker.make_link(caller.workspace, &new).await?;
    let made = made.ok_or_else(|| FieldErrors::one("credential", "This workspace has no such account."))?;
    let mut body = representation(&made.link);
    body["url"] = made.url.expose().into();
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `GET`: the workspace's links, newest first.
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
) -> Result<Json<Value>, ApiError> {
    let links = state.store.token_links(caller.workspace).await?;
    Ok(Json(single_page(&links.iter().map(representation).collect::<Vec<_>>())))
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

fn read(state: &State, mut fields: Fields<'_>) -> Result<NewLink, FieldErrors> {
    let kind = fields.text("kind", 100).unwrap_or(TokenKind::Zak.as_str());
    if kind != TokenKind::Zak.as_str() {
        fields.complain("kind", "It must be zak: other kinds are not served yet.");
    }
    let credential: Option<CredentialId> = fields.parsed("credential", "It must be the id of an account.");
    let credential = fields.required("credential", credential);
    let user = fields.parsed("user", "It must be an e-mail address or Zoom's id of a user.");
    let signing_secret = fields.text("signing_secret", 200).map(Secret::new);
    if signing_secret.as_ref().is_some_and(|secret| SigningKey::parse(secret).is_none()) {
        fields.complain("signing_secret", "It must be whsec_ and Base64 of 16 to 128 bytes.");
    }
    let expires_at = fields.time("expires_at");
    if expires_at.is_some_and(|end| end <= state.env.now()) {
        fields.complain("expires_at", "It must lie ahead.");
    }
    let kind = TokenKind::Zak;
    let new = credential.map(|credential| NewLink { kind, credential, user, signing_secret, expires_at });
    fields.finish(new)
}

fn representation(link: &TokenLink) -> Value {
    json!({
        "id": link.id,
        "kind": link.kind.as_str(),
        "credential": link.credential,
        "user": link.user,
        "own_signing_secret": link.signing_secret.is_some(),
        "expires_at": link.expires_at,
        "revoked_at": link.revoked_at,
        "created_at": link.created_at,
    })
}
