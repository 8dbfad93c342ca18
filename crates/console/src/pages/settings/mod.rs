//! `/settings`: Zoom apps, API keys, the callback secret, and the workspace's settings.

pub(crate) mod apps;
pub(crate) mod keys;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::{ApiScope, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::{self, App};
use crate::{
    client::List,
    error::{self, PageError, go},
    form::Draft,
    format::{Id, State, Tone, When, number},
    layout::{Frame, Section},
    session::{Posted, Session},
};

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    apps: Vec<AppRow>,
    /// `None`: the session's key has no permission to list keys.
    keys: Option<Vec<KeyRow>>,
    scopes: Vec<&'static str>,
    draft: Draft,
    complaint: String,
    new_key: Option<String>,
    callback: Option<Callback>,
    callback_secret: Option<String>,
    chosen: Chosen,
    /// `None`: the session's key has no permission to list them.
    workspaces: Option<Vec<WorkspaceRow>>,
    session_ends: When,
    workspace_id: Id,
    /// `None`: the session's key has no permission to see it.
    installation: Option<Shown>,
}

/// What the page shows of the installation.
struct Shown {
    keys: Vec<SealingKey>,
    /// The names of retention periods, and their days.
    kept: Vec<(&'static str, u64)>,
}

struct SealingKey {
    id: String,
    state: State,
    from: When,
}

#[derive(Deserialize)]
struct Installation {
    keys: Vec<KeyOfRing>,
    kept_days: KeptDays,
}

#[derive(Deserialize)]
struct KeyOfRing {
    id: String,
    state: String,
    seals_from: Option<Timestamp>,
}

#[derive(Deserialize)]
struct KeptDays {
    bots: u64,
    screenshots: u64,
    bot_log: u64,
    meeting_events: u64,
    events: u64,
    audit: u64,
}

impl Shown {
    fn of(Installation { keys, kept_days }: Installation, now: Timestamp) -> Self {
        let key = |key: KeyOfRing| SealingKey {
            id: key.id,
            state: match key.state.as_str() {
                "active" => State::new(Tone::Good, "Seals"),
                "next" => State::new(Tone::Plain, "Seals soon"),
                _ => State::new(Tone::Plain, "Only opens old data"),
            },
            from: When::new(key.seals_from, now),
        };
        let KeptDays { bots, screenshots, bot_log, meeting_events, events, audit } = kept_days;
        let kept = vec![
            ("Audit", audit),
            ("Bots that have ended", bots),
            ("Their screenshots", screenshots),
            ("Their logs", bot_log),
            ("Names, chat and captions of meetings", meeting_events),
            ("Events and their deliveries", events),
        ];
        Self { keys: keys.into_iter().map(key).collect(), kept }
    }
}

struct AppRow {
    id: String,
    client_id: String,
    kind: &'static str,
    state: State,
    webhook: When,
    created: When,
    /// The errors of new secrets for the app.
    draft: Draft,
    complaint: String,
}

/// A workspace of the installation.
struct WorkspaceRow {
    id: Id,
    name: String,
    /// The limit of bots that run at once.
    most_bots: String,
    created: When,
    is_own: bool,
}

#[derive(Deserialize)]
struct Workspace {
    id: String,
    name: String,
    bot_limit: Option<u64>,
    created_at: Timestamp,
}

impl WorkspaceRow {
    fn of(workspace: Workspace, own: &str, now: Timestamp) -> Self {
        Self {
            is_own: workspace.id == own,
            id: Id(workspace.id),
            name: workspace.name,
            most_bots: workspace.bot_limit.map_or_else(|| "as configured".to_owned(), number),
            created: When::new(workspace.created_at, now),
        }
    }
}

struct KeyRow {
    id: String,
    name: String,
    prefix: String,
    scopes: String,
    used: When,
    created: When,
    state: State,
    is_alive: bool,
    is_own: bool,
}

struct Callback {
    former_ends: When,
}

#[derive(Deserialize)]
struct Key {
    id: String,
    name: String,
    prefix: String,
    scopes: Vec<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct CallbackSecret {
    former_ends_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Chosen {
    second_authorization: String,
    ignored_fields: String,
}

/// What a page shows in addition after an action.
#[derive(Default)]
pub(crate) struct PageState {
    pub(crate) draft: Draft,
    /// The app whose new secrets were refused, and why.
    pub(crate) app: Option<(String, Draft)>,
    /// A new key.
    pub(crate) key: Option<String>,
    /// A new callback secret.
    pub(crate) callback_secret: Option<String>,
}

impl AppRow {
    fn of(app: &App, refused: Option<&(String, Draft)>, now: Timestamp) -> Self {
        let refused = refused.filter(|(id, _)| *id == app.id);
        let draft = refused.map(|(_, draft)| draft.clone()).unwrap_or_default();
        let state = match app.latchkey_refused_since {
            Some(_) => State::new(Tone::Bad, "Zoom refuses its id or secret"),
            None => State::new(Tone::Good, "Registered"),
        };
        Self {
            id: app.id.clone(),
            client_id: app.client_id.clone(),
            kind: app.kind_in_words(),
            state,
            webhook: When::new(app.webhook_last_validation, now),
            created: When::new(app.created_at, now),
            complaint: draft.complaint(["client_secret", "webhook_secret"]),
            draft,
        }
    }
}

impl KeyRow {
    fn of(key: Key, own: &str, now: Timestamp) -> Self {
        let state = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => State::new(Tone::Plain, "Revoked"),
            (None, Some(end)) if now >= end => State::new(Tone::Plain, "Expired"),
            _ => State::new(Tone::Good, "In force"),
        };
        Self {
            is_alive: state.tone == Tone::Good,
            is_own: key.id == own,
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes.join(", "),
            used: When::new(key.last_used_at, now),
            created: When::new(key.created_at, now),
            state,
        }
    }
}

pub(crate) async fn show(
    session: &Session,
    status: StatusCode,
    fresh: PageState,
) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let own = session.key().id.to_string();
    let keys = if session.may(ApiScope::Admin) {
        let keys: List<Key> = client.get("/api/latchkey/v1/api-keys/").await?;
        Some(keys.results.into_iter().map(|key| KeyRow::of(key, &own, now)).collect())
    } else {
        None
    };
    let callback = if session.may(ApiScope::Tokens) {
        let secret: CallbackSecret = client.get("/api/latchkey/v1/callback-secret/").await?;
        Some(Callback { former_ends: When::new(secret.former_ends_at, now) })
    } else {
        None
    };
    let installation = if session.may(ApiScope::Admin) {
        Some(Shown::of(client.get("/api/latchkey/v1/installation/").await?, now))
    } else {
        None
    };
    let workspaces = if session.may(ApiScope::Operator) {
        let all: List<Workspace> = client.get("/api/latchkey/v1/workspaces/").await?;
        let own = session.key().workspace.to_string();
        Some(all.results.into_iter().map(|workspace| WorkspaceRow::of(workspace, &own, now)).collect())
    } else {
        None
    };
    let chosen: Chosen = client.get("/api/latchkey/v1/settings/").await?;
    let apps = accounts::apps(client).await?;
    let page = SettingsPage {
        frame: session.frame("Settings", Section::Settings),
        apps: apps.iter().map(|app| AppRow::of(app, fresh.app.as_ref(), now)).collect(),
        keys,
        // A key cannot create a key with more rights than its own.
        scopes: ApiScope::ALL.into_iter().filter(|scope| session.may(*scope)).map(ApiScope::as_str).collect(),
        complaint: fresh.draft.complaint(["name", "scopes", "expires_at"]),
        draft: fresh.draft,
        new_key: fresh.key,
        callback,
        callback_secret: fresh.callback_secret,
        chosen,
        workspaces,
        session_ends: When::new(session.until, now),
        workspace_id: Id(session.key().workspace.to_string()),
        installation,
    };
    error::page_with(status, &page)
}

pub(crate) async fn page(session: Session) -> Result<Response, PageError> {
    show(&session, StatusCode::OK, PageState::default()).await
}

/// `POST /settings`: what happens at a second authorization, and with fields without effect.
pub(crate) async fn choose(Posted { session, form }: Posted) -> Result<Response, PageError> {
    let choice = form.body(["second_authorization", "ignored_fields"]);
    session.client.patch("/api/latchkey/v1/settings/", Value::Object(choice)).await?;
    Ok(go(&session.console, "/settings?said=settings-changed"))
}

/// `POST /settings/callback-secret`: creates a new one, which is shown once.
pub(crate) async fn rotate_callback_secret(Posted { session, .. }: Posted) -> Result<Response, PageError> {
    let made = session.client.post("/api/latchkey/v1/callback-secret/rotate/", json!({})).await?;
    let callback_secret = made["secret"].as_str().map(str::to_owned);
    show(&session, StatusCode::OK, PageState { callback_secret, ..PageState::default() }).await
}
