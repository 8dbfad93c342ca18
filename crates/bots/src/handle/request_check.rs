//! Checks a request before a bot is created or changed.

use std::sync::Arc;

use broker::{MeetingMap, NamedAccount, PersonalLink, WrongField, tokens::Users};
use model::{Class, Code, CredentialId, Environment, Failure, WorkspaceId};
use store::{AppKind, MemberUsage, Pool, Pools, ZoomOauthApps};
use zoom::{LinkError, MeetingLink};

use super::new_bot::NotCreated;
use crate::request::{BotRequest, ZoomOptions};

/// The largest stored request in bytes, without images. The objects of Recall's API take a few hundred bytes.
const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// Checks requests against the apps, accounts and pools of the workspace.
pub(crate) struct RequestCheck {
    pub(crate) apps: Arc<dyn ZoomOauthApps + Send + Sync>,
    pub(crate) pools: Arc<dyn Pools + Send + Sync>,
    pub(crate) users: Arc<Users>,
    pub(crate) meeting_map: Arc<MeetingMap>,
    pub(crate) env: Environment,
}

impl RequestCheck {
    /// Replaces a personal link (`/my/NAME`) with the link of its meeting.
    pub(crate) async fn resolve_personal_link(
        &self,
        workspace: WorkspaceId,
        meeting_url: &mut String,
    ) -> Result<(), NotCreated> {
        let personal = MeetingLink::parse(meeting_url).is_err_and(|error| error == LinkError::Personal);
        let Some(name) = zoom::personal_name(meeting_url).filter(|_| personal) else { return Ok(()) };
        match self.meeting_map.personal_link(workspace, &name).await? {
            PersonalLink::Meeting(link) => link.expose().clone_into(meeting_url),
            PersonalLink::Unknown => {
                let words = format!(
                    "No connected account is known to have the personal link /my/{name}: connect its owner's account, \
                     or use the link that it leads to, with a meeting number."
                );
                return Err(NotCreated::Meeting(words));
            }
            PersonalLink::Several => {
                let words = format!(
                    "Several connected accounts have a personal link /my/{name}: use the link that it leads to, with a \
                     meeting number."
                );
                return Err(NotCreated::Meeting(words));
            }
        }
        Ok(())
    }

    /// Checks the app, the account and the pool. An e-mail address that names a user is replaced with the user's id.
    pub(crate) async fn check_sign_in(
        &self,
        workspace: WorkspaceId,
        zoom: &mut ZoomOptions,
    ) -> Result<(), NotCreated> {
        if let Some(app) = zoom.oauth_app {
            match self.apps.zoom_oauth_app(workspace, app).await?.map(|app| app.kind) {
                None => return refused("oauth_app", "This workspace has no such app."),
                Some(AppKind::ServerToServer) => {
                    let words = "A server-to-server app cannot sign a join: name a General app.";
                    return refused("oauth_app", words);
                }
                Some(AppKind::UserLevel | AppKind::AccountLevel) => {}
            }
        }
        if let Some(credential) = zoom.credential.or(zoom.obf_credential) {
            return self.check_account(workspace, credential, zoom).await;
        }
        let Some(pool) = zoom.pool else { return Ok(()) };
        match self.pools.pool(workspace, pool, self.env.now()).await? {
            None => refused("pool", "This workspace has no such pool."),
            Some((_, members)) if members.iter().any(|member| member.status.is_usable()) => Ok(()),
            Some((pool, members)) => refused("pool", dead_pool(&pool, &members)),
        }
    }

    async fn check_account(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
        zoom: &mut ZoomOptions,
    ) -> Result<(), NotCreated> {
        let own_field = if zoom.obf_credential.is_some() { "obf_credential" } else { "credential" };
        let named = self.users.name_account(workspace, credential, zoom.user.as_ref()).await;
        if let Ok(Err(WrongField { field, words })) = named {
            return refused(if field == "credential" { own_field } else { field }, words);
        }
        if let Some(words) = self.users.why_dead(workspace, credential).await? {
            return refused(own_field, words);
        }
        match named {
            Ok(Ok(NamedAccount { user, address })) => (zoom.user, zoom.user_address) = (user, address),
            // The bot joins later: its token is requested by the address, which is resolved then.
            Err(failure) if failure.class() == Class::Retry => {}
            Err(failure) => return Err(failure.into()),
            Ok(Err(_)) => {}
        }
        Ok(())
    }
}

/// Refuses a request that is too large to be stored.
pub(super) fn check_size(request: &BotRequest) -> Result<(), Failure> {
    let bytes = request.stored_bytes();
    if bytes <= MAX_REQUEST_BYTES {
        return Ok(());
    }
    let words = format!(
        "the request has {bytes} bytes without its images; at most {MAX_REQUEST_BYTES} are stored: leave out fields \
         that have no effect here"
    );
    Err(Failure::new(Code::RequestMalformed, words))
}

fn refused(field: &'static str, words: impl Into<String>) -> Result<(), NotCreated> {
    Err(NotCreated::Zoom(field, words.into()))
}

fn dead_pool(pool: &Pool, members: &[MemberUsage]) -> String {
    let states = members.iter().map(|member| format!("{} is {}", member.member.account.0, member.status));
    let states: Vec<_> = states.take(10).collect();
    let states = if states.is_empty() { "it is empty".to_owned() } else { states.join(", ") };
    format!("No account of the pool {} can sign in a bot ({states}): reconnect one, or add one.", pool.name)
}
