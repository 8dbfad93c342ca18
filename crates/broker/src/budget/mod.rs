//! Zoom's limits of the REST API: a budget of each Zoom account, which all apps and all our servers share.

use std::time::Duration;

use model::{Environment, Failure, Timestamp, ZoomOauthAppId};
use zoom::{ApiAccess, CallTurn, Label, RateLimits};

use crate::{Broker, access_token::LiveAccess};

/// How long somebody waits who is just connecting an account.
const NEWCOMERS_PATIENCE: Duration = Duration::from_secs(10);

/// Whose limits a call falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Charged<'a> {
    /// Those of the Zoom account with this id.
    Account(&'a str),
    /// Those of an account that only the answer will name: somebody is connecting with this app.
    Newcomer(ZoomOauthAppId),
}

/// When a call is needed, and how long its caller can wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    /// Whoever needs it sooner goes first.
    by: Timestamp,
    patience: Duration,
}

impl Need {
    /// Somebody waits for the answer.
    pub(crate) fn now(env: &Environment, patience: Duration) -> Self {
        Self { by: env.now(), patience }
    }

    /// A meeting is joined at `join_at`, and the call can wait for `patience`.
    pub(crate) fn for_join(join_at: Timestamp, patience: Duration) -> Self {
        Self { by: join_at, patience }
    }

    /// Nobody waits: after everybody else.
    pub(crate) fn whenever(patience: Duration) -> Self {
        Self { by: Timestamp::from_microsecond(i64::MAX), patience }
    }
}

/// The right to one call. The client keeps it until the answer is in.
#[derive(Debug)]
pub(crate) struct RestTurn {
    label: Label,
}

impl CallTurn for RestTurn {
    fn label(&self) -> Label {
        self.label
    }

    fn told(&self, limits: &RateLimits) {
        tracing::trace!(label = %self.label, ?limits, "Zoom spoke of its limits");
    }
}

impl Broker {
    /// A turn for one call of the REST API; [`ZoomRateLimited`](model::Code::ZoomRateLimited) at once, with the time to come
    /// back, when it would not come within the caller's patience.
    #[expect(clippy::unused_async, reason = "turns will be waited for")]
    pub(crate) async fn rest_turn(
        &self,
        charged: Charged<'_>,
        label: Label,
        need: Need,
    ) -> Result<RestTurn, Failure> {
        // Not counted yet: who calls has to say already what the count will need.
        let Need { by, patience } = need;
        tracing::trace!(?charged, %label, ?by, ?patience, "a call of Zoom's API");
        Ok(RestTurn { label })
    }

    /// A turn to ask who has just connected with an app.
    pub(crate) async fn newcomers_turn(&self, app: ZoomOauthAppId) -> Result<RestTurn, Failure> {
        let need = Need::now(&self.env, NEWCOMERS_PATIENCE);
        self.rest_turn(Charged::Newcomer(app), Label::Light, need).await
    }

    /// The right to one call of `label` with an account's access token.
    pub(crate) async fn api<'a>(
        &self,
        access: &'a LiveAccess,
        label: Label,
        need: Need,
    ) -> Result<ApiAccess<'a>, Failure> {
        let turn = self.rest_turn(Charged::Account(&access.zoom_account_id), label, need).await?;
        Ok(ApiAccess::new(&access.base, &access.token, turn))
    }
}
