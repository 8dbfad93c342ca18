//! Accounts whose grant the customer manages: the customer's server returns access tokens at a URL that is as
//! secret as a key.
//!
//! There is no refresh token to lose and nothing to revoke here. A failure degrades the account and is
//! retried; such an account never needs a consent here.

use std::{sync::Arc, time::Duration};

use model::{Code, Environment, Failure, Secret, Timestamp, WorkspaceId, ZoomOauthAppId};
use outbound::{CallbackClient, CallbackError};
use rate_limits::Limits;
use store::{Credential, ZoomOauthApp};
use tenants::{Cell, Vault, Workspaces};
use url::Url;
use zoom::{ApiAccess, Fields, Grant, ZoomClient, ZoomError};

use super::{
    apps::Apps,
    grants::access_token,
    store_grant::{NewAccount, NewAccounts, Origin, Source, StoredGrant},
};

/// The shortest remaining lifetime of a customer's token.
const MIN_LIFE: Duration = Duration::from_secs(120);
/// The assumed lifetime if a token's expiry is unknown: short, so that the next fetch comes soon.
const SHORT_LIFE: Duration = Duration::from_secs(300);
/// Longer lifetimes are capped to this.
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
            ZoomError::TokenRejected => refused("Zoom does not accept the token"),
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
    /// `None` if this process does not call customers' servers.
    pub(crate) callbacks: Option<CallbackClient>,
}

impl Customers {
    /// The next access token of an account.
    pub(super) async fn next_grant(&self, before: &Credential) -> Result<Grant, Failure> {
        let app = self.apps.of_account(before.workspace, before.app).await?;
        let sealed = before.callback_url.as_ref();
        let sealed =
            sealed.ok_or_else(|| Failure::new(Code::Internal, "a usable account has no callback URL"))?;
        let url = self.vault.open(before.workspace, Cell::CallbackUrl(before.id), sealed)?;
        self.ask(&app, &url).await
    }

    /// Calls the customer's server, signed with the workspace's callback secret.
    async fn ask(&self, app: &ZoomOauthApp, url: &Secret) -> Result<Grant, Failure> {
        let callbacks = self.callbacks.as_ref();
        let callbacks = callbacks
            .ok_or_else(|| Failure::new(Code::Internal, "this process does not call customers' servers"))?;
        let keys = self.workspaces.callback_keys(app.workspace).await?;
        let answer = callbacks.ask(url.expose(), &keys).await.map_err(|error| match error {
            CallbackError::TooSlow => Failure::of(Code::AccessTokenCallbackTimeout, error),
            error => refused(error),
        })?;
        let answer = read(&answer).map_err(refused)?;
        let life = life_of(app, &answer, self.zoom.clock().now()).map_err(refused)?;
        Ok(Grant {
            access_token: Some(answer.access_token),
            refresh_token: None,
            expires_in: life,
            scopes: Some(Vec::new()),
            api_url: None,
        })
    }
}

/// The lifetime of the token: the shorter of its own claim and the customer's.
fn life_of(app: &ZoomOauthApp, answer: &Answer, now: Timestamp) -> Result<Duration, &'static str> {
    let claims = zoom::unverified_claims(&answer.access_token);
    if claims.client_id.is_some_and(|client_id| client_id != app.client_id) {
        return Err("the token belongs to another Zoom app");
    }
    let (said, unreadable) = match answer.ends {
        Ends::At(end) => (Some(end), false),
        Ends::Unreadable => (None, true),
        Ends::Unsaid => (None, false),
    };
    if unreadable {
        tracing::warn!(app = %app.id, "expires_at in the answer of an access token callback is not a valid time and is ignored");
    }
    let life = match [claims.expires_at, said].into_iter().flatten().min() {
        Some(end) => end.since(now),
        None if unreadable => SHORT_LIFE,
        None => return Err("neither the token nor expires_at says when the token expires"),
    };
    if life < MIN_LIFE { Err("the token is valid for less than 120 s") } else { Ok(life.min(MAX_LIFE)) }
}

/// The answer of a customer's server.
struct Answer {
    access_token: Secret,
    ends: Ends,
}

/// When a token expires, according to the customer.
#[derive(Debug, PartialEq, Eq)]
enum Ends {
    Unsaid,
    Unreadable,
    At(Timestamp),
}

/// Reads a JSON object with the token as `token` or `access_token`, or the token alone.
fn read(text: &Secret) -> Result<Answer, String> {
    let text = text.expose().trim();
    let answer = if text.starts_with('{') {
        let fields = Fields::of(text.as_bytes()).ok_or("the answer is not JSON")?;
        let token = fields.get("access_token").or_else(|| fields.get("token"));
        Answer { access_token: token.ok_or("the answer has no token")?, ends: ends(&fields) }
    } else {
        Answer { access_token: Secret::new(text), ends: Ends::Unsaid }
    };
    match outbound::token(answer.access_token.expose()) {
        Ok(_) => Ok(answer),
        Err(why) => Err(CallbackError::NotAToken(why).to_string()),
    }
}

/// Reads a time in ISO 8601, or seconds or milliseconds since 1970, as a number or as text.
fn ends(fields: &Fields) -> Ends {
    const FIELD: &str = "expires_at";
    let written = || fields.get::<String>(FIELD)?.trim().parse().ok();
    let counted = || match fields.whole(FIELD)? {
        // A time before 2001 is not plausible.
        ..1_000_000_000 => None,
        seconds @ ..100_000_000_000 => Some(Timestamp::from_second(seconds)),
        milliseconds => Some(Timestamp::from_microsecond(milliseconds.saturating_mul(1000))),
    };
    match written().or_else(counted) {
        Some(end) => Ends::At(end),
        None if fields.says(FIELD) => Ends::Unreadable,
        None => Ends::Unsaid,
    }
}

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::new(Code::AccessTokenCallbackFailed, format!("the access token callback: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Timestamp = Timestamp::from_second(1_800_003_600);

    fn read_with(expires_at: &str) -> Ends {
        let answer = format!(
            r#"{{"other": 1e400, "token": "opaque-token-of-a-customers-own-server", "expires_at": {expires_at}}}"#
        );
        let answer = read(&Secret::new(answer)).unwrap_or_else(|why| panic!("{expires_at}: {why}"));
        assert_eq!(answer.access_token.expose(), "opaque-token-of-a-customers-own-server");
        answer.ends
    }

    #[test]
    fn an_expiry_is_read_in_every_format_and_an_unreadable_one_does_not_lose_the_token() {
        for written in [
            "1800003600",
            "1800003600.9",
            "1.8000036e9",
            "1800003600000",
            r#""1800003600""#,
            r#"" 1800003600.5 ""#,
            r#""1800003600000""#,
            r#""2027-01-15T09:00:00Z""#,
            r#"" 2027-01-15T10:00:00+01:00 ""#,
        ] {
            assert_eq!(read_with(written), Ends::At(END), "{written}");
        }
        for odd in [
            "1e400",
            "-1",
            "0",
            "3600",
            "true",
            "[]",
            "{}",
            "[1800003600]",
            r#"{"at": 1}"#,
            r#""""#,
            r#""soon""#,
            r#""\ud800""#,
            r#""1e999""#,
        ] {
            assert_eq!(read_with(odd), Ends::Unreadable, "{odd}");
        }
        assert_eq!(read_with("null"), Ends::Unsaid);
        assert_eq!(read_with("9e18"), Ends::At(Timestamp::from_microsecond(i64::MAX)));
    }
}
