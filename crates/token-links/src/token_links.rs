//! The order in which a request is checked and answered.

use std::{slice, sync::Arc};

use broker::{Broker, ExpiringMap};
use model::{Code, Environment, Failure, Timestamp, TokenKind, chain};
use store::{LinkStore, StoreError};
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, debug_span};
use url::Url;
use workers::Workers;

use crate::{
    account_refusal_log::AccountRefusalLog,
    account_selection::{AccountSelection, TokenRequest},
    answer::Content,
    dialects::{DialectRules, LinkRefusal, recognised},
    in_flight::InFlight,
    link_cache::{CachedLink, LinkCache},
    link_limits::LinkLimits,
    manage::LinkManager,
    recent_uses::RecentUses,
    refusals::Refusals,
    replay::ReplayGuard,
    report::{Report, Reports},
    request::{LinkRequest, Requested},
    revision::Revision,
    used_ids::UsedIds,
    verify,
};

/// The token links of every workspace. One per process, shared behind an `Arc`.
pub struct TokenLinks {
    env: Environment,
    links: Arc<LinkCache>,
    limits: LinkLimits,
    accounts: AccountSelection,
    reports: Reports,
    /// Creates and changes links.
    pub manager: LinkManager,
    /// Refuses requests that were received before.
    pub replay: Arc<ReplayGuard>,
    /// The last uses, for display.
    pub recent_uses: Arc<RecentUses>,
    /// Writes events about refused fetches.
    pub refusals: Arc<Refusals>,
}

/// The dependencies of token links.
pub struct Parts {
    /// The store of links and used ids.
    pub store: Arc<dyn LinkStore>,
    /// Accounts and their tokens.
    pub broker: Arc<Broker>,
    /// Time and randomness.
    pub env: Environment,
    /// Completes reads of the store even if the caller disconnects.
    pub tasks: TaskTracker,
    /// The URL at which bot platforms reach this server.
    pub public_base: Url,
    /// How many ids of signed requests are stored in ten minutes; further requests are refused. [`crate::REMEMBERED_IDS`]
    /// is the default.
    pub remembered_ids: usize,
    /// The most concurrent fetches of a workspace. [`crate::MAX_OF_A_WORKSPACE`] is the default.
    pub most_of_a_workspace: usize,
}

impl TokenLinks {
    /// Creates the service.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, broker, env, tasks, public_base, remembered_ids, most_of_a_workspace } = parts;
        let links = Arc::new(LinkCache {
            store: store.clone(),
            env: env.clone(),
            vault: broker.vault.clone(),
            workspaces: broker.workspaces.clone(),
            accounts: broker.accounts.cache.clone(),
            in_flight: InFlight::new(most_of_a_workspace),
            revision: Revision::new(store.clone(), env.clone(), tasks),
            links: ExpiringMap::default(),
        });
        let used_ids = UsedIds::new(store.clone(), env.clone(), remembered_ids);
        Self {
            limits: LinkLimits::new(store.clone()),
            accounts: AccountSelection {
                env: env.clone(),
                tokens: broker.tokens.clone(),
                users: broker.users.clone(),
                pools: broker.pools.clone(),
                meeting_map: broker.meeting_map.clone(),
                alerts: AccountRefusalLog::new(store.clone(), env.clone()),
            },
            reports: Reports { tokens: broker.tokens.clone(), pools: broker.pools.clone() },
            manager: LinkManager {
                store: store.clone(),
                env: env.clone(),
                vault: broker.vault.clone(),
                public_base,
                cache: links.clone(),
            },
            replay: Arc::new(ReplayGuard::new(used_ids, store.clone(), env.clone())),
            recent_uses: Arc::new(RecentUses::new(store.clone(), env.clone())),
            refusals: Arc::new(Refusals::new(store, env.clone())),
            links,
            env,
        }
    }

    /// Reads the ids that were used before this start, and starts the workers. Call it before the first request.
    pub async fn start(&self, workers: &Workers) -> Result<(), StoreError> {
        self.replay.read_used_ids().await?;
        let replay = Arc::clone(&self.replay);
        workers.run("used_ids", move || {
            let replay = Arc::clone(&replay);
            async move { replay.run().await }
        });
        let recent_uses = Arc::clone(&self.recent_uses);
        workers.run("link_uses", move || {
            let recent_uses = Arc::clone(&recent_uses);
            async move { recent_uses.run().await }
        });
        let refusals = Arc::clone(&self.refusals);
        workers.run("link_refusals", move || {
            let refusals = Arc::clone(&refusals);
            async move { refusals.run().await }
        });
        Ok(())
    }

    /// Writes unsaved data. Call it when the workers have stopped and no more requests are served.
    pub async fn stop(&self) {
        self.recent_uses.write().await;
        self.refusals.tell().await;
        if let Err(error) = self.replay.write_used_ids().await {
            tracing::warn!(error = %chain(&error), "the most recently used ids were not stored");
        }
    }

    /// Answers a fetch.
    pub async fn serve(&self, request: &LinkRequest<'_>) -> Result<Content, LinkRefusal> {
        let now = self.env.now();
        let link = self.find(request, now).instrument(debug_span!("find_link")).await?;
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
        // This comes before the id is marked as used: the same request may be retried.
        let _counted = link.fetches.enter().map_err(refusal(None))?;
        let admitted = self.replay.admit(&link.row, &id, now).instrument(debug_span!("admit_once"));
        admitted.await.map_err(refusal(None))?;
        let requested = rules.read(terms, request).map_err(refusal(None))?;
        let kind = requested.kind.unwrap_or(terms.kinds[0]);
        self.limits.admit_fetch(&link.row, now).map_err(refusal(Some(kind)))?;

        let span = debug_span!("answer", link = %link.row.id, kind = kind.as_str());
        let answer = self.answer(link, request, &requested, kind, now).instrument(span).await;
        self.recent_uses.note(link.row.id, (kind, &requested), request, &answer, now);
        answer.map_err(refusal(Some(kind)))
    }

    /// Checks a request except for its body, which is not yet read. Returns the rules of the link's dialect.
    pub async fn check_before_body(
        &self,
        request: &LinkRequest<'_>,
    ) -> Result<&'static dyn DialectRules, LinkRefusal> {
        let now = self.env.now();
        let link = self.find(request, now).await?;
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
        if !link.row.terms.kinds.contains(&kind) {
            return Err(Failure::new(Code::TokenNotAvailable, "the link does not give this kind of token"));
        }
        self.limits.count_use(&link.row).await?;
        let rules = link.rules();
        let deadline = now + rules.answer_within();
        let (link, accounts) = (&link.row, &link.accounts[..]);
        let request = TokenRequest { link, accounts, requested, request, asked_at: now, deadline };
        let answer = match rules.tokens(&self.accounts, &request) {
            Some(tokens) => tokens.await.map(|tokens| rules.answer(&tokens)),
            None => {
                self.accounts.token(&request, kind).await.map(|token| rules.answer(slice::from_ref(&token)))
            }
        };
        if answer.is_err()
            // The caller gets the reason why there is no token. One use too many is the smaller harm.
            && let Err(error) = self.limits.uncount_use(link).await
        {
            tracing::warn!(link = %link.id, error = %chain(&error), "a refused request counts as a use of its link");
        }
        answer
    }

    /// Processes a platform's report.
    pub async fn take_report(&self, request: &LinkRequest<'_>) -> Result<(), LinkRefusal> {
        let now = self.env.now();
        let link = self.find(request, now).instrument(debug_span!("find_link")).await?;
        let rules = link.rules();
        let refusal = |failure| LinkRefusal::new(rules, None, failure);
        let id = verify::check(&link, request, now).map_err(refusal)?;
        rules.check_report(request).map_err(refusal)?;
        let report = Report::read(rules, request.body).map_err(refusal)?;
        if self.replay.is_known_report(&link.row, &id, now).await.map_err(refusal)? {
            return Ok(());
        }
        let span = debug_span!("act_on_report", link = %link.row.id);
        self.reports.act_on(&link.row, &report).instrument(span).await.map_err(refusal)?;
        self.replay.remember_report(&link.row, &id, now).await.map_err(refusal)
    }

    /// The link of a request, if the secret is right and the link is valid. Neither the answer nor its timing shows
    /// whether a link is unknown or a secret is wrong.
    async fn find(&self, request: &LinkRequest<'_>, now: Timestamp) -> Result<Arc<CachedLink>, LinkRefusal> {
        let refusal = |failure| LinkRefusal::new(recognised(request), None, failure);
        let link = match request.id_and_secret().0.parse() {
            Ok(id) => self.links.find(id, now).await.map_err(refusal)?,
            Err(_) => None,
        };
        let link = link.filter(|link| link.row.revoked_at.is_none());
        let rules = link.as_ref().map_or_else(|| recognised(request), |link| link.rules());
        let right = verify::has_secret(link.as_deref(), rules.secret(request));
        let Some(link) = link.filter(|_| right) else {
            return Err(match rules.unauthorized(request) {
                Some(failure) => LinkRefusal::new(rules, None, failure),
                None => refusal(Failure::new(Code::LinkUnknown, "no link has this address")),
            });
        };
        match verify::check_life(&link.row.life, now) {
            Ok(()) => Ok(link),
            Err(failure) => {
                self.refusals.note(&link.row, &failure, now);
                Err(refusal(failure))
            }
        }
    }
}

impl std::fmt::Debug for TokenLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenLinks").field("manager", &self.manager).finish_non_exhaustive()
    }
}
