//! Accounts whose grant the customer manages: the customer's server returns access tokens at a URL that is as
//! secret as a key.
//!
//! There is no refresh token to lose and nothing to revoke here. A failure degrades the account and is
//! retried; it never needs a consent here.

use std::{sync::Arc, time::Duration};

use model::{Code, Environment, Failure, Secret, Timestamp, WorkspaceId, ZoomOauthAppId};
use outbound::{CallbackClient, CallbackError};
use rate_limits::Limits;
use serde_json::{Map, Value};
use store::{Credential, ZoomOauthApp};
use tenants::{Cell, Vault, Workspaces};
use url::Url;
use zoom::{ApiAccess, Grant, ZoomClient, ZoomError};

use super::{
    apps::Apps,
    grants::access_token,
    store_grant::{NewAccount, NewAccounts, Origin, Source, StoredGrant},
};

/// The shortest remaining lifetime of a customer's token.
const MIN_LIFE: Duration = Duration::from_secs(120);
/// A longer lifetime is capped.
const MAX_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Connects accounts whose tokens are fetched from the customer's own server.
pub struct CustomerManaged {
    pub(crate) env: Environment,
    pub(crate) zoom: ZoomClient,
    pub(crate) apps: Arc<Apps>,
    pub(crate) customers: Arc<Customers>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) new_accounts: Arc<NewAccounts>,
    pub(crate) api_base: Url,
}

impl CustomerManaged {
    /// Connects an account whose access tokens come from `url`, which is called once to verify it. `None`
    /// when the workspace has no such app.
    pub async fn connect(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        url: Secret,
    ) -> Result<Option<StoredGrant>, Failure> {
        let Some(app) = self.apps.find(workspace, app).await? else { return Ok(None) };
        let grant = self.customers.ask(&app, &url).await?;
        let turn = self.limits.new_account_turn(app.id).await?;
        let user = self.zoom.me(ApiAccess::new(&self.api_base, access_token(&grant)?, turn)).await;
        let user = user.map_err(|error| match error {
            ZoomError::TokenRejected => refused("Zoom does not take the token"),
            error => error.into(),
        })?;
        let source = Source::User(user);
        let new = NewAccount {
            workspace,
            app: app.id,
            source,
            grant,
            granted_at: self.env.now(),
            callback_url: Some(url),
        };
        self.new_accounts.store_grant(&new, Origin::Api).await
    }
}

/// Fetches access tokens from customers' own servers.
pub struct Customers {
    pub(crate) vault: Vault,
    pub(crate) zoom: ZoomClient,
    pub(crate) apps: Arc<Apps>,
    pub(crate) workspaces: Workspaces,
    /// `None`: this process calls no customers' servers.
    pub(crate) callbacks: Option<CallbackClient>,
}

impl Customers {
    /// The next access token of an account.
    pub(super) async fn next_grant(&self, before: &Credential) -> Result<Grant, Failure> {
        let app = self.apps.of_account(before.workspace, before.app).await?;
        let sealed = before.callback_url.as_ref();
        let sealed =
            sealed.ok_or_else(|| Failure::new(Code::Internal, "a usable account without its callback"))?;
        let url = self.vault.open(before.workspace, Cell::CallbackUrl(before.id), sealed)?;
        self.ask(&app, &url).await
    }

    /// Calls the customer's server, signed with the workspace's callback secret.
    async fn ask(&self, app: &ZoomOauthApp, url: &Secret) -> Result<Grant, Failure> {
        let callbacks = self.callbacks.as_ref();
        let callbacks =
            callbacks.ok_or_else(|| Failure::new(Code::Internal, "this process calls no customers"))?;
        let keys = self.workspaces.callback_keys(app.workspace).await?;
        let answer = callbacks.ask(url.expose(), &keys).await.map_err(|error| match error {
            CallbackError::TooSlow => Failure::of(Code::AccessTokenCallbackTimeout, error),
            error => refused(error),
        })?;
        let answer = read(&answer).map_err(refused)?;
        let life = self.life_of(app, &answer).map_err(refused)?;
        Ok(Grant {
            access_token: Some(answer.access_token),
            refresh_token: None,
            expires_in: life,
            scopes: Some(Vec::new()),
            api_url: None,
        })
    }

    /// The lifetime of the token, by its own claim or the customer's, whichever is shorter.
    fn life_of(&self, app: &ZoomOauthApp, answer: &Answer) -> Result<Duration, &'static str> {
        let claims = zoom::unverified_claims(&answer.access_token);
        if claims.client_id.is_some_and(|client_id| client_id != app.client_id) {
            return Err("the token belongs to another Zoom app");
        }
        let ends = [claims.expires_at, answer.expires_at].into_iter().flatten().min();
        let life =
            ends.ok_or("neither the token nor expires_at says when it ends")?.since(self.zoom.clock().now());
        if life < MIN_LIFE { Err("less than 120 s are left of the token") } else { Ok(life.min(MAX_LIFE)) }
    }
}

/// The answer of a customer's server.
struct Answer {
    access_token: Secret,
    expires_at: Option<Timestamp>,
}

/// A JSON object with the token as `token` or `access_token`, or the token alone.
fn read(text: &Secret) -> Result<Answer, String> {
    let text = text.expose().trim();
    let answer = if text.starts_with('{') {
        let fields: Map<String, Value> = serde_json::from_str(text).map_err(|_| "the answer is not JSON")?;
        let named = |name| fields.get(name).and_then(Value::as_str);
        let token = named("access_token").or_else(|| named("token"));
        let expires_at = match fields.get("expires_at") {
            None | Some(Value::Null) => None,
            Some(given) => {
                let time = given.as_str().and_then(|text| text.parse().ok());
                Some(time.ok_or("expires_at is not a time in ISO 8601")?)
            }
        };
        Answer { access_token: Secret::new(token.ok_or("the answer names no token")?), expires_at }
    } else {
        Answer { access_token: Secret::new(text), expires_at: None }
    };
    match outbound::token(answer.access_token.expose()) {
        Ok(_) => Ok(answer),
        Err(why) => Err(CallbackError::NotAToken(why).to_string()),
    }
}

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::new(Code::AccessTokenCallbackFailed, format!("the access token callback: {why}"))
}
