//! What shows that a request is the platform's, beside the address: where it comes from, and a signature or a secret.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use model::{Code, Failure, Timestamp};
use outbound::attendee;
use outbound::signature::{self, SignatureHeaders};
use serde::Deserialize;
use serde_json::Value;
use store::{Dialect, Digest, Proof};
use tenants::digest;

use super::{
    LinkRequest, asked,
    live::{Keys, LiveLink},
};
use crate::{Broker, replay::UsedFor};

/// The longest query that is read.
const MOST_QUERY: usize = 16 * 1024;
/// The same id on the same link within this is a retry, and answered again.
const RETRY_WINDOW: Duration = Duration::from_secs(30);
/// The same for a request of Attendee's.
const ATTENDEES_RETRY_WINDOW: Duration = Duration::from_secs(60);
/// For how long Attendee's requests are remembered. Their signatures never end.
pub(super) const REQUESTS_ARE_REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// Whether source, signature or secret are right. `Ok` holds what stands for the request in the memory of Attendee's.
pub(super) fn check(
    link: &LiveLink,
    request: &LinkRequest<'_>,
    now: Timestamp,
) -> Result<Option<String>, Failure> {
    check_before_body(link, request)?;
    match &link.keys {
        Keys::None => Ok(None),
        Keys::Standard(keys) => {
            let headers = standard_headers(link, request)?;
            let verified = signature::verify(keys, headers, request.body, now);
            verified.map(|()| None).map_err(|failure| forged(link, failure))
        }
        Keys::Attendee(keys) => {
            let header = attendee_header(link, request)?;
            attendee::verify(keys, header, request.body).map(Some).map_err(|failure| forged(link, failure))
        }
    }
}

/// What can be judged without the body: all but what a signature is worth.
pub(super) fn check_before_body(link: &LiveLink, request: &LinkRequest<'_>) -> Result<(), Failure> {
    if !link.networks.is_empty() && !request.from.is_some_and(|from| lies_in(link, from)) {
        let from = request.from.map_or_else(|| "nowhere".to_owned(), |from| from.to_canonical().to_string());
        let words = format!("the request comes from {from}, which lies in none of the link's networks");
        return Err(Failure::new(Code::AddressNotAllowed, words));
    }
    check_size(request)?;
    if let Proof::QuerySecret { name, digest: expected } = &link.row.terms.proof {
        return check_query_secret(request.query, name, expected);
    }
    match &link.keys {
        Keys::None => Ok(()),
        Keys::Standard(_) => standard_headers(link, request).map(drop),
        Keys::Attendee(_) => attendee_header(link, request).map(drop),
    }
}

fn standard_headers<'a>(link: &LiveLink, request: &LinkRequest<'a>) -> Result<SignatureHeaders<'a>, Failure> {
    request.signature.ok_or_else(|| unsigned(link, "webhook-* or svix-* headers"))
}

fn attendee_header<'a>(link: &LiveLink, request: &LinkRequest<'a>) -> Result<&'a str, Failure> {
    request.attendee_signature.ok_or_else(|| unsigned(link, "X-Webhook-Signature header"))
}

/// Before anything of it is read.
fn check_size(request: &LinkRequest<'_>) -> Result<(), Failure> {
    let excess = if request.oversized {
        "the headers are more than 64, or larger than 16 KiB together"
    } else if request.query.len() > MOST_QUERY {
        "the query is longer than 16 KiB"
    } else {
        return Ok(());
    };
    Err(Failure::new(Code::RequestMalformed, excess))
}

fn lies_in(link: &LiveLink, from: IpAddr) -> bool {
    let from = from.to_canonical();
    link.networks.iter().any(|network| network.contains(&from))
}

/// Whose secret verifies the requests of a link, for whoever has to find it.
fn secret_of(link: &LiveLink) -> &'static str {
    match (&link.row.signing_secret, link.row.terms.dialect) {
        (Some(_), Dialect::Attendee) => {
            "the secret of the Attendee project, which this link was given as its signing_secret"
        }
        (Some(_), _) => "this link's own signing_secret",
        (None, _) => "the workspace's callback secret",
    }
}

fn unsigned(link: &LiveLink, headers: &str) -> Failure {
    let words = format!("the request lacks the {headers}, signed with {}", secret_of(link));
    Failure::new(Code::SignatureMissing, words)
}

fn forged(link: &LiveLink, failure: Failure) -> Failure {
    if failure.code != Code::SignatureInvalid {
        return failure;
    }
    let words = format!("no signature in the headers was made over this request with {}", secret_of(link));
    Failure { detail: words, ..failure }
}

fn check_query_secret(query: &str, name: &str, expected: &Digest) -> Result<(), Failure> {
    let pairs = asked::pairs(query);
    let given = pairs.iter().find(|(given, _)| given == name);
    let unnamed = || {
        Failure::new(
            Code::SignatureMissing,
            format!("the query has no {name}, which holds the link's secret"),
        )
    };
    let (_, secret) = given.ok_or_else(unnamed)?;
    verify_slices_are_equal(&digest(secret), expected).map_err(|_| {
        Failure::new(Code::SignatureInvalid, format!("{name} in the query is not the link's secret"))
    })
}

/// Whether the request is what a signature for this purpose is given for. No dialect's signature covers method and address, so
/// what it does cover has to tell the two apart: a fetch of Recall's has no body and a report has one that names an event;
/// Attendee's fetch says `callback_type`, its report `trigger`.
pub(super) fn check_purpose(
    dialect: Dialect,
    used_for: UsedFor,
    request: &LinkRequest<'_>,
) -> Result<(), Failure> {
    let malformed = |words: &str| Err(Failure::new(Code::RequestMalformed, words));
    match (dialect, used_for) {
        (Dialect::Recall | Dialect::MeetingBaas, UsedFor::Token) => {
            if request.posted {
                return malformed("this link's dialect asks with GET, and this is a POST");
            }
            if !request.body.is_empty() {
                return malformed("a fetch has no body: what was signed here is something else");
            }
        }
        (Dialect::Recall | Dialect::MeetingBaas, UsedFor::Report) => {
            if !marks(request.body).event.is_string() {
                return malformed(
                    "the body is no report: it has to be a JSON object with the name of an event",
                );
            }
        }
        (Dialect::Attendee, UsedFor::Token) => {
            if !request.posted {
                return malformed("Attendee asks with POST, and this is a GET");
            }
            if marks(request.body).trigger.is_string() {
                return malformed("the body is a report of Attendee's: send it to the link's /status");
            }
        }
        (Dialect::Attendee, UsedFor::Report) => {
            let marks = marks(request.body);
            if !marks.trigger.is_string() || marks.callback_type.is_string() {
                return malformed("the body is no report of Attendee's: it has to name its trigger");
            }
        }
    }
    Ok(())
}

/// What tells what a body is for. The rest of it is none of our business, numbers that we can't hold included.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Marks {
    event: Value,
    callback_type: Value,
    trigger: Value,
}

/// The marks of a body; none of one that is no JSON object.
fn marks(body: &[u8]) -> Marks {
    let object = body.trim_ascii_start().starts_with(b"{");
    object.then(|| serde_json::from_slice(body).ok()).flatten().unwrap_or_default()
}

/// What stands for a request of Attendee's in the memory of requests.
struct Whole {
    /// On this link.
    here: Digest,
    /// On any link of the workspace.
    anywhere: Digest,
}

impl Whole {
    fn of(link: &LiveLink, canonical: &str) -> Self {
        let here = digest(&format!("{}.{canonical}", link.row.id));
        Self { here, anywhere: digest(&format!("{}.{canonical}", link.row.workspace)) }
    }
}

impl Broker {
    /// Turns away a fetch that was there before. A signature of Standard Webhooks has an id and a time; Attendee's have
    /// neither, so the whole request is remembered, in the store.
    pub(super) async fn admit_once(
        &self,
        link: &LiveLink,
        request: &LinkRequest<'_>,
        canonical: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        match (&link.keys, canonical, request.signature) {
            (Keys::Standard(_), _, Some(headers)) => {
                let used = (UsedFor::Token, headers.id);
                match self.replays.first_use(link.row.workspace, link.row.id, used, now)? {
                    None => Ok(()),
                    Some(first) if first.is_on(link.row.id) && now.since(first.at) <= RETRY_WINDOW => Ok(()),
                    Some(_) => Err(Failure::new(
                        Code::ReplayRefused,
                        "this webhook-id was used before: each fetch needs an id of its own",
                    )),
                }
            }
            (Keys::Attendee(_), Some(canonical), _) => {
                let whole = Whole::of(link, canonical);
                match self.store.first_seen(&whole.here, now).await? {
                    // A request that was answered elsewhere is good for nothing here, however new it is on this link.
                    None => match self.store.first_seen(&whole.anywhere, now).await? {
                        None => Ok(()),
                        Some(_) => {
                            Err(Failure::new(Code::ReplayRefused, "this request was made to another link"))
                        }
                    },
                    Some(first)
                        if link.row.terms.allow_repeat || now.since(first) <= ATTENDEES_RETRY_WINDOW =>
                    {
                        Ok(())
                    }
                    Some(_) => {
                        let words = "this bot has fetched its tokens before: a link with allow_repeat gives them again";
                        Err(Failure::new(Code::ReplayRefused, words))
                    }
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether a report was taken before, longer ago than a retry comes. A retry is taken again: the first may have failed, and
    /// a report changes nothing the second time.
    pub(super) async fn is_known_report(
        &self,
        link: &LiveLink,
        request: &LinkRequest<'_>,
        canonical: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let first = match (&link.keys, canonical, request.signature) {
            (Keys::Standard(_), _, Some(headers)) => {
                let used = (UsedFor::Report, headers.id);
                self.replays.used(link.row.workspace, link.row.id, used).map(|first| first.at)
            }
            (Keys::Attendee(_), Some(canonical), _) => {
                self.store.seen_request(&Whole::of(link, canonical).here).await?
            }
            _ => None,
        };
        Ok(first.is_some_and(|first| now.since(first) > RETRY_WINDOW))
    }

    /// Remembers a report once it was taken: one that failed may come again.
    pub(super) async fn remember_report(
        &self,
        link: &LiveLink,
        request: &LinkRequest<'_>,
        canonical: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        match (&link.keys, canonical, request.signature) {
            (Keys::Standard(_), _, Some(headers)) => {
                let used = (UsedFor::Report, headers.id);
                self.replays.first_use(link.row.workspace, link.row.id, used, now)?;
            }
            (Keys::Attendee(_), Some(canonical), _) => {
                self.store.first_seen(&Whole::of(link, canonical).here, now).await?;
            }
            _ => {}
        }
        Ok(())
    }
}
