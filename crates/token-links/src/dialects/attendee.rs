//! Attendee's `zoom_tokens_url`: a POST of JSON, signed over its canonical form, once while a bot is set up;
//! answered with an object of tokens.
//!
//! Attendee joins with a ZAK or with an OBF token; Zoom's SDK refuses both at once, so a link that gives both
//! chooses.

use std::time::Duration;

use audit::Audited;
use broker::IssuedToken;
use futures_util::{FutureExt as _, future::join_all};
use http::{HeaderName, Method, header::CONTENT_TYPE};
use model::{Class, Code, Failure, Secret, Timestamp, TokenKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Dialect, LinkSource, LinkTerms};
use utoipa::ToSchema;
use zoom::MeetingLink;

use super::{
    BotStatus, Defaults, DialectRules, LABEL, Platform, RequestId, TestParts, TestRequest, Tokens,
    Unverified, Verifier,
    attendee_signature::{self, AttendeeKey, MAX_BYTES, canonical},
    fields_of, platform, words,
};
use crate::{
    account_selection::{AccountSelection, TokenRequest},
    answer::{Content, Refusal, RefusalBody},
    request::{LinkRequest, Requested, allowed_meeting, malformed, platform_bot},
};

static SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature");

pub(super) struct Attendee;

/// A request of Attendee. Its other fields only count for the signature.
#[derive(Deserialize, ToSchema)]
pub struct AttendeeRequest {
    bot_id: String,
    /// `zoom_tokens`.
    callback_type: String,
    meeting_url: String,
}

/// The tokens for a bot of Attendee: those that the link gives.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "Attendee's names")]
pub struct AttendeeTokens {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    zak_token: Option<String>,
    /// One or more tokens, separated by commas: Attendee tries one after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    onbehalf_token: Option<String>,
    /// The permission to record, under the name of Attendee's own join tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    app_privilege_token: Option<String>,
}

/// The reason why a bot of Attendee gets no token.
#[derive(Serialize, ToSchema)]
pub struct AttendeeRefusal {
    error: AttendeeError,
}

/// The error that Attendee logs.
#[derive(Serialize, ToSchema)]
struct AttendeeError {
    code: &'static str,
    message: String,
    /// Whether the same request may succeed later.
    retryable: bool,
}

/// The fields that distinguish a fetch from a report.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Marks {
    callback_type: Value,
    trigger: Value,
}

struct Keys(Vec<AttendeeKey>);

const HEADER: &str = "X-Webhook-Signature header";

impl Verifier for Keys {
    fn check_signature_headers(&self, request: &LinkRequest<'_>) -> Result<(), &'static str> {
        request.header(&SIGNATURE).map(drop).ok_or(HEADER)
    }

    fn verify<'a>(&self, request: &LinkRequest<'a>, _: Timestamp) -> Result<RequestId<'a>, Unverified> {
        let header = request.header(&SIGNATURE).ok_or(Unverified::Missing(HEADER))?;
        Ok(RequestId::Whole(attendee_signature::verify(&self.0, header, request.body)?))
    }
}

impl DialectRules for Attendee {
    /// Attendee stores its tokens until the bot has joined, up to ten minutes when it waits for the host.
    fn defaults(&self) -> Defaults {
        Defaults { signed: true, meeting_in_request: true, zak_outlives_seconds: 1200 }
    }

    fn kind_refusal(&self, kind: TokenKind) -> Option<&'static str> {
        (kind == TokenKind::AccessToken).then_some("Attendee takes no access tokens.")
    }

    fn verifier(&self, secrets: &[Secret]) -> Option<Box<dyn Verifier>> {
        let keys: Option<Vec<_>> = secrets.iter().map(AttendeeKey::parse).collect();
        Some(Box::new(Keys(keys?)))
    }

    fn secret_form(&self) -> &'static str {
        "It must be Base64 of 16 to 128 bytes, as Attendee shows it."
    }

    fn missing_secret_reason(&self) -> Option<&'static str> {
        Some("Attendee signs with a project's secret, which is required here.")
    }

    fn signing_secret_name(&self) -> &'static str {
        "the secret of the Attendee project, which this link was given as its signing_secret"
    }

    fn platform(&self) -> Platform {
        Platform {
            dialect: Dialect::Attendee,
            name: "Attendee",
            secret_at: Some("In Attendee, under Settings and then Webhooks: the project's webhook secret."),
            has_header: false,
            paste_at: "In the body of Create Bot, at POST /api/v1/bots:",
            snippet: |link| platform::create_bot("callback_settings", "zoom_tokens_url", link),
            second_snippet: None,
            test_request,
        }
    }

    fn recognises(&self, request: &LinkRequest<'_>) -> bool {
        request.header(&SIGNATURE).is_some()
    }

    fn check_fetch(&self, request: &LinkRequest<'_>) -> Result<(), Failure> {
        if !request.posted {
            return Err(malformed("Attendee fetches with POST, but this is a GET"));
        }
        if fields_of::<Marks>(request.body).trigger.is_string() {
            return Err(malformed("the body is a report of Attendee's: send it to the link's /status"));
        }
        Ok(())
    }

    fn check_report(&self, request: &LinkRequest<'_>) -> Result<(), Failure> {
        let marks: Marks = fields_of(request.body);
        if !marks.trigger.is_string() || marks.callback_type.is_string() {
            return Err(malformed(
                "the body is not a report of Attendee's: it must have a trigger and no callback_type",
            ));
        }
        Ok(())
    }

    fn read(&self, terms: &LinkTerms, request: &LinkRequest<'_>) -> Result<Requested, Failure> {
        let body: AttendeeRequest = (request.body.len() <= MAX_BYTES)
            .then(|| serde_json::from_slice(request.body).ok())
            .flatten()
            .ok_or_else(|| malformed("the body lacks bot_id, callback_type or meeting_url"))?;
        if body.callback_type != "zoom_tokens" {
            return Err(malformed("the callback_type is not zoom_tokens"));
        }
        let link = MeetingLink::parse(&body.meeting_url).map_err(|error| malformed(error.to_string()))?;
        let named = Some(link.meeting_number).filter(|_| terms.meeting_in_request || terms.meeting.is_some());
        Ok(Requested {
            kind: None,
            meeting: allowed_meeting(terms, named)?,
            bot: Some(platform_bot(&body.bot_id)?),
            fresh: false,
        })
    }

    /// Attendee waits for 30 s.
    fn answer_within(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn tokens<'a>(
        &self,
        accounts: &'a AccountSelection,
        request: &'a TokenRequest<'a>,
    ) -> Option<Tokens<'a>> {
        Some(all_tokens(accounts, request).boxed())
    }

    /// One field for each kind. All OBF tokens share a field, because Attendee tries one after the other.
    fn answer(&self, tokens: &[Audited<IssuedToken>]) -> Content {
        let of_kind = |kind| {
            let tokens = tokens.iter().filter(move |issued| issued.kind == kind);
            let all: Vec<&str> = tokens.map(|issued| issued.token.expose()).collect();
            Some(all.join(",")).filter(|all| !all.is_empty())
        };
        Content::json(&AttendeeTokens {
            zak_token: of_kind(TokenKind::Zak),
            onbehalf_token: of_kind(TokenKind::Obf),
            app_privilege_token: of_kind(TokenKind::JoinToken),
        })
    }

    fn refuse(&self, _: Option<TokenKind>, failure: &Failure) -> Refusal {
        let retryable = failure.class() == Class::Retry;
        let error = AttendeeError { code: failure.code.as_str(), message: words(failure), retryable };
        let body = Content::json(&AttendeeRefusal { error });
        Refusal { status: None, challenge: None, body: RefusalBody::Own(body) }
    }

    fn status<'a>(&self, report: &'a Value) -> BotStatus<'a> {
        let text = |pointer: &str| report.pointer(pointer).and_then(Value::as_str);
        BotStatus {
            code: text("/data/new_state"),
            sub_code: text("/data/event_sub_type"),
            bot: text("/bot_id"),
            label: text(&format!("/bot_metadata/{LABEL}")),
        }
    }
}

/// A POST, signed over its canonical form. Such requests are stored as a whole, so each test has another bot.
fn test_request(parts: &TestParts<'_>) -> Result<TestRequest, &'static str> {
    let key = AttendeeKey::parse(parts.signing_secret)
        .ok_or("The secret is not one of Attendee's: it is Base64.")?;
    let body = json!({
        "bot_id": parts.id, "callback_type": "zoom_tokens", "meeting_url": "https://zoom.us/j/81234567890",
    });
    let body = body.to_string();
    let signature = key.sign(&canonical(body.as_bytes()).unwrap_or_default());
    let shown = format!("POST /t/…\n{SIGNATURE}: …\n\n{body}");
    let headers = [(CONTENT_TYPE, "application/json"), (SIGNATURE.clone(), &signature)];
    platform::request(Method::POST, parts, &headers, body.into_bytes(), shown)
}

/// Every token that the link gives for this meeting. Without a ZAK or OBF token the request is refused,
/// because Attendee would let its bot join anonymously.
async fn all_tokens(
    accounts: &AccountSelection,
    request: &TokenRequest<'_>,
) -> Result<Vec<Audited<IssuedToken>>, Failure> {
    let terms = request.terms();
    let gives = |kind| terms.kinds.contains(&kind);
    let identity = match (gives(TokenKind::Zak), gives(TokenKind::Obf)) {
        (true, true) => Some(identity_for(accounts, request).await?),
        (true, false) => Some(TokenKind::Zak),
        (false, true) => Some(TokenKind::Obf),
        (false, false) => None,
    };
    let identities = async {
        match identity {
            Some(TokenKind::Obf) => obf_of_each(accounts, request).await,
            Some(kind) => accounts.token(request, kind).await.map(|token| vec![token]),
            None => Ok(Vec::new()),
        }
    };
    let recording = async {
        if gives(TokenKind::JoinToken) { join_token_of_host(accounts, request).await } else { Ok(None) }
    };
    let (identities, join_token) = tokio::join!(identities, recording);
    let mut tokens: Vec<_> = join_token?.into_iter().collect();
    match identities {
        Ok(identities) => tokens.extend(identities),
        Err(failure) if failure.code == Code::TokenNotAvailable && (!tokens.is_empty() || terms.optional) => {
        }
        Err(failure) => return Err(failure),
    }
    if tokens.is_empty() && !terms.optional {
        return Err(Failure::new(Code::TokenNotAvailable, "there is no token for this meeting"));
    }
    Ok(tokens)
}

/// An account's own meeting needs a ZAK; for meetings of others Zoom requires a vouching participant.
async fn identity_for(accounts: &AccountSelection, request: &TokenRequest<'_>) -> Result<TokenKind, Failure> {
    let host = match request.meeting() {
        Some(meeting) => accounts.host_of(request.workspace(), meeting).await?,
        None => None,
    };
    Ok(if host.is_some() { TokenKind::Zak } else { TokenKind::Obf })
}

/// An OBF token of every account that the link names, fetched concurrently. An error only if all fail.
async fn obf_of_each(
    accounts: &AccountSelection,
    request: &TokenRequest<'_>,
) -> Result<Vec<Audited<IssuedToken>>, Failure> {
    if !matches!(request.terms().source, LinkSource::Accounts(_)) {
        return Ok(vec![accounts.token(request, TokenKind::Obf).await?]);
    }
    let each = request
        .named_accounts()
        .map(|(account, state)| accounts.token_of_named(request, TokenKind::Obf, account, state));
    let (mut tokens, mut first) = (Vec::new(), None);
    for fetched in join_all(each).await {
        match fetched {
            Ok(token) => tokens.push(token),
            Err(failure) => first = first.or(Some(failure)),
        }
    }
    match first {
        Some(failure) if tokens.is_empty() => Err(failure),
        _ => Ok(tokens),
    }
}

/// A join token, if the host's account is connected and may give one. Without it the bot asks the host.
async fn join_token_of_host(
    accounts: &AccountSelection,
    request: &TokenRequest<'_>,
) -> Result<Option<Audited<IssuedToken>>, Failure> {
    let host = match accounts.host(request).await {
        Ok(host) => host,
        Err(failure) if failure.code == Code::Unavailable => return Err(failure),
        Err(_) => return Ok(None),
    };
    match accounts.token_of_host(request, TokenKind::JoinToken, &host).await {
        Ok(token) => Ok(Some(token)),
        Err(failure) => {
            tracing::info!(code = %failure.code, "a bot gets no join token");
            Ok(None)
        }
    }
}
