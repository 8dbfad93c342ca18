//! Answers a fetch, or says in one code why not.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use audit::Audited;
use model::{Code, Failure, Secret, Timestamp, TokenKind};
use outbound::signature::SignatureHeaders;
use store::Dialect;

use super::{
    AttendeeAnswer,
    asked::{self, Asked},
    draw::Draw,
    live::LiveLink,
    proof,
};
use crate::{Broker, replay::UsedFor};

/// A request for a token, as it came.
#[derive(Clone, Copy)]
pub struct LinkRequest<'a> {
    /// The part of the path with link and secret.
    pub address: &'a str,
    /// The query, as it was sent.
    pub query: &'a str,
    /// Whether its headers are more, or larger, than is read.
    pub oversized: bool,
    /// The headers of Standard Webhooks, if all three are there.
    pub signature: Option<SignatureHeaders<'a>>,
    /// Attendee's header.
    pub attendee_signature: Option<&'a str>,
    /// Whether it is a POST, and not a GET.
    pub posted: bool,
    /// The body; empty for a GET.
    pub body: &'a [u8],
    /// The address at the other end of the connection.
    pub from: Option<IpAddr>,
}

impl<'a> LinkRequest<'a> {
    /// A GET that brings nothing but the address.
    pub const fn bare(address: &'a str) -> Self {
        Self {
            address,
            query: "",
            oversized: false,
            signature: None,
            attendee_signature: None,
            posted: false,
            body: b"",
            from: None,
        }
    }
}

/// What a link gives.
#[derive(Debug)]
pub enum LinkAnswer {
    /// One token, to be sent as text.
    Text(Audited<Secret>),
    /// An object of tokens.
    Attendee(AttendeeAnswer),
}

/// Why a link gives nothing, and to whom it has to be said how.
#[derive(Debug)]
pub struct LinkRefusal {
    /// The caller's dialect, as far as it is known.
    pub dialect: Dialect,
    /// What was asked for, if that is known.
    pub kind: Option<TokenKind>,
    /// Why.
    pub failure: Failure,
}

impl Broker {
    /// Answers a fetch.
    pub async fn serve_link(self: &Arc<Self>, request: LinkRequest<'_>) -> Result<LinkAnswer, LinkRefusal> {
        let now = self.env.now();
        let link = self.open_link(&request, now).await?;
        let terms = &link.row.terms;
        let refusal = |kind| move |failure| LinkRefusal { dialect: terms.dialect, kind, failure };

        let canonical = proof::check(&link, &request, now).map_err(refusal(None))?;
        proof::check_purpose(terms.dialect, UsedFor::Token, &request).map_err(refusal(None))?;
        self.admit_once(&link, &request, canonical.as_deref(), now).await.map_err(refusal(None))?;
        let asked = asked::read(terms, request.query, request.body).map_err(refusal(None))?;
        let kind = asked.kind.unwrap_or(terms.kinds[0]);
        self.admit_rate(&link, now).map_err(refusal(Some(kind)))?;

        let answer = self.answer(&link, &request, &asked, kind, now).await;
        self.note_link_use(link.row.id, (kind, &asked), &request, &answer, now);
        answer.map_err(refusal(Some(kind)))
    }

    /// Judges a request by everything but its body, which nobody has read yet. Answers the link's dialect.
    pub async fn check_before_body(&self, request: &LinkRequest<'_>) -> Result<Dialect, LinkRefusal> {
        let link = self.open_link(request, self.env.now()).await?;
        let dialect = link.row.terms.dialect;
        let refusal = |failure| LinkRefusal { dialect, kind: None, failure };
        proof::check_before_body(&link, request).map_err(refusal)?;
        Ok(dialect)
    }

    /// The link of a request's address.
    pub(super) async fn open_link(
        &self,
        request: &LinkRequest<'_>,
        now: Timestamp,
    ) -> Result<Arc<LiveLink>, LinkRefusal> {
        // Of a link that isn't known, only the request itself shows the dialect.
        let dialect = if request.attendee_signature.is_some() { Dialect::Attendee } else { Dialect::Recall };
        let live = self.live_link(request.address, now).await;
        live.map_err(|failure| LinkRefusal { dialect, kind: None, failure })
    }

    async fn answer(
        self: &Arc<Self>,
        link: &LiveLink,
        request: &LinkRequest<'_>,
        asked: &Asked,
        kind: TokenKind,
        now: Timestamp,
    ) -> Result<LinkAnswer, Failure> {
        let terms = &link.row.terms;
        if !terms.kinds.contains(&kind) {
            return Err(Failure::new(Code::TokenNotAvailable, "the link does not give this kind of token"));
        }
        let counted = link.row.life.max_uses.is_some();
        if counted && !self.store.count_use(link.row.id).await? {
            return Err(Failure::new(Code::LinkExpired, "the link is used up"));
        }
        let draw = Draw {
            link,
            asked,
            request_id: request.signature.map_or("", |headers| headers.id),
            from: request.from,
            now,
            deadline: now + answer_within(terms.dialect),
        };
        let answer = match terms.dialect {
            Dialect::Attendee => Box::pin(self.draw_for_attendee(&draw)).await.map(LinkAnswer::Attendee),
            Dialect::Recall | Dialect::MeetingBaas => self.draw(&draw, kind).await.map(LinkAnswer::Text),
        };
        if counted && answer.is_err() {
            self.store.uncount_use(link.row.id).await?;
        }
        answer
    }

    fn admit_rate(&self, link: &LiveLink, now: Timestamp) -> Result<(), Failure> {
        let Some(limit) = link.row.terms.per_minute.and_then(NonZeroU32::new) else { return Ok(()) };
        self.link_rates.admit(&link.row.id, limit, now).map_err(|wait| {
            let limited = Failure::new(Code::RateLimited, "the link is limited to so many fetches a minute");
            Failure { retry_after: Some(wait), ..limited }
        })
    }
}

/// How long a platform is made to wait: better to say "try again" while it still listens. Recall publishes no limit but
/// 5 s for access tokens; Meeting BaaS waits for 15 s, Attendee for 30 s.
const fn answer_within(dialect: Dialect) -> Duration {
    Duration::from_secs(match dialect {
        Dialect::Recall => 4,
        Dialect::Attendee | Dialect::MeetingBaas => 10,
    })
}

/// Without the address and the query, which are as good as a key.
impl std::fmt::Debug for LinkRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkRequest")
            .field("body", &self.body.len())
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}
