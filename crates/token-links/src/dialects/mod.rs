//! How each platform asks for tokens and wants to be answered.
//!
//! A dialect is a file here: one type that implements [`DialectRules`]. [`rules`] is the registry, and the only place that names
//! them all. What a link stores is [`Dialect`], a word.

mod attendee;
pub mod attendee_signature;
mod bearer;
mod meeting_baas;
mod plain;
mod platform;
mod recall;

use std::time::Duration;

use audit::Audited;
use broker::IssuedToken;
use futures_util::future::BoxFuture;
use http::StatusCode;
use model::{Code, Failure, Secret, Timestamp, TokenKind, TokenLinkId};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Dialect, LinkTerms};

use crate::{
    account_selection::{AccountSelection, TokenRequest},
    answer::Content,
    request::{LinkRequest, Requested},
};

pub use crate::answer::{Refusal, RefusalBody};
pub use attendee::{AttendeeRefusal, AttendeeRequest, AttendeeTokens};
pub use bearer::BearerToken;
pub use platform::{LinkUrl, Platform, TestParts, TestRequest, platform_named, platforms};

/// The rules of a dialect.
pub const fn rules(dialect: Dialect) -> &'static dyn DialectRules {
    match dialect {
        Dialect::Recall => &recall::Recall,
        Dialect::Attendee => &attendee::Attendee,
        Dialect::MeetingBaas => &meeting_baas::MeetingBaas,
        Dialect::Bearer => &bearer::Bearer,
    }
}

/// The rules by which a request to an unknown link is refused: only the request itself shows its dialect.
pub(crate) fn recognised(request: &LinkRequest<'_>) -> &'static dyn DialectRules {
    let known = Dialect::ALL.into_iter().map(rules).find(|rules| rules.recognises(request));
    known.unwrap_or(&recall::Recall)
}

/// What a platform does, and expects.
pub trait DialectRules: Sync {
    // ---- when a link is made

    /// What a link has where its maker says nothing.
    fn defaults(&self) -> Defaults;

    /// Why a link of this dialect can't give this kind of token, for its maker.
    fn refuses_kind(&self, kind: TokenKind) -> Option<&'static str> {
        let _ = kind;
        None
    }

    /// Why a link of this dialect can demand nothing but its own secret, for its maker.
    fn refuses_verification(&self) -> Option<&'static str> {
        None
    }

    /// What verifies requests that were signed with any of these secrets (several while one is replaced). `None`: one of them
    /// can't be a secret of this dialect.
    fn verifier(&self, secrets: &[Secret]) -> Option<Box<dyn Verifier>>;

    /// The form of a signing secret, for the error about a wrong one.
    fn secret_form(&self) -> &'static str {
        "It must be whsec_ and Base64 of 16 to 128 bytes."
    }

    /// Why the workspace's callback secret is useless here, for the error about a missing signing secret.
    fn needs_signing_secret(&self) -> Option<&'static str> {
        None
    }

    /// The owner of a link's signing secret, for the error about a refused request.
    fn signing_secret_name(&self) -> &'static str {
        "this link's own signing_secret"
    }

    /// Where a new link is reached, below the public address, and what to send beside it.
    fn address(&self, id: TokenLinkId, secret: &str) -> Address {
        Address { path: format!("t/{id}.{secret}"), authorization: None }
    }

    /// The platform, for people.
    fn platform(&self) -> Platform;

    // ---- when it is asked

    /// Whether a request looks like this dialect, whatever link it is for.
    fn recognises(&self, request: &LinkRequest<'_>) -> bool;

    /// The link's secret, as the request brings it; `None` if there is none where this dialect has it.
    fn secret<'a>(&self, request: &LinkRequest<'a>) -> Option<&'a str> {
        request.id_and_secret().1
    }

    /// What is said to a request without the right secret, where that is more than that no link has this address. It must be the
    /// same whether the link is known or not.
    fn unauthorized(&self, request: &LinkRequest<'_>) -> Option<Failure> {
        let _ = request;
        None
    }

    /// Whether what is asked or was signed is a fetch. No signature covers method and address, so what it does cover has to
    /// tell a fetch from a report.
    fn check_fetch(&self, request: &LinkRequest<'_>) -> Result<(), Failure>;

    /// Whether it is a report.
    fn check_report(&self, request: &LinkRequest<'_>) -> Result<(), Failure>;

    /// What is asked for, held against the link's terms.
    fn read(&self, terms: &LinkTerms, request: &LinkRequest<'_>) -> Result<Requested, Failure>;

    /// How long the platform has to wait at most: "try again" must arrive before its timeout.
    fn answer_within(&self) -> Duration;

    /// The tokens of an answer that is more than the one token of the kind that is asked for.
    fn tokens<'a>(
        &self,
        accounts: &'a AccountSelection,
        request: &'a TokenRequest<'a>,
    ) -> Option<Tokens<'a>> {
        let _ = (accounts, request);
        None
    }

    // ---- what it is told

    /// The answer. Here and in `tokens` a token is opened, and nowhere else.
    fn answer(&self, tokens: &[Audited<IssuedToken>]) -> Content;

    /// A refusal; nothing of the request is in it.
    fn refuse(&self, kind: Option<TokenKind>, failure: &Failure) -> Refusal;

    /// What a report says of a bot.
    fn status<'a>(&self, report: &'a Value) -> BotStatus<'a>;
}

/// Tokens that are being fetched.
pub type Tokens<'a> = BoxFuture<'a, Result<Vec<Audited<IssuedToken>>, Failure>>;

/// What a link has where its maker says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// Whether the platform signs its requests.
    pub signed: bool,
    /// Whether a request may name the meeting.
    pub meeting_in_request: bool,
    /// For how long a ZAK in an answer lasts, in seconds: until the bot has joined.
    pub zak_outlives_seconds: u32,
}

impl Defaults {
    /// The default for platforms that sign, name no meeting, and join at once.
    pub const USUAL: Self = Self { signed: true, meeting_in_request: false, zak_outlives_seconds: 600 };
}

/// Where a link is reached.
#[derive(Debug)]
pub struct Address {
    /// Below the server's public address.
    pub path: String,
    /// The value of an `Authorization` header, where the secret is not in the path.
    pub authorization: Option<Secret>,
}

/// Verifies signed requests.
pub trait Verifier: Send + Sync {
    /// Whether the headers of a signature are there. An error names the missing ones.
    fn is_signed(&self, request: &LinkRequest<'_>) -> Result<(), &'static str>;

    /// Verifies the signature. Returns what identifies the request.
    fn verify<'a>(&self, request: &LinkRequest<'a>, now: Timestamp) -> Result<RequestId<'a>, Unverified>;
}

/// Why a request is not verified.
#[derive(Debug)]
pub enum Unverified {
    /// These headers are not there.
    Missing(&'static str),
    /// They are, and the signature is not right.
    Wrong(Failure),
}

impl From<Failure> for Unverified {
    fn from(failure: Failure) -> Self {
        Self::Wrong(failure)
    }
}

/// What identifies a signed request in the memory of answered ones.
#[derive(Debug, PartialEq, Eq)]
pub enum RequestId<'a> {
    /// Its signature covers no id: nothing is remembered.
    None,
    /// The signed id.
    Signed(&'a str),
    /// All of it, in the form that was signed: the signature covers neither an id nor a time.
    Whole(String),
}

/// Why a link gives nothing, and how its dialect says so.
#[derive(Debug)]
pub struct LinkRefusal {
    /// Why.
    pub failure: Failure,
    /// What is said.
    pub refusal: Refusal,
}

impl LinkRefusal {
    /// Refuses in a dialect; `kind` is what was asked for, if that is known.
    pub fn new(rules: &dyn DialectRules, kind: Option<TokenKind>, failure: Failure) -> Self {
        Self { refusal: rules.refuse(kind, &failure), failure }
    }

    /// The status, where the dialect has another than the code's own.
    pub const fn status(&self) -> Option<StatusCode> {
        self.refusal.status
    }
}

/// What a report says of a bot.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BotStatus<'a> {
    /// What the bot does now.
    pub code: Option<&'a str>,
    /// Why.
    pub sub_code: Option<&'a str>,
    /// The bot, by its id at the platform.
    pub bot: Option<&'a str>,
    /// The bot, by the name that the link's URL gave it in `bot=`.
    pub label: Option<&'a str>,
}

/// Where a platform that lets its customers label bots carries ours: what the link's URL said in `bot=`.
const LABEL: &str = "latchkey_bot";

/// The advice; what happened too, where that says more and holds nothing of the caller's: which scope is missing, how full a
/// pool is, whose secret verifies.
fn words(failure: &Failure) -> String {
    match failure.code {
        Code::ScopeMissing
        | Code::TokenNotAvailable
        | Code::PoolFull
        | Code::HostBusy
        | Code::PoolUnhealthy
        | Code::MeetingNotAllowed
        | Code::RequestMalformed
        | Code::AddressNotAllowed
        | Code::LinkExpired
        | Code::SignatureMissing
        | Code::SignatureInvalid
        | Code::SignatureStale
        | Code::ReplayRefused => {
            format!("{}; {}", failure.detail, failure.code.advice())
        }
        code => code.advice().to_owned(),
    }
}

/// The fields of a body that say what it is for; none of a body that is no JSON object. The rest of it is not our business,
/// numbers that we can't hold included.
fn fields_of<T: DeserializeOwned + Default>(body: &[u8]) -> T {
    let object = body.trim_ascii_start().starts_with(b"{");
    object.then(|| serde_json::from_slice(body).ok()).flatten().unwrap_or_default()
}
