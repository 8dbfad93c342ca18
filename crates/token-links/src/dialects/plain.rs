//! The common part of dialects that fetch with a GET without a body and get the token as text.

use audit::Audited;
use broker::IssuedToken;
use model::{Failure, Secret, Timestamp};
use outbound::signature::{self, SigningKey};
use serde::Deserialize;
use serde_json::Value;
use store::LinkTerms;

use super::{RequestId, Unverified, Verifier, fields_of, words};
use crate::{
    answer::{Content, Refusal, RefusalBody},
    request::{LinkRequest, Query, Requested, malformed},
};

/// Verifies Standard Webhooks.
struct StandardWebhooks(Vec<SigningKey>);

const HEADERS: &str = "webhook-* or svix-* headers";

/// A verifier of Standard Webhooks.
pub(super) fn verifier(secrets: &[Secret]) -> Option<Box<dyn Verifier>> {
    let keys: Option<Vec<_>> = secrets.iter().map(SigningKey::parse).collect();
    Some(Box::new(StandardWebhooks(keys?)))
}

impl Verifier for StandardWebhooks {
    fn check_signature_headers(&self, request: &LinkRequest<'_>) -> Result<(), &'static str> {
        request.signature_headers().map(drop).ok_or(HEADERS)
    }

    fn verify<'a>(&self, request: &LinkRequest<'a>, now: Timestamp) -> Result<RequestId<'a>, Unverified> {
        let headers = request.signature_headers().ok_or(Unverified::Missing(HEADERS))?;
        signature::verify(&self.0, headers, request.body, now)?;
        Ok(RequestId::Signed(headers.id))
    }
}

/// A fetch is a GET without a body.
pub(super) fn check_fetch(request: &LinkRequest<'_>) -> Result<(), Failure> {
    if request.posted {
        return Err(malformed("this link's dialect fetches with GET, but this is a POST"));
    }
    if !request.body.is_empty() {
        return Err(malformed("a fetch has no body, but a body was signed here"));
    }
    Ok(())
}

/// A report has a body that names an event.
pub(super) fn check_report(request: &LinkRequest<'_>) -> Result<(), Failure> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Marks {
        event: Value,
    }
    if fields_of::<Marks>(request.body).event.is_string() {
        return Ok(());
    }
    Err(malformed("the body is not a report: it has to be a JSON object with the name of an event"))
}

/// Reads a query; `meeting` finds the meeting in it.
pub(super) fn read(
    terms: &LinkTerms,
    request: &LinkRequest<'_>,
    meeting: impl FnOnce(&Query<'_>) -> Option<String>,
) -> Result<Requested, Failure> {
    if request.query.is_empty() {
        return Ok(Requested { meeting: terms.meeting, ..Requested::default() });
    }
    let query = Query::of(terms, request.query);
    query.read(terms, meeting(&query).as_deref())
}

/// The token as the whole body.
pub(super) fn answer(tokens: &[Audited<IssuedToken>]) -> Content {
    Content::plain(tokens.first().map_or_else(String::new, |issued| issued.token.expose().to_owned()))
}

/// One line `code: advice`.
pub(super) fn refuse(failure: &Failure) -> Refusal {
    let content = Content::plain(format!("{}: {}", failure.code, words(failure)));
    Refusal { status: None, challenge: None, body: RefusalBody::Own(content) }
}
