//! What is told of an event beyond what is stored: of an account that needs a person, where to connect it again, and the bots
//! that are scheduled with it. Both are as of now, and the link is a secret, so neither is stored.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bots::at_stake;
use model::{CredentialId, Failure, Sealed, Secret, Timestamp, WorkspaceId, ZoomOauthAppId};
use serde_json::{Value, json};
use store::NewEvent;
use tenants::{Cell, Vault};

use crate::Parts;

/// How long after an event its link is valid: while it is delivered, and some days more for the person.
const LINK_TTL: Duration = Duration::from_secs(7 * 24 * 3600);

/// States of an account in which a person has to connect it again.
const NEED_A_PERSON: [&str; 2] = ["zoom_oauth_credential.needs_reauth", "zoom_oauth_credential.disconnected"];
/// And one in which it may come to that.
const DEGRADED: &str = "zoom_oauth_credential.degraded";

/// The body of an event as it is sent.
pub(crate) async fn body(parts: &Parts, event: &NewEvent) -> String {
    let needs_a_person = NEED_A_PERSON.contains(&event.kind.as_str());
    if !needs_a_person && event.kind != DEGRADED {
        return event.body.clone();
    }
    match with_more(parts, event, needs_a_person).await {
        Ok(body) => body,
        Err(failure) => {
            // The event is worth more than what is added to it.
            tracing::warn!(event = %event.id, %failure, "an event is told without what is at stake");
            event.body.clone()
        }
    }
}

async fn with_more(parts: &Parts, event: &NewEvent, needs_a_person: bool) -> Result<String, Failure> {
    let unreadable = || Failure::new(model::Code::Internal, "the body of an event is not readable");
    let mut body: Value = serde_json::from_str(&event.body).map_err(|_| unreadable())?;
    let account = &body["data"]["zoom_oauth_credential"];
    let read = |name: &str| account[name].as_str().ok_or_else(unreadable);
    let id: CredentialId = read("id")?.parse().map_err(|_| unreadable())?;
    let app: ZoomOauthAppId = read("oauth_app")?.parse().map_err(|_| unreadable())?;
    let stake = at_stake(&*parts.scheduled, &parts.vault, event.workspace, id, parts.env.now()).await?;
    body["data"]["at_stake"] = json!(stake);
    if needs_a_person {
        let link = Reconnect { workspace: event.workspace, account: id, app, until: event.at + LINK_TTL };
        body["data"]["connect_link"] = json!(link.address(parts));
    }
    Ok(body.to_string())
}

/// A link that leads to an invitation to connect an account again. It carries what it is for, sealed, so nothing is stored
/// before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconnect {
    /// Whose account.
    pub workspace: WorkspaceId,
    /// Which.
    pub account: CredentialId,
    /// The app that it was connected with.
    pub app: ZoomOauthAppId,
    /// Until when the link is good.
    pub until: Timestamp,
}

impl Reconnect {
    fn address(&self, parts: &Parts) -> String {
        let note = Secret::new(format!("{} {}", self.app, self.until.as_microsecond()));
        let sealed = parts.vault.seal(self.workspace, Cell::Reconnect(self.account), &note);
        let mut url = parts.broker.addresses.at("oauth/zoom/reconnect");
        url.query_pairs_mut()
            .append_pair("workspace", &self.workspace.to_string())
            .append_pair("account", &self.account.to_string())
            .append_pair("token", &BASE64_URL_SAFE_NO_PAD.encode(sealed.0));
        url.into()
    }

    /// Reads a link; `None` when it is not ours, or past its time.
    pub(crate) fn read(
        vault: &Vault,
        (workspace, account): (WorkspaceId, CredentialId),
        token: &str,
        now: Timestamp,
    ) -> Option<Self> {
        let sealed = Sealed(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?);
        let note = vault.try_open(workspace, Cell::Reconnect(account), &sealed).ok()?;
        let (app, until) = note.expose().split_once(' ')?;
        let (app, until) = (app.parse().ok()?, Timestamp::from_microsecond(until.parse().ok()?));
        (until > now).then_some(Self { workspace, account, app, until })
    }
}
