//! What shows that a request is the platform's, beside its secret: where it comes from, and a signature or a secret in the query.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use model::{Code, Failure, Timestamp};
use outbound::signature::ELSEWHERE;
use store::{Digest, Proof};
use tenants::digest;

use crate::{
    TokenLinks,
    cached_link::CachedLink,
    dialects::{RequestId, Unverified},
    request::{LinkRequest, malformed, pairs},
    used_ids::UsedFor,
};

/// The longest query that is read.
const MAX_QUERY_BYTES: usize = 16 * 1024;
/// The same id on the same link within this is a retry, and answered again.
const RETRY_WINDOW: Duration = Duration::from_secs(30);
/// The same for a request whose signature covers no id: Attendee's.
const RETRY_WINDOW_WITHOUT_ID: Duration = Duration::from_secs(60);
/// For how long requests without an id are remembered. Their signatures never end, and 32 bytes each are little.
pub(crate) const REQUESTS_ARE_REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

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
            let words = "this server signed that for an address that is not below its public_url: have the link's own \
                         address called";
            Err(Failure::new(Code::SignatureInvalid, words))
        }
        id => Ok(id),
    }
}

/// The checks that need no body: all except the signature.
pub(crate) fn check_before_body(link: &CachedLink, request: &LinkRequest<'_>) -> Result<(), Failure> {
    check_source(link, request)?;
    let Some(verifier) = &link.verifier else { return Ok(()) };
    verifier.is_signed(request).map_err(|headers| unsigned(link, headers))
}

fn check_source(link: &CachedLink, request: &LinkRequest<'_>) -> Result<(), Failure> {
    if !link.networks.is_empty() && !request.from.is_some_and(|from| lies_in(link, from)) {
        let from = request.from.map_or_else(|| "nowhere".to_owned(), |from| from.to_canonical().to_string());
        let words = format!("the request comes from {from}, which lies in none of the link's networks");
        return Err(Failure::new(Code::AddressNotAllowed, words));
    }
    check_size(request)?;
    match &link.row.terms.proof {
        Proof::QuerySecret { name, digest } => check_query_secret(request.query, name, digest),
        Proof::Signature | Proof::Nothing => Ok(()),
    }
}

/// Before anything of it is read.
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
            format!("the query has no {name}, which holds the link's secret"),
        )
    };
    let (_, secret) = given.ok_or_else(unnamed)?;
    verify_slices_are_equal(&digest(secret), expected).map_err(|_| {
        Failure::new(Code::SignatureInvalid, format!("{name} in the query is not the link's secret"))
    })
}

/// Whether a request that was there at `first` is a retry of it at `now`. Of one from the future, which a wrong clock has
/// dated, nobody knows how long ago it was.
fn is_retry(first: Timestamp, window: Duration, now: Timestamp) -> bool {
    !first.is_from_the_future(now) && now.since(first) <= window
}

/// The id by which a request without one is remembered.
struct Whole {
    /// On this link.
    here: Digest,
    /// On any link of the workspace.
    anywhere: Digest,
}

impl Whole {
    fn of(link: &CachedLink, canonical: &str) -> Self {
        let here = digest(&format!("{}.{canonical}", link.row.id));
        Self { here, anywhere: digest(&format!("{}.{canonical}", link.row.workspace)) }
    }
}

impl TokenLinks {
    /// Refuses a fetch that was there before. An id is remembered in memory; a request without one as a whole, in the store.
    pub(crate) async fn admit_once(
        &self,
        link: &CachedLink,
        id: &RequestId<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let refused = |words| Err(Failure::new(Code::ReplayRefused, words));
        match id {
            RequestId::None => Ok(()),
            RequestId::Signed(id) => {
                match self.used_ids.first_use(link.row.workspace, link.row.id, (UsedFor::Token, id), now)? {
                    None => Ok(()),
                    Some(first) if first.is_on(link.row.id) && is_retry(first.at, RETRY_WINDOW, now) => {
                        Ok(())
                    }
                    Some(_) => refused("this webhook-id was used before: each fetch needs an id of its own"),
                }
            }
            RequestId::Whole(canonical) => {
                let whole = Whole::of(link, canonical);
                match self.store.first_seen(&whole.here, now).await? {
                    // A request that was answered on another link is refused here, even if it is new on this link.
                    None => match self.store.first_seen(&whole.anywhere, now).await? {
                        None => Ok(()),
                        Some(_) => refused("this request was made to another link"),
                    },
                    Some(first)
                        if link.row.terms.allow_repeat || is_retry(first, RETRY_WINDOW_WITHOUT_ID, now) =>
                    {
                        Ok(())
                    }
                    Some(_) => refused(
                        "this bot has fetched its tokens before: a link with allow_repeat gives them again",
                    ),
                }
            }
        }
    }

    /// Whether a report was taken before, longer ago than a retry comes. A retry is taken again: the first may have failed, and
    /// a report changes nothing the second time.
    pub(crate) async fn is_known_report(
        &self,
        link: &CachedLink,
        id: &RequestId<'_>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let first = match id {
            RequestId::None => None,
            RequestId::Signed(id) => {
                let used = self.used_ids.used(link.row.workspace, link.row.id, (UsedFor::Report, id));
                used.map(|first| first.at)
            }
            RequestId::Whole(canonical) => self.store.seen_request(&Whole::of(link, canonical).here).await?,
        };
        Ok(first.is_some_and(|first| !is_retry(first, RETRY_WINDOW, now)))
    }

    /// Remembers an accepted report. One that failed may be repeated.
    pub(crate) async fn remember_report(
        &self,
        link: &CachedLink,
        id: &RequestId<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        match id {
            RequestId::None => {}
            RequestId::Signed(id) => {
                self.used_ids.first_use(link.row.workspace, link.row.id, (UsedFor::Report, id), now)?;
            }
            RequestId::Whole(canonical) => {
                self.store.first_seen(&Whole::of(link, canonical).here, now).await?;
            }
        }
        Ok(())
    }
}
