//! `/accounts`: connected Zoom accounts.

pub(crate) mod choices;
pub(crate) mod connect;
pub(crate) mod connect_links;
pub(crate) mod detail;
pub(crate) mod disconnect;

use std::collections::{BTreeSet, HashMap};

use askama::Template;
use axum::{extract::Query, response::Response};
use model::Timestamp;
use serde::Deserialize;

use crate::{
    client::{Client, List, Refused},
    error::{self, PageError},
    format::{State, When, cursor_of, query, shortened},
    layout::{Frame, Section},
    session::Session,
};

/// An account in the API's answer.
#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the API's names")]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) oauth_app: String,
    pub(crate) latchkey_status: String,
    pub(crate) latchkey_status_since: Timestamp,
    pub(crate) latchkey_trouble: Option<String>,
    pub(crate) latchkey_missing_scopes: Vec<String>,
    pub(crate) latchkey_missing_meeting_scopes: Vec<String>,
    pub(crate) kind: String,
    pub(crate) user_id: Option<String>,
    pub(crate) account_id: String,
    pub(crate) display_name: String,
    pub(crate) latchkey_email: Option<String>,
    pub(crate) latchkey_refresh_at: Option<Timestamp>,
    pub(crate) latchkey_used_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
}

impl Account {
    /// A name for people, never empty.
    pub(crate) fn name(&self) -> &str {
        if self.display_name.trim().is_empty() { &self.id } else { &self.display_name }
    }

    pub(crate) fn state(&self) -> State {
        State::of_account(&self.latchkey_status)
    }

    /// Whether a consent in a browser can connect it again.
    pub(crate) fn reconnects(&self) -> bool {
        self.kind == "user_oauth" && !self.works()
    }

    pub(crate) fn works(&self) -> bool {
        matches!(self.latchkey_status.as_str(), "healthy" | "degraded")
    }

    pub(crate) fn kind_in_words(&self) -> &'static str {
        match self.kind.as_str() {
            "server_to_server" => "server-to-server app",
            "customer_managed" => "tokens from your own server",
            _ => "a user's consent",
        }
    }
}

/// A registered Zoom app.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) client_id: String,
    pub(crate) webhook_last_validation: Option<Timestamp>,
    pub(crate) latchkey_refused_since: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
}

impl App {
    pub(crate) fn kind_in_words(&self) -> &'static str {
        match self.kind.as_str() {
            "server_to_server" => "server to server",
            "account_level" => "admin-managed",
            _ => "user-managed",
        }
    }
}

pub(crate) async fn apps(client: &Client) -> Result<Vec<App>, Refused> {
    let list: List<App> = client.get("/api/v2/zoom-oauth-apps/").await?;
    Ok(list.results)
}

/// The names of these accounts, to show in place of ids. Deleted accounts have none.
pub(crate) async fn names_of<'i>(
    client: &Client,
    ids: impl Iterator<Item = &'i str>,
) -> Result<HashMap<String, String>, Refused> {
    let ids: BTreeSet<&str> = ids.collect();
    let mut names = HashMap::new();
    for id in ids {
        if let Some(account) = one(client, id).await? {
            names.insert(id.to_owned(), account.name().to_owned());
        }
    }
    Ok(names)
}

/// An account, if it exists.
async fn one(client: &Client, id: &str) -> Result<Option<Account>, Refused> {
    client.find(&format!("/api/v2/zoom-oauth-credentials/{id}/")).await
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    rows: Vec<Row>,
    status: String,
    search: String,
    is_filtered: bool,
    has_apps: bool,
    next: Option<String>,
    previous: Option<String>,
}

struct Row {
    id: String,
    name: String,
    /// Whether it has a page: an account that was disconnected here has none.
    is_there: bool,
    email: Option<String>,
    app: String,
    /// The beginning of the app's id.
    shown_app: String,
    state: State,
    missing: bool,
    since: When,
    refresh: When,
    used: When,
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    status: String,
    #[serde(default)]
    search: String,
    #[serde(default)]
    cursor: String,
}

pub(crate) async fn page(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let PageQuery { status, search, cursor } = asked;
    let filter = query(&[("status", &status), ("latchkey_search", search.trim()), ("cursor", &cursor)]);
    let list: List<Account> = client.get(&format!("/api/v2/zoom-oauth-credentials/{filter}")).await?;
    let apps = apps(client).await?;
    let app_of = |id: &str| apps.iter().find(|app| app.id == id).map_or("", |app| &app.client_id).to_owned();
    let at = |cursor: Option<String>| {
        cursor.map(|cursor| query(&[("status", &status), ("search", &search), ("cursor", &cursor)]))
    };
    let page = AccountsPage {
        frame: session.frame("Accounts", Section::Accounts),
        next: at(cursor_of(list.next.as_deref())),
        previous: at(cursor_of(list.previous.as_deref())),
        rows: list
            .results
            .iter()
            .map(|account| Row {
                id: account.id.clone(),
                name: account.name().to_owned(),
                is_there: account.latchkey_status != "disconnected:asked",
                email: account.latchkey_email.clone(),
                shown_app: shortened(&app_of(&account.oauth_app)),
                app: app_of(&account.oauth_app),
                state: account.state(),
                missing: !account.latchkey_missing_scopes.is_empty(),
                since: When::new(account.latchkey_status_since, now),
                refresh: When::new(account.latchkey_refresh_at.filter(|_| account.works()), now),
                used: When::new(account.latchkey_used_at, now),
            })
            .collect(),
        is_filtered: !status.is_empty() || !search.is_empty() || !cursor.is_empty(),
        has_apps: !apps.is_empty(),
        status,
        search,
    };
    error::page(&page)
}
