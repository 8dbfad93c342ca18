//! Recall.ai's `zak_url`, `obf_token_url`, `join_token_url` and `access_token_callback_url`: a GET of the address as it
//! stands, signed by Standard Webhooks with an empty body. Recall's contract: docs.recall.ai.

use std::time::Duration;

use audit::Audited;
use broker::IssuedToken;
use http::{HeaderName, StatusCode};
use model::{Code, Failure, Secret, TokenKind};
use outbound::signature::SigningKey;
use serde_json::Value;
use store::{Dialect, LinkTerms};

use super::{
    BotStatus, Defaults, DialectRules, LABEL, Platform, TestParts, TestRequest, Verifier, plain, platform,
};
use crate::{
    answer::{Content, Refusal},
    request::{LinkRequest, Requested},
};

pub(super) struct Recall;

impl DialectRules for Recall {
    fn defaults(&self) -> Defaults {
        Defaults::USUAL
    }

    fn verifier(&self, secrets: &[Secret]) -> Option<Box<dyn Verifier>> {
        plain::verifier(secrets)
    }

    fn platform(&self) -> Platform {
        Platform {
            dialect: Dialect::Recall,
            name: "Recall.ai",
            secret_at: Some(
                "In Recall's dashboard, under Developers and then API keys & secrets: the workspace secret, which begins \
                 with whsec_.",
            ),
            has_header: false,
            paste_at: "In the body of Create Bot, at POST /api/v1/bot/:",
            snippet: |link| platform::create_bot("zoom", "zak_url", link),
            second_snippet: None,
            test_request,
        }
    }

    /// A request that no other dialect recognises is refused in this one.
    fn recognises(&self, _: &LinkRequest<'_>) -> bool {
        false
    }

    fn check_fetch(&self, request: &LinkRequest<'_>) -> Result<(), Failure> {
        plain::check_fetch(request)
    }

    fn check_report(&self, request: &LinkRequest<'_>) -> Result<(), Failure> {
        plain::check_report(request)
    }

    fn read(&self, terms: &LinkTerms, request: &LinkRequest<'_>) -> Result<Requested, Failure> {
        plain::read(terms, request, |query| query.meeting().map(str::to_owned))
    }

    /// The only published limit is 5 s, for access tokens.
    fn answer_within(&self) -> Duration {
        Duration::from_secs(4)
    }

    fn answer(&self, tokens: &[Audited<IssuedToken>]) -> Content {
        plain::answer(tokens)
    }

    /// For Recall, a 404 means "join without a token". It applies to join tokens only.
    fn refuse(&self, kind: Option<TokenKind>, failure: &Failure) -> Refusal {
        let without = kind == Some(TokenKind::JoinToken) && failure.code == Code::TokenNotAvailable;
        Refusal { status: without.then_some(StatusCode::NOT_FOUND), ..plain::refuse(failure) }
    }

    fn status<'a>(&self, report: &'a Value) -> BotStatus<'a> {
        let text = |pointer: &str| report.pointer(pointer).and_then(Value::as_str);
        BotStatus {
            code: text("/event").and_then(|event| event.strip_prefix("bot.")),
            sub_code: text("/data/data/sub_code"),
            bot: text("/data/bot/id"),
            label: text(&format!("/data/bot/metadata/{LABEL}")),
        }
    }
}

/// Signed by Standard Webhooks, over an empty body.
fn test_request(parts: &TestParts<'_>) -> Result<TestRequest, &'static str> {
    let key = SigningKey::parse(parts.signing_secret)
        .ok_or("The secret is not one of Recall's: it begins with whsec_.")?;
    let (id, time) = (parts.id, parts.now.as_second().to_string());
    let signature = key.sign(id, parts.now, b"");
    let [id_name, time_name, signature_name] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(HeaderName::from_static);
    let shown = format!("GET /t/…\n{id_name}: {id}\n{time_name}: {time}\n{signature_name}: v1,…");
    platform::get(parts, &[(id_name, id), (time_name, &time), (signature_name, &signature)], shown)
}
