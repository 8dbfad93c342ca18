//! How each platform requests tokens and expects its answers.
//!
//! Each dialect has a file here with one type that implements [`DialectRules`]. [`rules`] is the registry, and the only
//! place that names them all. A link stores its [`Dialect`], a word.

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

/// The rules for refusing a request to an unknown link: only the request itself shows its dialect.
pub(crate) fn recognised(request: &LinkRequest<'_>) -> &'static dyn DialectRules {
    let known = Dialect::ALL.into_iter().map(rules).find(|rules| rules.recognises(request));
    known.unwrap_or(&recall::Recall)
}

/// A platform's protocol.
pub trait DialectRules: Sync {
    // ---- creating a link

    /// The default settings of a link.
    fn defaults(&self) -> Defaults;

    /// Why a link of this dialect can't give this kind of token, for the caller that creates it.
    fn kind_refusal(&self, kind: TokenKind) -> Option<&'static str> {
        let _ = kind;
        None
    }

    /// Why a link of this dialect can't require more than its own secret, for the caller that creates it.
    fn verification_refusal(&self) -> Option<&'static str> {
        None
    }

    /// A verifier of requests that were signed with any of these secrets (there are several while one is replaced).
    /// `None` if one of them can't be a secret of this dialect.
    fn verifier(&self, secrets: &[Secret]) -> Option<Box<dyn Verifier>>;

    /// The form of a signing secret, for the error about a wrong one.
    fn secret_form(&self) -> &'static str {
        "It must be whsec_ and Base64 of 16 to 128 bytes."
    }

    /// Why the workspace's callback secret can't be used here, for the error about a missing signing secret.
    fn missing_secret_reason(&self) -> Option<&'static str> {
        None
    }

    /// The owner of a link's signing secret, for the error about a refused request.
    fn signing_secret_name(&self) -> &'static str {
        "this link's own signing_secret"
    }

    /// The path of a new link below the public address, and the header to send with it.
    fn address(&self, id: TokenLinkId, secret: &str) -> Address {
        Address { path: format!("t/{id}.{secret}"), authorization: None }
    }

    /// The platform, for people.
    fn platform(&self) -> Platform;

    // ---- reading a request

    /// Whether a request looks like this dialect, for any link.
    fn recognises(&self, request: &LinkRequest<'_>) -> bool;

    /// The link's secret in the request; `None` if the place where this dialect has it is empty.
    fn secret<'a>(&self, request: &LinkRequest<'a>) -> Option<&'a str> {
        request.id_and_secret().1
    }

    /// The dialect's answer to a wrong secret, if it differs from the usual 404. It must be the same whether the link is
    /// known or not.
    fn unauthorized(&self, request: &LinkRequest<'_>) -> Option<Failure> {
        let _ = request;
        None
    }

    /// Checks that the request, and the part of it that was signed, is a fetch. No signature covers method and address, so
    /// the signed part has to distinguish a fetch from a report.
    fn check_fetch(&self, request: &LinkRequest<'_>) -> Result<(), Failure>;

    /// Checks that the request is a report.
    fn check_report(&self, request: &LinkRequest<'_>) -> Result<(), Failure>;

    /// What is requested, checked against the link's terms.
    fn read(&self, terms: &LinkTerms, request: &LinkRequest<'_>) -> Result<Requested, Failure>;

    /// The longest time until the answer: a temporary refusal must arrive before the platform's timeout.
    fn answer_within(&self) -> Duration;

    /// The tokens of an answer, if it is more than one token of the requested kind.
    fn tokens<'a>(
        &self,
        accounts: &'a AccountSelection,
        request: &'a TokenRequest<'a>,
    ) -> Option<Tokens<'a>> {
        let _ = (accounts, request);
        None
    }

    // ---- answering

    /// The answer. Tokens are opened only here and in `tokens`.
    fn answer(&self, tokens: &[Audited<IssuedToken>]) -> Content;

    /// A refusal; it contains nothing of the request.
    fn refuse(&self, kind: Option<TokenKind>, failure: &Failure) -> Refusal;

    /// What a report says about a bot.
    fn status<'a>(&self, report: &'a Value) -> BotStatus<'a>;
}

/// Tokens that are being fetched.
pub type Tokens<'a> = BoxFuture<'a, Result<Vec<Audited<IssuedToken>>, Failure>>;

/// The default settings of a link.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// Whether the platform signs its requests.
    pub signed: bool,
    /// Whether a request may name the meeting.
    pub meeting_in_request: bool,
    /// How long a ZAK in an answer is valid at least, in seconds: until the bot has joined.
    pub zak_outlives_seconds: u32,
}

impl Defaults {
    /// The defaults for platforms that sign, name no meeting, and join at once.
    pub const USUAL: Self = Self { signed: true, meeting_in_request: false, zak_outlives_seconds: 600 };
}

/// The address of a link.
#[derive(Debug)]
pub struct Address {
    /// The path below the server's public address.
    pub path: String,
    /// The value of an `Authorization` header, if the secret is not in the path.
    pub authorization: Option<Secret>,
}

/// Verifies signed requests.
pub trait Verifier: Send + Sync {
    /// Whether the request has the headers of a signature. An error names the missing ones.
    fn check_signature_headers(&self, request: &LinkRequest<'_>) -> Result<(), &'static str>;

    /// Verifies the signature. Returns what identifies the request.
    fn verify<'a>(&self, request: &LinkRequest<'a>, now: Timestamp) -> Result<RequestId<'a>, Unverified>;
}

/// Why a request is not verified.
#[derive(Debug)]
pub enum Unverified {
    /// These headers are missing.
    Missing(&'static str),
    /// The signature is not valid.
    Wrong(Failure),
}

impl From<Failure> for Unverified {
    fn from(failure: Failure) -> Self {
        Self::Wrong(failure)
    }
}

/// What identifies a signed request in the replay memory.
#[derive(Debug, PartialEq, Eq)]
pub enum RequestId<'a> {
    /// The link requires no signature: the request is not stored.
    None,
    /// The signed id.
    Signed(&'a str),
    /// The whole request, in the form that was signed: the signature covers neither an id nor a time.
    Whole(String),
}

/// Why a link gives no token, and the answer in its dialect.
#[derive(Debug)]
pub struct LinkRefusal {
    /// The reason.
    pub failure: Failure,
    /// The answer.
    pub refusal: Refusal,
}

impl LinkRefusal {
    /// Refuses in a dialect; `kind` is the requested kind, if it is known.
    pub fn new(rules: &dyn DialectRules, kind: Option<TokenKind>, failure: Failure) -> Self {
        Self { refusal: rules.refuse(kind, &failure), failure }
    }

    /// The HTTP status, if the dialect's differs from the code's own.
    pub const fn status(&self) -> Option<StatusCode> {
        self.refusal.status
    }
}

/// What a report says about a bot.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BotStatus<'a> {
    /// The bot's new state.
    pub code: Option<&'a str>,
    /// Why.
    pub sub_code: Option<&'a str>,
    /// The bot, by its id at the platform.
    pub bot: Option<&'a str>,
    /// The bot, by the name that the link's URL gave it in `bot=`.
    pub label: Option<&'a str>,
}

/// The metadata key with the `bot=` of the link's URL, at platforms that let customers label bots.
const LABEL: &str = "latchkey_bot";

/// The advice. Some failures also have details that contain nothing of the caller's: which scope is missing, how full a
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

/// The fields of a body that say what it is for; the defaults for a body that is not a JSON object. Other fields are
/// ignored, even if they contain numbers that can't be represented.
fn fields_of<T: DeserializeOwned + Default>(body: &[u8]) -> T {
    let object = body.trim_ascii_start().starts_with(b"{");
    object.then(|| serde_json::from_slice(body).ok()).flatten().unwrap_or_default()
}
