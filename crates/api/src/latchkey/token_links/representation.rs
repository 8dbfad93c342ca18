//! A token link as answers show it.

use std::net::IpAddr;

use model::{AccountUser, Code, CredentialId, MeetingNumber, PoolId, Timestamp, TokenKind, TokenLinkId};
use serde::Serialize;
use store::{LinkSource, LinkUse, LinkVerification};
use token_links::CountedRefusals;
use utoipa::ToSchema;

use super::fields::Verification;
use crate::{State, enum_fields::Dialect};

/// A token link without its URL, which cannot be shown again.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenLink {
    id: TokenLinkId,
    name: String,
    dialect: Dialect,
    kinds: Vec<TokenKind>,
    /// The account, if the link has one.
    #[schema(required)]
    credential: Option<CredentialId>,
    #[schema(required)]
    user: Option<AccountUser>,
    #[schema(required)]
    user_address: Option<AccountUser>,
    #[schema(required)]
    accounts: Option<Vec<LinkAccount>>,
    #[schema(required)]
    pool: Option<PoolId>,
    /// Whether it gives the tokens of the meeting's host.
    host: bool,
    /// The only meeting that it is for.
    #[schema(required)]
    meeting: Option<MeetingNumber>,
    /// Whether a request has to name its meeting.
    meeting_in_request: bool,
    verification: Verification,
    #[schema(required)]
    query_parameter: Option<String>,
    own_signing_secret: bool,
    /// Networks that requests may come from; empty: all.
    networks: Vec<String>,
    optional: bool,
    allow_repeat: bool,
    /// The minimum lifetime of a ZAK after its answer, in seconds.
    zak_outlives: u32,
    /// How long a seat of a pool is reserved, in seconds.
    seat_seconds: u32,
    hosting: bool,
    /// The limit of requests a minute.
    #[schema(required)]
    per_minute: Option<u32>,
    #[schema(required)]
    not_before: Option<Timestamp>,
    #[schema(required)]
    expires_at: Option<Timestamp>,
    #[schema(required)]
    max_uses: Option<u32>,
    /// The number of uses, if they are limited.
    #[schema(required)]
    uses: Option<u32>,
    /// Answers to verified requests, newest first.
    last_uses: Vec<Use>,
    /// Refused requests by cause, the most recent first, including unverified ones. Counted by the answering server since
    /// its start; a cause that has not occurred for 24 hours is left out.
    refusals: Vec<RefusedRequests>,
    #[schema(required)]
    revoked_at: Option<Timestamp>,
    created_at: Timestamp,
    /// The URL that a platform fetches from. Only the answer that creates the link contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) url: Option<String>,
    /// What a request must send in `Authorization`, if the dialect uses it. Like `url`, it is shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) authorization: Option<String>,
}

/// An account of a link.
#[derive(Serialize, ToSchema)]
struct LinkAccount {
    credential: CredentialId,
    #[schema(required)]
    user: Option<AccountUser>,
    /// The e-mail address that was given for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AccountUser>,
}

/// One answer of the link.
#[derive(Serialize, ToSchema)]
struct Use {
    at: Timestamp,
    kind: TokenKind,
    /// `given`, or the code of the refusal.
    outcome: String,
    /// The caller's network address.
    #[schema(required, value_type = Option<String>)]
    from: Option<IpAddr>,
    /// The bot's id at its platform.
    #[schema(required)]
    bot: Option<String>,
    #[schema(required)]
    meeting: Option<MeetingNumber>,
}

/// Requests that were refused for one cause.
#[derive(Serialize, ToSchema)]
struct RefusedRequests {
    code: Code,
    count: u64,
    /// The time of the first one.
    since: Timestamp,
    last_at: Timestamp,
}

impl From<CountedRefusals> for RefusedRequests {
    fn from(CountedRefusals { code, count, since, last_at }: CountedRefusals) -> Self {
        Self { code, count, since, last_at }
    }
}

pub(super) fn representation(state: &State, link: &store::TokenLink) -> TokenLink {
    let terms = &link.terms;
    let (accounts, pool) = match &terms.source {
        LinkSource::Accounts(accounts) => (Some(accounts), None),
        LinkSource::Pool(pool) => (None, Some(*pool)),
        LinkSource::Host => (None, None),
    };
    let only = accounts.filter(|accounts| accounts.len() == 1).map(|accounts| &accounts[0]);
    TokenLink {
        id: link.id,
        name: link.name.clone(),
        dialect: Dialect(terms.dialect),
        kinds: terms.kinds.clone(),
        credential: only.map(|account| account.credential),
        user: only.and_then(|account| account.user.clone()),
        user_address: only.and_then(|account| account.address.clone()),
        accounts: accounts.map(|accounts| accounts.iter().map(LinkAccount::from).collect()),
        pool,
        host: terms.source == LinkSource::Host,
        meeting: terms.meeting,
        meeting_in_request: terms.meeting_in_request,
        verification: Verification::from(&terms.proof),
        query_parameter: match &terms.proof {
            LinkVerification::QuerySecret { name, .. } => Some(name.clone()),
            LinkVerification::Signature | LinkVerification::Nothing => None,
        },
        own_signing_secret: link.signing_secret.is_some(),
        networks: terms.networks.clone(),
        optional: terms.optional,
        allow_repeat: terms.allow_repeat,
        zak_outlives: terms.zak_outlives_seconds,
        seat_seconds: terms.seat_seconds,
        hosting: terms.hosting,
        per_minute: terms.per_minute,
        not_before: link.life.not_before,
        expires_at: link.life.expires_at,
        max_uses: link.life.max_uses,
        uses: link.life.max_uses.map(|_| link.uses),
        last_uses: link.last_uses.iter().map(Use::from).collect(),
        refusals: state.links.refusals.of(link.id).into_iter().map(RefusedRequests::from).collect(),
        revoked_at: link.revoked_at,
        created_at: link.created_at,
        url: None,
        authorization: None,
    }
}

impl From<&store::LinkAccount> for LinkAccount {
    fn from(account: &store::LinkAccount) -> Self {
        let store::LinkAccount { credential, user, address } = account.clone();
        Self { credential, user, address }
    }
}

impl From<&LinkUse> for Use {
    fn from(used: &LinkUse) -> Self {
        let LinkUse { at, kind, outcome, from, bot, meeting } = used.clone();
        Self { at, kind, outcome, from, bot, meeting }
    }
}
