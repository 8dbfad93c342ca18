//! Meeting BaaS' `zak_token_url` and `obf_token_url`: a GET with `bot_id` and `extra` appended to the query. Requests are
//! not signed, unless a link requires it.

use std::time::Duration;

use audit::Audited;
use broker::IssuedToken;
use model::{Failure, Secret, TokenKind};
use serde_json::Value;
use store::{Dialect, LinkTerms};

use super::{BotStatus, Defaults, DialectRules, LABEL, Platform, Verifier, plain, platform};
use crate::{
    answer::{Content, Refusal},
    request::{LinkRequest, Requested},
};

pub(super) struct MeetingBaas;

impl DialectRules for MeetingBaas {
    fn defaults(&self) -> Defaults {
        Defaults { signed: false, ..Defaults::USUAL }
    }

    fn verifier(&self, secrets: &[Secret]) -> Option<Box<dyn Verifier>> {
        plain::verifier(secrets)
    }

    fn platform(&self) -> Platform {
        Platform {
            dialect: Dialect::MeetingBaas,
            name: "Meeting BaaS",
            secret_at: None,
            has_header: false,
            paste_at: "In the body of Create Bot, at POST /v2/bots:",
            snippet: |link| platform::create_bot("zoom_config", "zak_token_url", link),
            second_snippet: None,
            test_request: |parts| platform::get(parts, &[], "GET /t/…".to_owned()),
        }
    }

    fn recognises(&self, _: &LinkRequest<'_>) -> bool {
        false
    }

    fn check_fetch(&self, request: &LinkRequest<'_>) -> Result<(), Failure> {
        plain::check_fetch(request)
    }

    fn check_report(&self, request: &LinkRequest<'_>) -> Result<(), Failure> {
        plain::check_report(request)
    }

    /// The bot's `extra` is free text of its owner and need not be for Latchkey. If it names no meeting, the address may.
    fn read(&self, terms: &LinkTerms, request: &LinkRequest<'_>) -> Result<Requested, Failure> {
        plain::read(terms, request, |query| {
            let extra = query.extra().filter(|_| terms.meeting_in_request).and_then(meeting_of_extra);
            extra.or_else(|| query.meeting().map(str::to_owned))
        })
    }

    /// Meeting BaaS waits for 15 s.
    fn answer_within(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn answer(&self, tokens: &[Audited<IssuedToken>]) -> Content {
        plain::answer(tokens)
    }

    fn refuse(&self, _: Option<TokenKind>, failure: &Failure) -> Refusal {
        plain::refuse(failure)
    }

    fn status<'a>(&self, report: &'a Value) -> BotStatus<'a> {
        let text = |pointer: &str| report.pointer(pointer).and_then(Value::as_str);
        BotStatus {
            code: text("/data/status/code")
                .or_else(|| text("/event").map(|event| event.trim_start_matches("bot."))),
            sub_code: text("/data/error_code"),
            bot: text("/data/bot_id"),
            label: text(&format!("/data/extra/{LABEL}")),
        }
    }
}

/// The meeting in `extra`; `None` if that is not JSON.
fn meeting_of_extra(extra: &str) -> Option<String> {
    let extra: Value = serde_json::from_str(extra).ok()?;
    match extra.get("meeting_id")? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}
