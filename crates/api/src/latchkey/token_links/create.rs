//! `POST`: makes a link. Its address is in this answer and nowhere else.

use axum::{
    Json,
    extract::State as Extract,
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use model::{Secret, TokenKind, WorkspaceId};
use store::{Dialect, LinkAccount, LinkLife, LinkSource, LinkTerms, Proof};
use tenants::digest;
use token_links::{
    NewLink, QUERY_PARAMETERS,
    dialects::{DialectRules, rules},
};

use super::{TokenLink, read, representation, schema::CreateTokenLink};
use crate::{
    State,
    accounts::named,
    body::Body,
    caller::{Caller, Tokens},
    error::ApiError,
    fields::{FieldErrors, Fields},
};

/// Accounts of one link: Attendee tries as many people who may vouch as it is given, one after another.
const MOST_ACCOUNTS: usize = 5;
/// The longest that may be asked: a day, after which a bot will have joined.
const DAY: u32 = 24 * 3600;

/// Make a token link
///
/// Its address is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/token-links/",
    tag = "token links",
    operation_id = "token_links_create",
    security(("tokenAuth" = ["tokens"])),
    request_body(
        content = CreateTokenLink,
        examples(
            ("for Recall" = (value = json!({
                "name": "notes", "credential": "01a22731-1935-7000-8000-000000000001",
            }))),
            ("for Meeting BaaS" = (value = json!({
                "dialect": "meeting_baas",
                "credential": "01a22731-1935-7000-8000-000000000001",
                "networks": ["203.0.113.0/24"],
                "max_uses": 100,
            }))),
        ),
    ),
    responses((status = 201, description = "The link.", body = TokenLink)),
)]
pub(crate) async fn handler(
    caller: Caller<Tokens>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let (mut new, query_secret) = read(&state, Fields::of(&body))?;
    name_users(&state, caller.workspace, &mut new.terms.source).await?;
    let made = state.links.create(caller.workspace, &new).await?;
    let made = made.ok_or_else(|| FieldErrors::one("pool", "This workspace has no such pool."))?;
    let mut body = representation(&made.link);
    let mut url = made.url.expose().to_owned();
    if let (Proof::QuerySecret { name, .. }, Some(secret)) = (&new.terms.proof, &query_secret) {
        let pair =
            url::form_urlencoded::Serializer::new(String::new()).append_pair(name, secret.expose()).finish();
        url = format!("{url}?{pair}");
    }
    body.url = Some(url);
    body.authorization = made.authorization.as_ref().map(|secret| secret.expose().to_owned());
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// Sees to it that every account can give tokens at all, and of whom.
async fn name_users(state: &State, workspace: WorkspaceId, source: &mut LinkSource) -> Result<(), ApiError> {
    let LinkSource::Accounts(accounts) = source else { return Ok(()) };
    for LinkAccount { credential, user, address } in accounts {
        match named(state, workspace, *credential, user.as_ref()).await? {
            Ok(whose) => (*user, *address) = whose,
            Err((field, words)) => return Err(FieldErrors::one(field, words).into()),
        }
    }
    Ok(())
}

/// The link, and the secret for its query if it wants one.
fn read(state: &State, mut fields: Fields<'_>) -> Result<(NewLink, Option<Secret>), FieldErrors> {
    fields.only(&read::FIELDS);
    let dialect = read::dialect(&mut fields);
    let (dialect, kinds) = (dialect.unwrap_or(Dialect::Recall), read::kinds(&mut fields));
    let (rules, kinds) = (rules(dialect), kinds.unwrap_or_else(|| vec![TokenKind::Zak]));
    if let Some(words) = kinds.iter().find_map(|kind| rules.refuses_kind(*kind)) {
        fields.complain("kinds", words);
    }
    let source = source(&mut fields);
    let signing_secrets = read::signing_secrets(&mut fields, rules).unwrap_or_default();
    let (proof, query_secret) = proof(state, &mut fields, rules, &signing_secrets);
    let defaults = rules.defaults();
    let terms = source.map(|source| LinkTerms {
        dialect,
        kinds,
        source,
        meeting: read::meeting(&mut fields),
        meeting_in_request: fields.boolean("meeting_in_request").unwrap_or(defaults.meeting_in_request),
        proof,
        networks: read::networks(&mut fields).unwrap_or_default().iter().map(ToString::to_string).collect(),
        optional: fields.boolean("optional").unwrap_or(false),
        allow_repeat: fields.boolean("allow_repeat").unwrap_or(false),
        zak_outlives_seconds: read::bounded(&mut fields, "zak_outlives", 60, DAY)
            .unwrap_or(defaults.zak_outlives_seconds),
        seat_seconds: read::bounded(&mut fields, "seat_seconds", 60, 2 * DAY).unwrap_or(4 * 3600),
        hosting: fields.boolean("hosting").unwrap_or(false),
        per_minute: read::bounded(&mut fields, "per_minute", 1, u32::MAX),
    });
    if terms.as_ref().is_some_and(|terms| terms.hosting && !matches!(terms.source, LinkSource::Pool(_))) {
        fields.complain("hosting", "It says what seats are for: name a pool.");
    }
    let life = LinkLife {
        not_before: fields.time("not_before"),
        expires_at: read::ahead(state, &mut fields, "expires_at"),
        max_uses: read::bounded(&mut fields, "max_uses", 1, u32::MAX),
    };
    if life.not_before.zip(life.expires_at).is_some_and(|(begin, end)| begin >= end) {
        fields.complain("expires_at", "It must lie after not_before.");
    }
    let name = fields.text("name", 200).unwrap_or("").to_owned();
    let new = terms.map(|terms| (NewLink { name, terms, life, signing_secrets }, query_secret));
    fields.finish(new)
}

/// `credential`, `accounts`, `pool` or `host`: one of them.
fn source(fields: &mut Fields<'_>) -> Option<LinkSource> {
    let given: Vec<_> = ["credential", "accounts", "pool", "host"]
        .into_iter()
        .filter(|field| fields.anything(field).is_some_and(|value| *value != serde_json::Value::Bool(false)))
        .collect();
    if given != ["credential"] && fields.anything("user").is_some() {
        fields.complain("user", "It belongs to an account: give it beside credential, or in accounts.");
    }
    match given[..] {
        [] => {
            fields.complain(
                "credential",
                "Say whose tokens the link gives: credential or accounts, pool, or host: true.",
            );
            None
        }
        ["credential"] => {
            let account = read::named_account(fields);
            account.map(|account| LinkSource::Accounts(vec![account]))
        }
        ["accounts"] => {
            let accounts = fields.objects("accounts", MOST_ACCOUNTS, read::account)?;
            if accounts.is_empty() {
                fields.complain("accounts", "Name at least one account.");
            }
            Some(LinkSource::Accounts(accounts.into_iter().flatten().collect()))
        }
        ["pool"] => fields.parsed("pool", "It must be the id of a pool.").map(LinkSource::Pool),
        ["host"] => fields.boolean("host").map(|_| LinkSource::Host),
        [first, ..] => {
            fields.complain(first, "Name one of credential, accounts, pool and host.");
            None
        }
    }
}

/// What a request has to bring. Where the platform signs nothing, that is nothing beside the link's secret, unless told otherwise.
fn proof(
    state: &State,
    fields: &mut Fields<'_>,
    rules: &dyn DialectRules,
    signing_secrets: &[Secret],
) -> (Proof, Option<Secret>) {
    let signed = rules.defaults().signed || !signing_secrets.is_empty();
    let usual = if signed { read::SIGNATURE } else { read::UNSIGNED };
    let wanted = fields.text("verification", 20).unwrap_or(usual);
    let name = query_parameter(fields);
    let query_secret = fields.pasted("query_secret", 200).map(Secret::new);
    if wanted != read::QUERY_SECRET {
        for field in ["query_parameter", "query_secret"] {
            if fields.anything(field).is_some() {
                fields.complain(
                    field,
                    "It belongs to `verification: query_secret`: ask for that, or leave it out.",
                );
            }
        }
    }
    if wanted != read::SIGNATURE && !signing_secrets.is_empty() {
        let words =
            format!("It verifies signatures, and the verification is {wanted}: leave one of them out.");
        fields.complain("signing_secret", words);
    }
    if let Some(words) = rules.refuses_verification().filter(|_| wanted != read::UNSIGNED) {
        fields.complain("verification", words);
    }
    match wanted {
        read::SIGNATURE => {
            if let Some(words) =
                rules.needs_signing_secret().filter(|_| fields.anything("signing_secret").is_none())
            {
                fields.complain("signing_secret", words);
            }
            (Proof::Signature, None)
        }
        read::QUERY_SECRET => {
            if query_secret.as_ref().is_some_and(|secret| secret.expose().len() < 16) {
                fields.complain("query_secret", "It must have 16 characters at least.");
            }
            let secret = query_secret.unwrap_or_else(|| Secret::new(state.env.entropy.token()));
            (Proof::QuerySecret { name, digest: digest(secret.expose()) }, Some(secret))
        }
        read::UNSIGNED => (Proof::Nothing, None),
        _ => {
            fields.complain("verification", "It must be signature, query_secret or unsigned.");
            (Proof::Signature, None)
        }
    }
}

/// What the secret is called in a query: nothing that a request says otherwise, or one would be read as the other.
fn query_parameter(fields: &mut Fields<'_>) -> String {
    let name = fields.text("query_parameter", 40).unwrap_or("token");
    if QUERY_PARAMETERS.contains(&name) {
        let words = format!("Requests say something else with {}.", QUERY_PARAMETERS.join(", "));
        fields.complain("query_parameter", words);
    } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)) {
        fields.complain("query_parameter", "It must be letters, digits, and - _ . ~ alone.");
    }
    name.to_owned()
}
