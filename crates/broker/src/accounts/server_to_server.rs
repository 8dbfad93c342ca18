//! Accounts of server-to-server apps: no consent, no refresh token, tokens for every user of the app's Zoom account.

use std::sync::Arc;

use model::{Code, CredentialId, Environment, Failure, WorkspaceId, ZoomOauthAppId};
use rate_limits::Limits;
use store::AppKind;
use zoom::ZoomClient;

use super::{
    apps::Apps,
    store_grant::{NewAccount, NewAccounts, Origin, Source},
};

/// Connects the Zoom accounts of server-to-server apps.
pub struct ServerToServer {
    pub(crate) env: Environment,
    pub(crate) zoom: ZoomClient,
    pub(crate) apps: Arc<Apps>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) new_accounts: Arc<NewAccounts>,
}

impl ServerToServer {
    /// Connects the Zoom account of a server-to-server app and fetches a token at once, or returns Zoom's
    /// refusal. `None` when the workspace has no such app. An app has one account, which keeps its id.
    pub async fn connect(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
    ) -> Result<Option<CredentialId>, Failure> {
        let Some(app) = self.apps.find(workspace, app).await? else { return Ok(None) };
        let account = app.zoom_account_id.clone().filter(|_| app.kind == AppKind::ServerToServer);
        let account = account.ok_or_else(|| {
            Failure::new(Code::RequestMalformed, "the app is not a server-to-server app: connect users to it")
        })?;
        let turn = self.limits.token_turn(app.id).await?;
        let answer =
            turn.with_answer(self.zoom.account_credentials(&self.apps.keys_of(&app)?, &account).await);
        self.apps.record_answer(&app, &answer).await;
        let source = Source::Account(account);
        let new = NewAccount {
            workspace,
            app: app.id,
            source,
            grant: answer?,
            granted_at: self.env.now(),
            callback_url: None,
        };
        Ok(self.new_accounts.store_grant(&new, Origin::Api).await?.map(|stored| stored.id))
    }
}
