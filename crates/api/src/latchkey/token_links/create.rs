//! `POST`: creates a link. Only this answer contains its URL.

use axum::{extract::State as Extract, http::StatusCode};
use model::{AccountUser, CredentialId, PoolId, Secret, Timestamp, TokenKind, WorkspaceId};
use store::{LinkAccount, LinkLife, LinkSource, LinkTerms, LinkVerification, QuotaResource};
use tenants::digest;
use token_links::{
    NewLink,
    dialects::{DialectRules, rules},
};

use super::{
    TokenLink, ahead,
    fields::{Accounts, Kinds, Meeting, Networks, QueryParameter, QuerySecret, SigningSecrets, Verification},
    representation, sound, the_kinds,
};
use crate::{
    State,
    body::Body,
    bounds::{check_quota, quota_exceeded},
    caller::{Caller, Tokens},
    enum_fields::Dialect,
    error::ApiError,
    fields::{FieldErrors, Fields},
    named_account::named,
    openapi::errors,
    request::{Request as _, Text, Whole, request},
    secret_answer::WithSecret,
};

/// The longest lifetime that can be requested for a ZAK: within a day a bot will have joined.
const DAY: u32 = 24 * 3600;
const TWO_DAYS: u32 = 2 * DAY;
/// How long a seat of a pool is reserved by default, in seconds.
const USUAL_SEAT: u32 = 4 * 3600;

request! {
    /// A new token link. It needs exactly one of `credential`, `accounts`, `pool` and `host`. Every other field is optional.
    closed struct CreateTokenLink {
        /// A name, for people.
        name: Option<Text<200>>,
        /// The platform's protocol. Default `recall`.
        dialect: Option<Dialect>,
        /// The same as `kinds`.
        kind: Option<Kinds>,
        /// The kinds of tokens it gives, the default one first. Default `zak`.
        kinds: Option<Kinds>,
        /// The account whose tokens it gives.
        credential: Option<CredentialId>,
        /// Whose token it gives, where the account is a server-to-server app's.
        user: Option<AccountUser>,
        /// Several accounts: the first one that can give a token is used.
        accounts: Option<Accounts>,
        /// The pool whose tokens it gives.
        pool: Option<PoolId>,
        /// `true`: it gives tokens of the meeting's host.
        host: Option<bool>,
        /// The only meeting that it is for.
        meeting: Option<Meeting>,
        /// Whether a request has to name its meeting.
        meeting_in_request: Option<bool>,
        /// What a request must contain in addition to the link's secret. The default depends on the dialect.
        verification: Option<Verification>,
        /// With `query_secret`: the name of the query parameter with the secret. Default `token`.
        query_parameter: Option<QueryParameter>,
        /// With `query_secret`: the secret. By default a new one is generated.
        query_secret: Option<QuerySecret>,
        /// The secrets that the platform signs with, newest first. The workspace's own callback secret by default.
        signing_secret: Option<SigningSecrets>,
        /// Networks that requests may come from. All by default.
        networks: Option<Networks>,
        /// Whether "no token" is a successful answer where none can be given.
        optional: Option<bool>,
        /// Whether the same signed request is accepted more than once.
        allow_repeat: Option<bool>,
        /// The minimum lifetime of a ZAK after its answer, in seconds.
        zak_outlives: Option<Whole<60, DAY>>,
        /// How long a seat of a pool is reserved, in seconds. Default 14400.
        seat_seconds: Option<Whole<60, TWO_DAYS>>,
        /// For a pool: its ZAKs will be used to start meetings.
        hosting: Option<bool>,
        /// The limit of requests a minute.
        per_minute: Option<Whole<1, { u32::MAX }>>,
        /// When it becomes valid.
        not_before: Option<Timestamp>,
        /// When it expires.
        expires_at: Option<Timestamp>,
        /// The limit of uses in total.
        max_uses: Option<Whole<1, { u32::MAX }>>,
    }
}

errors! { CreateTokenLinkErrors: quota_exceeded(QuotaResource::TokenLinks, 20_000) }

/// Create a token link
///
/// Only this answer contains its URL.
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
    responses((status = 201, description = "The link.", body = TokenLink), CreateTokenLinkErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Tokens>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, WithSecret<TokenLink>), ApiError> {
    let (mut new, query_secret) = read(&state, Fields::of(&body))?;
    check_quota(&state, caller.workspace, QuotaResource::TokenLinks).await?;
    name_users(&state, caller.workspace, &mut new.terms.source).await?;
    let made = state.links.manager.create(caller.workspace, &new).await?;
    let made = made.ok_or_else(|| FieldErrors::one("pool", "This workspace has no such pool."))?;
    let mut body = representation(&state, &made.link);
    let mut url = made.url.expose().to_owned();
    if let (LinkVerification::QuerySecret { name, .. }, Some(secret)) = (&new.terms.proof, &query_secret) {
        let pair =
            url::form_urlencoded::Serializer::new(String::new()).append_pair(name, secret.expose()).finish();
        url = format!("{url}?{pair}");
    }
    body.url = Some(url);
    body.authorization = made.authorization.as_ref().map(|secret| secret.expose().to_owned());
    Ok((StatusCode::CREATED, WithSecret(body)))
}

/// Checks that every account can give tokens, and of which user.
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

/// The link, and the secret for its query if it has one.
fn read(state: &State, mut fields: Fields<'_>) -> Result<(NewLink, Option<Secret>), FieldErrors> {
    let asked = CreateTokenLink::read(&mut fields);
    let new = asked.and_then(|asked| new_link(state, &mut fields, asked));
    fields.finish(new)
}

/// Checks that the fields of a request fit together.
fn new_link(
    state: &State,
    fields: &mut Fields<'_>,
    asked: CreateTokenLink,
) -> Option<(NewLink, Option<Secret>)> {
    let source = source(fields, &asked);
    let dialect = asked.dialect.map_or(store::Dialect::Recall, |dialect| dialect.0);
    let rules = rules(dialect);
    let kinds = the_kinds(fields, asked.kind, asked.kinds).unwrap_or_else(|| vec![TokenKind::Zak]);
    if let Some(words) = kinds.iter().find_map(|kind| rules.kind_refusal(*kind)) {
        fields.complain("kinds", words);
    }
    let signing_secrets = sound(fields, rules, asked.signing_secret).unwrap_or_default();
    let query = (asked.query_parameter, asked.query_secret);
    let (proof, query_secret) = proof(state, fields, rules, asked.verification, query, &signing_secrets);
    let defaults = rules.defaults();
    let hosting = asked.hosting.unwrap_or(false);
    if hosting && source.as_ref().is_some_and(|source| !matches!(source, LinkSource::Pool(_))) {
        fields.complain("hosting", "hosting applies to pools only: give `pool`.");
    }
    let life = LinkLife {
        not_before: asked.not_before,
        expires_at: ahead(state, fields, "expires_at", asked.expires_at),
        max_uses: asked.max_uses.map(|most| most.0),
    };
    if life.not_before.zip(life.expires_at).is_some_and(|(begin, end)| begin >= end) {
        fields.complain("expires_at", "It must be later than not_before.");
    }
    let networks = asked.networks.map(|networks| networks.0).unwrap_or_default();
    let terms = LinkTerms {
        dialect,
        kinds,
        source: source?,
        meeting: asked.meeting.map(|meeting| meeting.0),
        meeting_in_request: asked.meeting_in_request.unwrap_or(defaults.meeting_in_request),
        proof,
        networks: networks.iter().map(ToString::to_string).collect(),
        optional: asked.optional.unwrap_or(false),
        allow_repeat: asked.allow_repeat.unwrap_or(false),
        zak_outlives_seconds: asked.zak_outlives.map_or(defaults.zak_outlives_seconds, |time| time.0),
        seat_seconds: asked.seat_seconds.map_or(USUAL_SEAT, |time| time.0),
        hosting,
        per_minute: asked.per_minute.map(|most| most.0),
    };
    let name = asked.name.map(|name| name.0).unwrap_or_default();
    Some((NewLink { name, terms, life, signing_secrets }, query_secret))
}

/// Exactly one of `credential`, `accounts`, `pool` and `host`.
fn source(fields: &mut Fields<'_>, asked: &CreateTokenLink) -> Option<LinkSource> {
    let given: Vec<_> = ["credential", "accounts", "pool", "host"]
        .into_iter()
        .filter(|field| fields.anything(field).is_some_and(|value| *value != serde_json::Value::Bool(false)))
        .collect();
    if given != ["credential"] && fields.anything("user").is_some() {
        fields
            .complain("user", "It belongs to an account: give it together with credential, or in accounts.");
    }
    match given[..] {
        [] => {
            fields.complain("credential", "Give one of credential, accounts, pool, or host: true.");
            None
        }
        ["credential"] => asked.credential.map(|credential| {
            LinkSource::Accounts(vec![LinkAccount { credential, user: asked.user.clone(), address: None }])
        }),
        ["accounts"] => asked.accounts.as_ref().map(|accounts| LinkSource::Accounts(accounts.0.clone())),
        ["pool"] => asked.pool.map(LinkSource::Pool),
        ["host"] => asked.host.map(|_| LinkSource::Host),
        [first, ..] => {
            fields.complain(first, "Give only one of credential, accounts, pool and host.");
            None
        }
    }
}

/// What a request must contain. If the platform signs nothing, the default is nothing in addition to the link's secret.
fn proof(
    state: &State,
    fields: &mut Fields<'_>,
    rules: &dyn DialectRules,
    wanted: Option<Verification>,
    (parameter, query_secret): (Option<QueryParameter>, Option<QuerySecret>),
    signing_secrets: &[Secret],
) -> (LinkVerification, Option<Secret>) {
    let signed = rules.defaults().signed || !signing_secrets.is_empty();
    let usual = if signed { Verification::Signature } else { Verification::Unsigned };
    let wanted = wanted.unwrap_or(usual);
    if wanted != Verification::QuerySecret {
        for field in ["query_parameter", "query_secret"] {
            if fields.anything(field).is_some() {
                fields.complain(field, "It needs `verification: query_secret`: set that, or leave this out.");
            }
        }
    }
    if wanted != Verification::Signature && !signing_secrets.is_empty() {
        let wanted = wanted.as_str();
        let words =
            format!("It verifies signatures, but the verification is {wanted}: leave one of them out.");
        fields.complain("signing_secret", words);
    }
    if let Some(words) = rules.verification_refusal().filter(|_| wanted != Verification::Unsigned) {
        fields.complain("verification", words);
    }
    match wanted {
        Verification::Signature => {
            if let Some(words) =
                rules.missing_secret_reason().filter(|_| fields.anything("signing_secret").is_none())
            {
                fields.complain("signing_secret", words);
            }
            (LinkVerification::Signature, None)
        }
        Verification::QuerySecret => {
            let name = parameter.map_or_else(|| "token".to_owned(), |name| name.0);
            let made = || Secret::new(state.env.entropy.token());
            let secret = query_secret.map_or_else(made, |secret| secret.0);
            (LinkVerification::QuerySecret { name, digest: digest(secret.expose()) }, Some(secret))
        }
        Verification::Unsigned => (LinkVerification::Nothing, None),
    }
}
