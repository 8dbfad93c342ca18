//! `PATCH {id}/`: restricts a link further, or replaces its signing secrets. It takes effect within a second.

use axum::{Json, extract::State as Extract};
use model::{Timestamp, TokenLinkId};
use token_links::{
    Narrowed, Narrowing,
    dialects::{DialectRules, rules},
};

use super::{
    TokenLink, ahead,
    create::CreateTokenLink,
    fields::{Kinds, Meeting, Networks, SigningSecrets},
    representation, sound, the_kinds,
};
use crate::{
    State,
    body::Body,
    caller::{Caller, Tokens},
    error::ApiError,
    fields::{FieldErrors, Fields},
    path::Path,
    request::{Request as _, Text, Whole, request},
};

request! {
    /// Further restrictions of a link, or new signing secrets. All other properties are fixed when a link is created.
    closed struct NarrowTokenLink {
        /// A new name.
        name: Option<Text<200>>,
        /// The same as `kinds`.
        kind: Option<Kinds>,
        /// Fewer kinds, possibly in another order.
        kinds: Option<Kinds>,
        /// The only meeting, for a link that had none.
        meeting: Option<Meeting>,
        /// New signing secrets, newest first.
        signing_secret: Option<SigningSecrets>,
        /// Smaller networks.
        networks: Option<Networks>,
        /// Fewer requests a minute.
        per_minute: Option<Whole<1, { u32::MAX }>>,
        /// A later `not_before`.
        not_before: Option<Timestamp>,
        /// An earlier end.
        expires_at: Option<Timestamp>,
        /// Fewer uses in total.
        max_uses: Option<Whole<1, { u32::MAX }>>,
    }
}

/// Restrict a token link
///
/// Within a second the link gives less, or uses the new signing secrets.
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
    match state.links.manager.narrow(caller.workspace, id, &narrowing).await? {
        Narrowed::Done(link) => Ok(Json(representation(&state, &link))),
        Narrowed::Unknown => Err(ApiError::NotFound),
        Narrowed::Wider(field) => {
            let words = "A link can only be restricted further: to allow more, create a new one.";
            Err(FieldErrors::one(field, words).into())
        }
    }
}

fn read(state: &State, rules: &dyn DialectRules, mut fields: Fields<'_>) -> Result<Narrowing, FieldErrors> {
    for field in CreateTokenLink::FIELDS.iter().filter(|field| !NarrowTokenLink::FIELDS.contains(field)) {
        if fields.anything(field).is_some() {
            fields.complain(field, "It is fixed when the link is created.");
        }
    }
    let asked = NarrowTokenLink::read(&mut fields);
    let narrowing = asked.map(|asked| Narrowing {
        name: asked.name.map(|name| name.0),
        kinds: the_kinds(&mut fields, asked.kind, asked.kinds),
        meeting: asked.meeting.map(|meeting| meeting.0),
        not_before: asked.not_before,
        expires_at: ahead(state, &mut fields, "expires_at", asked.expires_at),
        max_uses: asked.max_uses.map(|most| most.0),
        per_minute: asked.per_minute.map(|most| most.0),
        networks: asked.networks.map(|networks| networks.0),
        signing_secrets: sound(&mut fields, rules, asked.signing_secret),
    });
    fields.finish(narrowing)
}
