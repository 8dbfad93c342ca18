//! People's own bots and `curl`: a GET with `Authorization: Bearer <the link's secret>`, answered with JSON. The secret
//! is in the header and not in the address, so logs and proxies may have the address.

use std::time::Duration;

use audit::Audited;
use broker::IssuedToken;
use http::header::AUTHORIZATION;
use model::{Code, Failure, Secret, Timestamp, TokenKind, TokenLinkId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Dialect, LinkTerms};
use utoipa::ToSchema;

use super::{
    Address, BotStatus, Defaults, DialectRules, LinkUrl, Platform, Verifier, fields_of, plain, platform,
    words,
};
use crate::{
    answer::{Content, Refusal, RefusalBody},
    request::{LinkRequest, Requested, malformed},
};

pub(super) struct Bearer;

/// A token for people's own bots.
#[derive(Serialize, ToSchema)]
pub struct BearerToken {
    token: String,
    /// `zak`, `obf`, `join_token` or `access_token`.
    kind: &'static str,
    /// From this time on Zoom refuses it; null if that is not known.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

/// The event of a report about a bot's end.
const ENDED: &str = "ended";
const TOKEN_REFUSED: &str = "token_refused";

/// The token of an `Authorization: Bearer` header. The scheme is case-insensitive (RFC 9110, section 11.1).
fn bearer<'a>(request: &LinkRequest<'a>) -> Option<&'a str> {
    let (scheme, token) = request.header(&AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

/// Whether the address has no secret in it.
fn is_bare(request: &LinkRequest<'_>) -> bool {
    request.id_and_secret().1.is_none()
}

impl DialectRules for Bearer {
    fn defaults(&self) -> Defaults {
        Defaults { signed: false, ..Defaults::USUAL }
    }

    fn verification_refusal(&self) -> Option<&'static str> {
        Some("Requests bring the link's secret in a header, and nothing else: leave it out.")
    }

    fn verifier(&self, _: &[Secret]) -> Option<Box<dyn Verifier>> {
        None
    }

    fn secret_form(&self) -> &'static str {
        "Requests bring the link's secret in a header, and are not signed: leave it out."
    }

    fn address(&self, id: TokenLinkId, secret: &str) -> Address {
        Address { path: format!("t/{id}"), authorization: Some(Secret::new(format!("Bearer {secret}"))) }
    }

    fn platform(&self) -> Platform {
        Platform {
            dialect: Dialect::Bearer,
            name: "your own code",
            secret_at: None,
            has_header: true,
            paste_at: "A complete program, in Python:",
            snippet: python,
            second_snippet: Some(("Or in TypeScript, with Node.js:", typescript)),
            test_request: |parts| {
                let headers = [(AUTHORIZATION, header_value(Some(parts.authorization)))];
                platform::get(parts, &headers, "GET /t/…\nauthorization: Bearer …".to_owned())
            },
        }
    }

    fn recognises(&self, request: &LinkRequest<'_>) -> bool {
        is_bare(request) && bearer(request).is_some()
    }

    fn secret<'a>(&self, request: &LinkRequest<'a>) -> Option<&'a str> {
        bearer(request).filter(|_| is_bare(request))
    }

    fn unauthorized(&self, request: &LinkRequest<'_>) -> Option<Failure> {
        let (code, words) = match bearer(request) {
            None => (Code::SignatureMissing, "the request lacks `Authorization: Bearer <the link's secret>`"),
            Some(_) => {
                (Code::SignatureInvalid, "no link at this address has the secret in the Authorization header")
            }
        };
        is_bare(request).then(|| Failure::new(code, words))
    }

    fn check_fetch(&self, request: &LinkRequest<'_>) -> Result<(), Failure> {
        plain::check_fetch(request)
    }

    fn check_report(&self, request: &LinkRequest<'_>) -> Result<(), Failure> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Report {
            event: Value,
            bot: Value,
        }
        let Report { event, bot } = fields_of(request.body);
        match event.as_str() {
            Some(ENDED | TOKEN_REFUSED) if bot.is_string() => Ok(()),
            _ => Err(malformed(
                "a report is a JSON object with `event`, which is ended or token_refused, and `bot`, the bot's name",
            )),
        }
    }

    fn read(&self, terms: &LinkTerms, request: &LinkRequest<'_>) -> Result<Requested, Failure> {
        plain::read(terms, request, |query| query.meeting().map(str::to_owned))
    }

    fn answer_within(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn answer(&self, tokens: &[Audited<IssuedToken>]) -> Content {
        let token = tokens.first().map(|issued| {
            let IssuedToken { kind, token, expires_at } = &**issued;
            BearerToken { token: token.expose().to_owned(), kind: kind.as_str(), expires_at: *expires_at }
        });
        Content::json(&token)
    }

    /// In the form of the API's errors.
    fn refuse(&self, _: Option<TokenKind>, failure: &Failure) -> Refusal {
        let challenge = match failure.code {
            Code::SignatureMissing => Some("Bearer"),
            Code::SignatureInvalid => Some("Bearer error=\"invalid_token\""),
            _ => None,
        };
        Refusal { status: None, challenge, body: RefusalBody::LikeTheApi(words(failure)) }
    }

    fn status<'a>(&self, report: &'a Value) -> BotStatus<'a> {
        let bot = report["bot"].as_str();
        match report["event"].as_str() {
            Some(TOKEN_REFUSED) => {
                BotStatus { code: Some("failed"), sub_code: Some("zoom_zak_rejected"), bot, label: None }
            }
            event => BotStatus { code: event, sub_code: None, bot, label: None },
        }
    }
}

/// The value of the header. People sometimes paste it together with the header's name.
fn header_value(authorization: Option<&str>) -> &str {
    let authorization = authorization.unwrap_or("Bearer …");
    authorization.strip_prefix("Authorization: ").unwrap_or(authorization)
}

fn typescript(link: &LinkUrl<'_>) -> String {
    let (url, value) = (link.url, header_value(link.authorization));
    format!(
        "const answer = await fetch(\"{url}?kind=zak&bot=my-bot\", {{\n  \
         headers: {{ authorization: \"{value}\" }},\n  signal: AbortSignal.timeout(15_000),\n}});\n\
         if (!answer.ok) throw new Error(await answer.text());\n\
         const {{ token: zak }} = (await answer.json()) as {{ token: string }};\n\
         console.log(zak.length);\n"
    )
}

fn python(link: &LinkUrl<'_>) -> String {
    let (url, value) = (link.url, header_value(link.authorization));
    format!(
        "import json, urllib.request\n\n\
         request = urllib.request.Request(\n    \"{url}?kind=zak&bot=my-bot\",\n    \
         headers={{\"Authorization\": \"{value}\"}},\n)\n\
         with urllib.request.urlopen(request, timeout=15) as answer:\n    \
         zak = json.load(answer)[\"token\"]\n"
    )
}
