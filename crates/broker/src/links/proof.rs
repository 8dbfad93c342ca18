//! What shows that a request is the platform's, beside the address: where it comes from, and a signature or a secret.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use model::{Code, Failure, Timestamp};
use outbound::attendee;
use store::{Digest, Proof};

use super::{
    LinkRequest, asked,
    live::{Keys, LiveLink},
};
use crate::{
    Broker,
    signature::{self, SignatureHeaders},
    workspace::digest,
};

/// The longest query that is read.
const MOST_QUERY: usize = 16 * 1024;
/// The same request of Attendee's within this is a retry, and answered again.
const RETRY_WINDOW: Duration = Duration::from_secs(60);
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
            let headers = standard_headers(request)?;
            signature::verify(keys, headers, request.body, now).map(|()| None)
        }
        Keys::Attendee(keys) => attendee::verify(keys, attendee_header(request)?, request.body).map(Some),
    }
}

/// What can be judged without the body: all but what a signature is worth.
pub(super) fn check_before_body(link: &LiveLink, request: &LinkRequest<'_>) -> Result<(), Failure> {
    if !link.networks.is_empty() && !request.from.is_some_and(|from| lies_in(link, from)) {
        return Err(Failure::new(Code::AddressNotAllowed, "the request comes from elsewhere"));
    }
    check_size(request)?;
    if let Proof::QuerySecret { name, digest: expected } = &link.row.terms.proof {
        return check_query_secret(request.query, name, expected);
    }
    match &link.keys {
        Keys::None => Ok(()),
        Keys::Standard(_) => standard_headers(request).map(drop),
        Keys::Attendee(_) => attendee_header(request).map(drop),
    }
}

fn standard_headers<'a>(request: &LinkRequest<'a>) -> Result<SignatureHeaders<'a>, Failure> {
    request.signature.ok_or_else(|| missing("webhook-* or svix-* headers"))
}

fn attendee_header<'a>(request: &LinkRequest<'a>) -> Result<&'a str, Failure> {
    request.attendee_signature.ok_or_else(|| missing("X-Webhook-Signature header"))
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

fn missing(what: &str) -> Failure {
    Failure::new(Code::SignatureMissing, format!("the request carries no {what}"))
}

fn check_query_secret(query: &str, name: &str, expected: &Digest) -> Result<(), Failure> {
    let pairs = asked::pairs(query);
    let given = pairs.iter().find(|(given, _)| given == name);
    let (_, secret) = given.ok_or_else(|| missing("secret in its query"))?;
    verify_slices_are_equal(&digest(secret), expected)
        .map_err(|_| Failure::new(Code::SignatureInvalid, "the secret in the query is wrong"))
}

impl Broker {
    /// Turns away a request that was there before. A signature of Standard Webhooks has an id and a time; Attendee's have
    /// neither, so the whole request is remembered, in the store: it must outlive this process.
    pub(super) async fn admit_once(
        &self,
        link: &LiveLink,
        request: &LinkRequest<'_>,
        canonical: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        match (&link.keys, canonical, request.signature) {
            (Keys::Standard(_), _, Some(headers)) => {
                self.replays.admit(link.row.workspace, link.row.id, headers.id, now)
            }
            (Keys::Attendee(_), Some(canonical), _) if !link.row.terms.allow_repeat => {
                let whole = digest(&format!("{}.{canonical}", link.row.id));
                match self.store.first_seen(&whole, now).await? {
                    Some(first) if now.since(first) > RETRY_WINDOW => {
                        Err(Failure::new(Code::ReplayRefused, "this bot has fetched its tokens before"))
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
