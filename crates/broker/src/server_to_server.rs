//! Accounts of server-to-server apps: no consent, no refresh token, tokens for every user of the app's Zoom account.

use model::{Code, CredentialId, Failure, WorkspaceId, ZoomOauthAppId};
use store::AppKind;

use crate::{
    Broker,
    admit::{Door, Newcomer, Source},
};

impl Broker {
    /// Connects the Zoom account of a server-to-server app, which is tried at once: with a token, or Zoom's refusal.
    /// `None` when the workspace has no such app. The same app has one account, which keeps its id.
    pub async fn connect_server_to_server(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
    ) -> Result<Option<CredentialId>, Failure> {
        let Some(app) = self.store.zoom_oauth_app(workspace, app).await? else { return Ok(None) };
        let account = app.zoom_account_id.clone().filter(|_| app.kind == AppKind::ServerToServer);
        let account = account.ok_or_else(|| {
            Failure::new(Code::RequestMalformed, "the app is no server-to-server app: connect users to it")
        })?;
        let turn = self.token_turn(app.id).await?;
        let answer = turn.heard(self.zoom.account_credentials(&self.keys_of(&app)?, &account).await);
        self.judge_app(&app, &answer).await;
        let source = Source::Account(account);
        let newcomer = Newcomer {
            workspace,
            app: app.id,
            source,
            grant: answer?,
            granted_at: self.env.now(),
            callback_url: None,
        };
        Ok(self.admit(&newcomer, Door::Api).await?.map(|admitted| admitted.id))
    }
}
