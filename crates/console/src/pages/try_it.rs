//! *Try it with the simulator*: creates an app, an account, a meeting and a bot, where a simulator replaces Zoom.
//!
//! Everything on this server's side goes through the API, like a person's own clicks; everything on Zoom's side is done at
//! the simulator. The consent is the real flow: the connect link, Zoom's page, Allow, the callback.

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderValue, Request, StatusCode,
        header::{COOKIE, LOCATION, SET_COOKIE},
    },
    response::Response,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::accounts::{Account, App, apps, detail::find};
use crate::{
    client::{List, Refused},
    error::{PageError, go},
    format::query,
    session::{PathId, Posted, Session},
    simulator::{Simulator, SimulatorError},
};

/// The scopes that bots need, and the one for listing who hosts which meeting.
const SCOPES: [&str; 4] =
    ["user:read:user", "user:read:zak", "user:read:token", "meeting:read:list_meetings"];
/// The user whose account the bot signs in with.
const ROBIN: (&str, &str) = ("robin@example.com", "Robin Notes");
/// The user whose meeting it joins.
const SAM: (&str, &str) = ("sam@example.com", "Sam Strict");
const SCRIPT: &str = include_str!("meeting.toml");

impl From<SimulatorError> for PageError {
    fn from(trouble: SimulatorError) -> Self {
        tracing::warn!(?trouble, "a call of the simulator failed");
        let code = "simulator".to_owned();
        Self::Refused(Refused { status: 502, code, detail: trouble.words(), fields: Vec::new() })
    }
}

fn simulator(session: &Session) -> Result<Simulator, PageError> {
    let address = session.console.simulator.as_ref().ok_or(PageError::Unknown)?;
    Ok(Simulator::open(address)?)
}

/// `POST /setup/try`
#[tracing::instrument(skip_all)]
pub(crate) async fn begin(Posted { session, .. }: Posted) -> Result<Response, PageError> {
    let simulator = simulator(&session)?;
    let app = app(&session, &simulator).await?;
    let robin = simulator.user(ROBIN.0, ROBIN.1).await?;
    let account = match working_account(&session, &app.id, &robin.id).await? {
        Some(account) => account,
        None => connect(&session, &simulator, json!({ "oauth_app": app.id }), &robin.id).await?,
    };
    let sam = simulator.user(SAM.0, SAM.1).await?;
    let meeting = json!({
        "host_id": sam.id, "topic": "Signed-in users only", "passcode": "latch1", "sign_in": "any", "started": true,
        "webrtc_video": true,
    });
    let link = simulator.meeting(&meeting, SCRIPT).await?;
    let bot = json!({
        "meeting_url": link,
        "bot_name": "Notes",
        "zoom": { "credential": account },
        "recording_config": { "transcript": { "provider": { "meeting_captions": {} } } },
        "chat": { "on_bot_join": { "send_to": "everyone", "message": "Hello, I take the notes." } },
    });
    let made = session.client.post("/api/v1/bot/", bot).await?;
    let id = made["id"].as_str().unwrap_or_default();
    Ok(go(&session.console, &format!("/bots/{id}?said=tried")))
}

/// An app that is registered here and at the simulator. A restarted simulator has no apps.
async fn app(session: &Session, simulator: &Simulator) -> Result<App, PageError> {
    let base = session.console.public_base.as_str().trim_end_matches('/');
    let redirect_url = format!("{base}/oauth/zoom/callback");
    let there = simulator.apps().await?;
    let works = |app: &App| {
        let known = there.iter().find(|known| known.client_id == app.client_id);
        app.latchkey_refused_since.is_none()
            && known.is_some_and(|known| known.redirect_uris.contains(&redirect_url))
    };
    if let Some(app) = apps(&session.client).await?.into_iter().find(works) {
        return Ok(app);
    }
    let app = simulator.make_app(&redirect_url, &SCOPES).await?;
    let webhook_secret = session.console.env.entropy.token();
    let registration = json!({
        "kind": "user_level", "client_id": app.client_id, "client_secret": app.client_secret, "webhook_secret": webhook_secret,
    });
    let made = session.client.post("/api/v2/zoom-oauth-apps/", registration).await?;
    let id = made["id"].as_str().unwrap_or_default().to_owned();
    // The simulator sends webhooks only to this machine. Otherwise the next refresh finds the account dead.
    let webhook = json!({ "url": format!("{base}/api/v2/zoom-oauth-apps/{id}/webhook"), "secret_token": webhook_secret });
    if let Err(trouble) =
        simulator.call(Method::PUT, &format!("/apps/{}/webhook", app.client_id), &webhook).await
    {
        tracing::warn!(?trouble, "the simulator sends this server no webhooks");
    }
    let registered = apps(&session.client).await?.into_iter().find(|app| app.id == id);
    registered.ok_or(PageError::Failed)
}

async fn working_account(session: &Session, app: &str, user: &str) -> Result<Option<String>, Refused> {
    let filter = query(&[("user_id", user)]);
    let accounts: List<Account> =
        session.client.get(&format!("/api/v2/zoom-oauth-credentials/{filter}")).await?;
    let works = |account: &Account| account.oauth_app == app && account.works();
    Ok(accounts.results.into_iter().find(works).map(|account| account.id))
}

/// Connects an account as its owner does: opens the link, consents at Zoom, comes back. Returns the account's id.
async fn connect(
    session: &Session,
    simulator: &Simulator,
    asked: Value,
    user: &str,
) -> Result<String, PageError> {
    let made = session.client.post("/api/latchkey/v1/connect-links/", asked).await?;
    let link = made["url"].as_str().unwrap_or_default();
    let (_, departure) = browse(session, &format!("{link}&go=zoom"), None).await?;
    let header =
        |name| departure.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let cookie = header(SET_COOKIE).split(';').next().unwrap_or_default();
    let back = simulator.allow(user, header(LOCATION)).await?;
    let (status, _) = browse(session, &back, Some(cookie)).await?;
    if !status.is_success() {
        let refused = SimulatorError::Refused { call: "the consent".to_owned(), answer: status.to_string() };
        return Err(refused.into());
    }
    let filter = query(&[("user_id", user)]);
    let accounts: List<Account> =
        session.client.get(&format!("/api/v2/zoom-oauth-credentials/{filter}")).await?;
    let connected = accounts.results.into_iter().find(Account::works);
    connected.map(|account| account.id).ok_or(PageError::Failed)
}

/// This server's answer to a browser at one of its own addresses.
async fn browse(
    session: &Session,
    address: &str,
    cookie: Option<&str>,
) -> Result<(StatusCode, HeaderMap), PageError> {
    let base = session.console.public_base.as_str().trim_end_matches('/');
    let path = address.strip_prefix(base).ok_or(PageError::Failed)?;
    let mut request = Request::builder().uri(path);
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    let request = request.body(Body::empty()).map_err(|_| PageError::Failed)?;
    let (answer, _) = session.client.api.call(session.key(), request).await.into_parts();
    Ok((answer.status, answer.headers))
}

/// `POST /accounts/{id}/simulate/removal`: the user removes the app, as in Zoom's Marketplace.
#[tracing::instrument(skip_all, fields(account = %id))]
pub(crate) async fn remove_app(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    let simulator = simulator(&session)?;
    let account = find(&session.client, &id).await?;
    let app = apps(&session.client).await?.into_iter().find(|app| app.id == account.oauth_app);
    let (app, user) = app.zip(account.user_id).ok_or(PageError::Unknown)?;
    simulator.call(Method::DELETE, &format!("/users/{user}/apps/{}", app.client_id), &Value::Null).await?;
    Ok(go(&session.console, &format!("/accounts/{id}?said=removed-at-zoom")))
}

/// `POST /accounts/{id}/simulate/consent`: the owner opens a link for this account only, and consents again.
#[tracing::instrument(skip_all, fields(account = %id))]
pub(crate) async fn consent(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    let simulator = simulator(&session)?;
    let account = find(&session.client, &id).await?;
    let user = account.user_id.ok_or(PageError::Unknown)?;
    connect(&session, &simulator, json!({ "credential": id }), &user).await?;
    Ok(go(&session.console, &format!("/accounts/{id}?said=consented")))
}
