//! The body of an event as it is sent. An event about an account that provides no tokens, or soon may not, also gets a
//! link that reconnects the account, and the bots that are scheduled with it. These are not stored: the bots are those at
//! the time of sending, and the link is a secret.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{CredentialId, Failure, Sealed, Secret, Timestamp, WorkspaceId, ZoomOauthAppId, chain};
use serde_json::{Map, Value};
use store::{NewEvent, event_bodies::SentAccountEvent, event_body};
use tenants::{Cell, Vault};

use crate::Parts;

/// How long after an event its link is valid. This is longer than the event may be retried, so that a person has some days.
const LINK_TTL: Duration = Duration::from_secs(7 * 24 * 3600);
/// The most bots that are listed. The total number is always sent.
const MAX_NAMED: u32 = 20;

/// States of an account in which bots may get no token, and in which its owner can reconnect it.
const IN_TROUBLE: [&str; 3] = [
    "zoom_oauth_credential.degraded",
    "zoom_oauth_credential.needs_reauth",
    "zoom_oauth_credential.disconnected",
];

/// The body of an event as it is sent. `link` formats the link that reconnects the account.
pub(crate) async fn body(parts: &Parts, event: &NewEvent, link: impl FnOnce(&Reconnect) -> String) -> String {
    if !IN_TROUBLE.contains(&event.kind.as_str()) {
        return event.body.clone();
    }
    match with_more(parts, event, link).await {
        Ok(body) => body,
        Err(failure) => {
            // The event is sent without the additions, because it is more important than they are.
            tracing::warn!(event = %event.id, failure = %chain(&failure), "an event is sent without its link and its affected bots");
            event.body.clone()
        }
    }
}

async fn with_more(
    parts: &Parts,
    event: &NewEvent,
    link: impl FnOnce(&Reconnect) -> String,
) -> Result<String, Failure> {
    let unreadable =
        || Failure::new(model::Code::Internal, "the stored body of an event could not be parsed");
    let mut stored: Value = serde_json::from_str(&event.body).map_err(|_| unreadable())?;
    let data: Map<String, Value> = match stored["data"].take() {
        Value::Object(data) => data,
        _ => return Err(unreadable()),
    };
    let account = data.get("zoom_oauth_credential").ok_or_else(unreadable)?;
    let read = |name: &str| account[name].as_str().ok_or_else(unreadable);
    let id: CredentialId = read("id")?.parse().map_err(|_| unreadable())?;
    let app: ZoomOauthAppId = read("oauth_app")?.parse().map_err(|_| unreadable())?;
    let stake = parts.scheduled.at_stake(event.workspace, id, parts.env.now(), MAX_NAMED).await?;
    let reconnect = Reconnect { workspace: event.workspace, account: id, app, until: event.at + LINK_TTL };
    let sent = SentAccountEvent { event: data, at_stake: Some(stake), connect_link: Some(link(&reconnect)) };
    Ok(event_body(&event.kind, &sent))
}

/// A link to an invitation to reconnect an account. The link contains its parameters, sealed, so nothing is stored before it
/// is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconnect {
    /// The workspace of the account.
    pub workspace: WorkspaceId,
    /// The account to reconnect.
    pub account: CredentialId,
    /// The app that the account was connected with.
    pub app: ZoomOauthAppId,
    /// When the link expires.
    pub until: Timestamp,
}

impl Reconnect {
    pub(crate) fn address(&self, parts: &Parts) -> String {
        let note = Secret::new(format!("{} {}", self.app, self.until.as_microsecond()));
        let sealed = parts.vault.seal(self.workspace, Cell::Reconnect(self.account), &note);
        let mut url = parts.broker.addresses.at("oauth/zoom/reconnect");
        url.query_pairs_mut()
            .append_pair("workspace", &self.workspace.to_string())
            .append_pair("account", &self.account.to_string())
            .append_pair("token", &BASE64_URL_SAFE_NO_PAD.encode(sealed.0));
        url.into()
    }

    /// Reads the token of a link. Returns `None` if it is invalid or has expired.
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
