//! Answers a fetch, or says in one code why not.

use std::{num::NonZeroU32, slice};

use http::StatusCode;
use model::{Code, Failure, Timestamp, TokenKind};
use serde_json::Value;
use store::LinkTerms;
use tracing::{Instrument as _, debug_span};

use crate::{
    TokenLinks,
    cached_link::CachedLink,
    dialects::{DialectRules, Refusal},
    request::{LinkRequest, Requested},
    select_account::TokenRequest,
    verify,
};

/// A body, in the dialect of a link. It may hold tokens, so it doesn't print.
pub struct Content {
    /// The media type.
    pub media_type: &'static str,
    /// The text.
    pub text: String,
}

impl Content {
    pub(crate) fn plain(text: String) -> Self {
        Self { media_type: "text/plain; charset=utf-8", text }
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self { media_type: "application/json", text: value.to_string() }
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("media_type", &self.media_type).finish_non_exhaustive()
    }
}

/// Why a link gives nothing, and how its dialect says so.
#[derive(Debug)]
pub struct LinkRefusal {
    /// Why.
    pub failure: Failure,
    /// What is said.
    pub refusal: Refusal,
}

impl LinkRefusal {
    /// Refuses in a dialect; `kind` is what was asked for, if that is known.
    pub fn new(rules: &dyn DialectRules, kind: Option<TokenKind>, failure: Failure) -> Self {
        Self { refusal: rules.refuse(kind, &failure), failure }
    }

    /// The status, where the dialect has another than the code's own.
    pub const fn status(&self) -> Option<StatusCode> {
        self.refusal.status
    }
}

impl TokenLinks {
    /// Answers a fetch.
    pub async fn serve(&self, request: &LinkRequest<'_>) -> Result<Content, LinkRefusal> {
        let now = self.env.now();
        let link = self.link_of(request, now).instrument(debug_span!("find_link")).await?;
        let served = self.serve_link(&link, request, now).await;
        if let Err(refused) = &served {
            self.refusals.note(&link.row, &refused.failure, now);
        }
        served
    }

    async fn serve_link(
        &self,
        link: &CachedLink,
        request: &LinkRequest<'_>,
        now: Timestamp,
    ) -> Result<Content, LinkRefusal> {
        let (terms, rules) = (&link.row.terms, link.rules());
        let refusal = |kind| move |failure| LinkRefusal::new(rules, kind, failure);

        let verified = debug_span!("verify", link = %link.row.id).in_scope(|| {
            let id = verify::check(link, request, now)?;
            rules.check_fetch(request).map(|()| id)
        });
        let id = verified.map_err(refusal(None))?;
        // Before the id is used up: the same request may come again.
        let _counted = link.fetches.enter().map_err(refusal(None))?;
        let admitted = self.admit_once(link, &id, now).instrument(debug_span!("admit_once"));
        admitted.await.map_err(refusal(None))?;
        let requested = rules.read(terms, request).map_err(refusal(None))?;
        let kind = requested.kind.unwrap_or(terms.kinds[0]);
        self.admit_rate(link, now).map_err(refusal(Some(kind)))?;

        let span = debug_span!("answer", link = %link.row.id, kind = kind.as_str());
        let answer = self.answer(link, request, &requested, kind, now).instrument(span).await;
        self.note_use(link.row.id, (kind, &requested), request, &answer, now);
        answer.map_err(refusal(Some(kind)))
    }

    /// Checks a request except for its body, which is not read yet. Returns the rules of the link's dialect.
    pub async fn check_before_body(
        &self,
        request: &LinkRequest<'_>,
    ) -> Result<&'static dyn DialectRules, LinkRefusal> {
        let now = self.env.now();
        let link = self.link_of(request, now).await?;
        let rules = link.rules();
        verify::check_before_body(&link, request).map_err(|failure| {
            self.refusals.note(&link.row, &failure, now);
            LinkRefusal::new(rules, None, failure)
        })?;
        Ok(rules)
    }

    async fn answer(
        &self,
        link: &CachedLink,
        request: &LinkRequest<'_>,
        requested: &Requested,
        kind: TokenKind,
        now: Timestamp,
    ) -> Result<Content, Failure> {
        let LinkTerms { kinds, .. } = &link.row.terms;
        if !kinds.contains(&kind) {
            return Err(Failure::new(Code::TokenNotAvailable, "the link does not give this kind of token"));
        }
        let counted = link.row.life.max_uses.is_some();
        if counted && !self.store.count_use(link.row.id).await? {
            return Err(Failure::new(Code::LinkExpired, "the link is used up"));
        }
        let rules = link.rules();
        let deadline = now + rules.answer_within();
        let request = TokenRequest { link, requested, request, asked_at: now, deadline };
        let answer = match rules.tokens(self, &request) {
            Some(tokens) => tokens.await.map(|tokens| rules.answer(&tokens)),
            None => self.token(&request, kind).await.map(|token| rules.answer(slice::from_ref(&token))),
        };
        if counted && answer.is_err() {
            // The caller hears why there is no token. A use too many is the smaller harm.
            if let Err(error) = self.store.uncount_use(link.row.id).await {
                tracing::warn!(link = %link.row.id, %error, "a refused request counts as a use of its link");
            }
        }
        answer
    }

    fn admit_rate(&self, link: &CachedLink, now: Timestamp) -> Result<(), Failure> {
        let Some(limit) = link.row.terms.per_minute.and_then(NonZeroU32::new) else { return Ok(()) };
        self.rates.admit(&link.row.id, limit, now).map_err(|wait| {
            let limited = Failure::new(Code::RateLimited, "the link is limited to so many fetches a minute");
            Failure { retry_after: Some(wait), ..limited }
        })
    }
}
