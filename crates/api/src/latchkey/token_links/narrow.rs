//! `PATCH {id}/`: makes a link give less, or replaces its signing secrets, within a second.

use axum::{Json, extract::State as Extract};
use model::TokenLinkId;
use token_links::{
    Narrowed, Narrowing,
    dialects::{DialectRules, rules},
};

use super::{TokenLink, read, representation, schema::NarrowTokenLink};
use crate::{
    State,
    body::Body,
    caller::{Caller, Tokens},
    error::ApiError,
    fields::{FieldErrors, Fields},
    path::Path,
};

/// Narrow a token link
///
/// It gives less within a second, or takes other signing secrets.
#[utoipa::path(
    patch,
    path = "/api/latchkey/v1/token-links/{id}/",
    tag = "token links",
    operation_id = "token_links_partial_update",
    security(("tokenAuth" = ["tokens"])),
    params(("id" = TokenLinkId, Path)),
    request_body(content = NarrowTokenLink, example = json!({ "name": "notes", "max_uses": 10 })),
    responses((status = 200, description = "The link.", body = TokenLink)),
)]
pub(crate) async fn handler(
    caller: Caller<Tokens>,
    Extract(state): Extract<State>,
    Path(id): Path<TokenLinkId>,
    Body(body): Body,
) -> Result<Json<TokenLink>, ApiError> {
    let link = state.store.token_link(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    let narrowing = read(&state, rules(link.terms.dialect), Fields::of(&body))?;
    match state.links.narrow(caller.workspace, id, &narrowing).await? {
        Narrowed::Done(link) => Ok(Json(representation(&link))),
        Narrowed::Unknown => Err(ApiError::NotFound),
        Narrowed::Wider(field) => {
            let words = "A link can only be narrowed: for more, make a new one.";
            Err(FieldErrors::one(field, words).into())
        }
    }
}

fn read(state: &State, rules: &dyn DialectRules, mut fields: Fields<'_>) -> Result<Narrowing, FieldErrors> {
    fields.only(&read::FIELDS);
    let narrowing = Narrowing {
        name: fields.text("name", 200).map(str::to_owned),
        kinds: read::kinds(&mut fields),
        meeting: read::meeting(&mut fields),
        not_before: fields.time("not_before"),
        expires_at: read::ahead(state, &mut fields, "expires_at"),
        max_uses: read::bounded(&mut fields, "max_uses", 1, u32::MAX),
        per_minute: read::bounded(&mut fields, "per_minute", 1, u32::MAX),
        networks: read::networks(&mut fields),
        signing_secrets: read::signing_secrets(&mut fields, rules),
    };
    let fixed = [
        "dialect",
        "credential",
        "accounts",
        "pool",
        "host",
        "user",
        "verification",
        "meeting_in_request",
        "optional",
        "allow_repeat",
        "query_secret",
        "query_parameter",
        "zak_outlives",
        "seat_seconds",
        "hosting",
    ];
    for field in fixed {
        if fields.anything(field).is_some() {
            fields.complain(field, "It is fixed when the link is made.");
        }
    }
    fields.finish(Some(narrowing))
}
