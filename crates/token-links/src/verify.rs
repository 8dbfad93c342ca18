//! Checks whether a request may use a link: its secret, the link's life, its source, and a signature or a secret in the
//! query.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use model::{Code, Failure, Timestamp};
use outbound::signature::ELSEWHERE;
use store::{Digest, LinkLife, LinkVerification};
use tenants::digest;

use crate::{
    dialects::{RequestId, Unverified},
    link_cache::CachedLink,
    request::{LinkRequest, malformed, pairs},
};

/// The longest accepted query.
const MAX_QUERY_BYTES: usize = 16 * 1024;

/// Whether the request has the link's secret. It takes the same time whether or not there is such a link.
pub(crate) fn has_secret(link: Option<&CachedLink>, given: Option<&str>) -> bool {
    let nobody: Digest = [0; 32];
    let expected = link.map_or(&nobody, |link| &link.row.secret_digest);
    verify_slices_are_equal(expected, &digest(given.unwrap_or(""))).is_ok()
}

/// Checks that the link gives tokens at this time.
pub(crate) fn check_life(life: &LinkLife, now: Timestamp) -> Result<(), Failure> {
    if life.not_before.is_some_and(|begin| now < begin) {
        return Err(Failure::new(Code::LinkExpired, "the link is not valid yet"));
    }
    if life.expires_at.is_some_and(|end| now >= end) {
        return Err(Failure::new(Code::LinkExpired, "the link has expired"));
    }
    Ok(())
}

/// Verifies source, signature or secret. Returns what identifies the request.
pub(crate) fn check<'a>(
    link: &CachedLink,
    request: &LinkRequest<'a>,
    now: Timestamp,
) -> Result<RequestId<'a>, Failure> {
    check_source(link, request)?;
    let Some(verifier) = &link.verifier else { return Ok(RequestId::None) };
    let id = verifier.verify(request, now).map_err(|unverified| match unverified {
        Unverified::Missing(headers) => unsigned(link, headers),
        Unverified::Wrong(failure) => forged(link, failure),
    })?;
    match id {
        // The signature is for a callback of this server: its sender may create bots, but has no right to
        // this link's tokens.
        RequestId::Signed(id) if link.row.signing_secret.is_none() && id.starts_with(ELSEWHERE) => {
            let words = "this server signed the request for an address that is not below its public_url: use the link's \
                         own address";
            Err(Failure::new(Code::SignatureInvalid, words))
        }
        id => Ok(id),
    }
}

/// The checks that need no body: all except the signature.
pub(crate) fn check_before_body(link: &CachedLink, request: &LinkRequest<'_>) -> Result<(), Failure> {
    check_source(link, request)?;
    let Some(verifier) = &link.verifier else { return Ok(()) };
    verifier.check_signature_headers(request).map_err(|headers| unsigned(link, headers))
}

fn check_source(link: &CachedLink, request: &LinkRequest<'_>) -> Result<(), Failure> {
    if !link.networks.is_empty() && !request.from.is_some_and(|from| lies_in(link, from)) {
        let from = request.from.map_or_else(|| "nowhere".to_owned(), |from| from.to_canonical().to_string());
        let words = format!("the request comes from {from}, which is in none of the link's networks");
        return Err(Failure::new(Code::AddressNotAllowed, words));
    }
    check_size(request)?;
    match &link.row.terms.proof {
        LinkVerification::QuerySecret { name, digest } => check_query_secret(request.query, name, digest),
        LinkVerification::Signature | LinkVerification::Nothing => Ok(()),
    }
}

/// Checks the size of a request before it is read.
fn check_size(request: &LinkRequest<'_>) -> Result<(), Failure> {
    if request.oversized {
        return Err(malformed("the headers are more than 64, or larger than 16 KiB together"));
    }
    if request.query.len() > MAX_QUERY_BYTES {
        return Err(malformed("the query is longer than 16 KiB"));
    }
    Ok(())
}

fn lies_in(link: &CachedLink, from: IpAddr) -> bool {
    let from = from.to_canonical();
    link.networks.iter().any(|network| network.contains(&from))
}

/// The owner of the secret that verifies a link's requests, for the error message.
fn secret_of(link: &CachedLink) -> &'static str {
    match link.row.signing_secret {
        Some(_) => link.rules().signing_secret_name(),
        None => "the workspace's callback secret",
    }
}

fn unsigned(link: &CachedLink, headers: &str) -> Failure {
    let words = format!("the request lacks the {headers}, signed with {}", secret_of(link));
    Failure::new(Code::SignatureMissing, words)
}

fn forged(link: &CachedLink, failure: Failure) -> Failure {
    if failure.code != Code::SignatureInvalid {
        return failure;
    }
    let words = format!("no signature in the headers was made over this request with {}", secret_of(link));
    Failure { detail: words, ..failure }
}

fn check_query_secret(query: &str, name: &str, expected: &Digest) -> Result<(), Failure> {
    let pairs = pairs(query);
    let given = pairs.iter().find(|(given, _)| given == name);
    let unnamed = || {
        Failure::new(
            Code::SignatureMissing,
            format!("the query lacks {name}, the parameter with the link's secret"),
        )
    };
    let (_, secret) = given.ok_or_else(unnamed)?;
    verify_slices_are_equal(&digest(secret), expected).map_err(|_| {
        Failure::new(Code::SignatureInvalid, format!("{name} in the query is not the link's secret"))
    })
}
