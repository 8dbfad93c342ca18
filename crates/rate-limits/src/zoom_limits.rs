//! Zoom's limits in this process: one [`Limits`] has them all and gives turns.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use metrics::Metrics;
use model::{Environment, Failure, LeaseToken, Timestamp, WorkspaceId, ZoomOauthAppId, chain};
use store::ZoomLimits;
use tokio_util::task::TaskTracker;
use zoom::{CallTurn, Label, LimitHit, RateLimits, ZoomError};

use crate::limit::{Context, Kind, Limit, Turn};

/// How long a user who is connecting an account waits.
const NEW_ACCOUNT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller's refresh, or the redemption of a code, waits for its turn.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(3);
/// Zoom publishes no limit of its token endpoint. This has been safe.
const DEFAULT_REFRESHES: NonZeroU32 = NonZeroU32::new(10).expect("not zero");
/// Unsolicited codes in a second for each app, because strangers must not use up its limit.
const INSTALLS_PER_SECOND: u32 = 2;
/// How often shares are confirmed or released.
pub(crate) const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// A known plan is dropped when the account had no calls for this long.
const LIMIT_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// How often unused plans are deleted.
const FORGET_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// The limits that a call counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Charged<'a> {
    /// The limits of the Zoom account with this id. The call is of this workspace; others may have connected the same
    /// account.
    Account(&'a str, WorkspaceId),
    /// The limits for an account that is being connected, whose id is only in the answer.
    Newcomer(ZoomOauthAppId),
}

/// The calls that a limit applies to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limited<'a> {
    /// Calls of the REST API.
    Rest(Charged<'a>, Label),
    /// An app's calls of the token endpoint.
    Tokens(ZoomOauthAppId),
    /// Codes that an app received without an invitation.
    Installs(ZoomOauthAppId),
}

/// When a call is needed, and how long its caller can wait.
#[derive(Debug, Clone, Copy)]
pub struct CallPriority {
    /// The earliest deadline goes first.
    pub(crate) deadline: Timestamp,
    /// `None` means for ever.
    pub(crate) max_wait: Option<Duration>,
}

impl CallPriority {
    /// For a caller that waits for the answer.
    pub fn now(env: &Environment, max_wait: Duration) -> Self {
        Self { deadline: env.now(), max_wait: Some(max_wait) }
    }

    /// For a meeting that is joined at `join_at`. The call can wait for `max_wait`.
    pub fn for_join(join_at: Timestamp, max_wait: Duration) -> Self {
        Self { deadline: join_at, max_wait: Some(max_wait) }
    }

    /// No caller waits: the call comes after all others.
    pub fn background(max_wait: Duration) -> Self {
        Self { max_wait: Some(max_wait), ..Self::unbounded() }
    }

    /// No caller waits, but the call must be made, however late.
    pub(crate) fn unbounded() -> Self {
        Self { deadline: Timestamp::MAX, max_wait: None }
    }
}

/// All limits that this process observes.
pub struct Limits {
    pub(crate) context: Arc<Context>,
    by_key: Mutex<HashMap<String, Arc<Limit>>>,
    /// Refreshes a second of each app.
    refreshes: NonZeroU32,
    /// Calls a second of each account whose plan is unknown; `None` means those of the smallest plan.
    unknown_plan: Option<NonZeroU32>,
}

impl Limits {
    /// The limits that the servers of `store` share.
    pub fn new(
        store: Arc<dyn ZoomLimits + Send + Sync>,
        env: &Environment,
        tasks: TaskTracker,
        metrics: Metrics,
    ) -> Self {
        let holder = LeaseToken::generate(env);
        let context = Arc::new(Context { store, env: env.clone(), tasks, metrics, holder });
        Self { context, by_key: Mutex::default(), refreshes: DEFAULT_REFRESHES, unknown_plan: None }
    }

    pub(crate) async fn turn(&self, limited: Limited<'_>, priority: CallPriority) -> Result<Turn, Failure> {
        self.limit(limited).turn(limited.workspace(), priority).await
    }

    fn limit(&self, limited: Limited<'_>) -> Arc<Limit> {
        let key = limited.to_string();
        let mut limits = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limit) = limits.get(&key) {
            return Arc::clone(limit);
        }
        let kind = match limited {
            Limited::Rest(_, label) => {
                let least = self.unknown_plan.unwrap_or(label.least_per_second());
                Kind { name: label.as_str(), least: least.get(), label: Some(label) }
            }
            Limited::Tokens(_) => Kind { name: "tokens", least: self.refreshes.get(), label: None },
            Limited::Installs(_) => Kind { name: "installs", least: INSTALLS_PER_SECOND, label: None },
        };
        let limit = Arc::new(Limit::new(key.clone(), kind, Arc::clone(&self.context)));
        limits.insert(key, Arc::clone(&limit));
        limit
    }

    pub(crate) fn limits(&self) -> Vec<Arc<Limit>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Confirms this process's shares, releases idle ones, and drops unused limits.
    pub(crate) async fn check(&self) {
        for limit in self.limits() {
            if limit.maintain().await {
                let mut limits = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
                // Two references: this one and the map's. If a limit were dropped while it is used, there could be two of
                // it, and each would use the whole share.
                let unused = |kept: &Arc<Limit>| Arc::ptr_eq(kept, &limit) && Arc::strong_count(kept) <= 2;
                if limits.get(limit.key()).is_some_and(unused) {
                    limits.remove(limit.key());
                }
            }
        }
    }
}

impl Limited<'_> {
    /// The calling workspace, if several can share the limit. An app is registered in one workspace, so all calls under its
    /// limits are of that workspace.
    pub(crate) fn workspace(self) -> Option<WorkspaceId> {
        match self {
            Self::Rest(Charged::Account(_, workspace), _) => Some(workspace),
            Self::Rest(Charged::Newcomer(_), _) | Self::Tokens(_) | Self::Installs(_) => None,
        }
    }
}

/// The name of the limit in the store.
impl fmt::Display for Limited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rest(Charged::Account(id, _), label) => write!(f, "account/{id}/{label}"),
            Self::Rest(Charged::Newcomer(app), label) => write!(f, "newcomers/{app}/{label}"),
            Self::Tokens(app) => write!(f, "tokens/{app}"),
            Self::Installs(app) => write!(f, "installs/{app}"),
        }
    }
}

/// The right to one call of the REST API. The client keeps it until the answer has arrived.
#[derive(Debug)]
pub struct RestTurn {
    label: Label,
    turn: Turn,
}

impl CallTurn for RestTurn {
    fn label(&self) -> Label {
        self.label
    }

    fn observe(&self, limits: &RateLimits) {
        self.turn.observe(limits);
    }
}

/// The right to one call of the token endpoint. Keep it until the answer has arrived.
#[derive(Debug)]
pub struct TokenTurn(Turn);

impl TokenTurn {
    /// Returns the answer and updates the limit from it. If the app is limited, no call of this app is made
    /// before the pause is over.
    pub fn with_answer<T>(self, answer: Result<T, ZoomError>) -> Result<T, ZoomError> {
        self.0.observe(&limits_of(&answer));
        answer
    }
}

/// The limits in an answer of the token endpoint: it only shows whether the limit was reached.
fn limits_of<T>(answer: &Result<T, ZoomError>) -> RateLimits {
    let refused = match answer {
        Err(ZoomError::RateLimited { retry_after, daily }) => {
            Some(LimitHit { retry_after: *retry_after, daily: *daily })
        }
        Ok(_) | Err(_) => None,
    };
    RateLimits { per_second: None, refused }
}

impl Limits {
    /// How many refreshes a second all servers together make for each app. Ten by default.
    #[must_use]
    pub fn with_refreshes_per_second(mut self, per_second: NonZeroU32) -> Self {
        self.refreshes = per_second;
        self
    }

    /// How many calls a second of each label are made for an account whose plan is not yet known. The limits of a free
    /// account by default.
    #[must_use]
    pub fn with_unknown_plan(mut self, per_second: NonZeroU32) -> Self {
        self.unknown_plan = Some(per_second);
        self
    }

    /// A turn for one call of the REST API. If it would not come within the caller's `max_wait`, the result is at once
    /// [`ZoomRateLimited`](model::Code::ZoomRateLimited) with the time of the retry.
    pub async fn rest_turn(
        &self,
        charged: Charged<'_>,
        label: Label,
        priority: CallPriority,
    ) -> Result<RestTurn, Failure> {
        let turn = self.turn(Limited::Rest(charged, label), priority).await?;
        Ok(RestTurn { label, turn })
    }

    /// A turn for the call that identifies the user who has just connected with an app.
    pub async fn new_account_turn(&self, app: ZoomOauthAppId) -> Result<RestTurn, Failure> {
        let priority = CallPriority::now(&self.context.env, NEW_ACCOUNT_TIMEOUT);
        self.rest_turn(Charged::Newcomer(app), Label::Light, priority).await
    }

    /// A turn at the token endpoint for a call that a caller waits for.
    pub async fn token_turn(&self, app: ZoomOauthAppId) -> Result<TokenTurn, Failure> {
        let priority = CallPriority::now(&self.context.env, TOKEN_TIMEOUT);
        self.turn(Limited::Tokens(app), priority).await.map(TokenTurn)
    }

    /// A turn at the token endpoint for a call that can wait.
    pub async fn token_turn_in_queue(&self, app: ZoomOauthAppId) -> Result<TokenTurn, Failure> {
        self.turn(Limited::Tokens(app), CallPriority::unbounded()).await.map(TokenTurn)
    }

    /// Updates the limit from an answer of the token endpoint to a call without a turn: a user waits in a
    /// browser, with a code that expires soon.
    pub fn token_endpoint_said<T>(
        &self,
        app: ZoomOauthAppId,
        begun_at: Timestamp,
        answer: &Result<T, ZoomError>,
    ) {
        self.limit(Limited::Tokens(app)).observe(begun_at, &limits_of(answer));
    }

    /// A turn for an unsolicited code.
    pub async fn install_turn(&self, app: ZoomOauthAppId) -> Result<Turn, Failure> {
        self.turn(Limited::Installs(app), CallPriority::now(&self.context.env, TOKEN_TIMEOUT)).await
    }

    /// Confirms and releases this server's shares of Zoom's limits, for as long as it is polled.
    pub async fn run_shares(&self) -> Infallible {
        let mut forgot_at = None;
        loop {
            self.check().await;
            let now = self.context.env.now();
            if forgot_at.is_none_or(|at| now.since(at) >= FORGET_INTERVAL) {
                forgot_at = Some(now);
                if let Err(error) = self.context.store.forget_zoom_limits(now - LIMIT_TTL).await {
                    tracing::warn!(error = %chain(&error), "old limits of Zoom were not deleted");
                }
            }
            self.context.env.clock.sleep(CHECK_INTERVAL).await;
        }
    }

    /// Releases this server's shares, so that the others need not wait until they expire. Call it at a stop, when no more
    /// calls to Zoom are made.
    pub async fn give_back(&self) {
        for limit in self.limits() {
            limit.close().await;
        }
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limits")
    }
}
