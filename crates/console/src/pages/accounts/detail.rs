//! `/accounts/{id}`: one account.

use askama::Template;
use axum::response::Response;
use model::{Code, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Account, App, apps};
use crate::{
    client::{Client, List, Refused},
    error::{self, PageError, go, missing},
    format::{Id, State, Tone, When, query, words},
    id_names::{Names, WithNames},
    layout::{Frame, Section},
    session::{PathId, Posted, Session},
};

/// Pages of token links that are searched for links that use the account.
const LINK_PAGES: usize = 5;
/// The most audit records on the page.
const RECORDS: usize = 20;
/// The most log lines on the page.
const LINES: usize = 50;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    id: String,
    name: String,
    account: Account,
    state: State,
    since: When,
    refresh: When,
    used: When,
    created: When,
    app: Option<App>,
    /// What to do, if there is a problem.
    cure: Option<Remedy>,
    link: Option<NewLink>,
    links: Vec<Named>,
    pools: Vec<Named>,
    scheduled: u64,
    timeline: Vec<Entry>,
    records: Vec<Record>,
    shown_id: Id,
    app_id: Id,
}

struct Remedy {
    title: String,
    text: String,
    /// Whether a connect link for the account's owner can fix it.
    reconnect: bool,
}

/// A new connect link.
pub(crate) struct NewLink {
    pub(crate) url: String,
    pub(crate) until: When,
    /// Whose consent it accepts, if only one person's.
    pub(crate) only: Option<String>,
}

impl NewLink {
    pub(crate) fn read(made: &Value, only: Option<String>, now: Timestamp) -> Self {
        let text = |name: &str| made[name].as_str().unwrap_or_default();
        let until = text("expires_at").parse().ok();
        Self { url: text("url").to_owned(), until: When::new(until, now), only }
    }
}

struct Named {
    id: String,
    name: String,
}

struct Entry {
    at: When,
    tone: Tone,
    message: WithNames,
    code: Option<String>,
}

struct Record {
    at: When,
    kind: String,
    who: String,
    who_path: Option<String>,
    outcome: State,
    bot: Option<Id>,
    from: Option<String>,
}

#[derive(Deserialize)]
struct LogLine {
    message: String,
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct Event {
    status: Option<String>,
    code: Option<String>,
    message: String,
    created_at: Timestamp,
}

#[derive(Deserialize)]
pub(crate) struct TokenRecord {
    pub(crate) at: Timestamp,
    pub(crate) credential: String,
    pub(crate) kind: String,
    pub(crate) who: String,
    pub(crate) who_id: String,
    pub(crate) from: Option<String>,
    pub(crate) outcome: String,
    pub(crate) source: Option<String>,
    pub(crate) meeting: Option<Value>,
    pub(crate) bot: Option<String>,
    pub(crate) user: Option<String>,
}

impl TokenRecord {
    /// The token link that requested the token, if any.
    pub(crate) fn token_link(&self) -> Option<&str> {
        (self.who == "token_link").then_some(&*self.who_id)
    }

    /// The caller in words, and its page. Token links are shown by name.
    pub(crate) fn asker(&self, names: &Names) -> (String, Option<String>) {
        match self.who.as_str() {
            "token_link" => {
                let name = names.get(&self.who_id).map(|name| format!(" {name}")).unwrap_or_default();
                (format!("Token link{name}"), Some(format!("/token-links/{}", self.who_id)))
            }
            "bot" => ("Bot".into(), Some(format!("/bots/{}", self.who_id))),
            _ => ("API key".into(), None),
        }
    }

    pub(crate) fn state(&self) -> State {
        match self.outcome.as_str() {
            "given" => {
                let word =
                    if self.source.as_deref() == Some("minted") { "Given, minted" } else { "Given, stored" };
                State::new(Tone::Good, word)
            }
            code => State::new(Tone::Bad, words(code)),
        }
    }
}

#[derive(Deserialize)]
struct Link {
    id: String,
    name: String,
    credential: Option<String>,
    accounts: Option<Vec<OfLink>>,
    revoked_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct OfLink {
    credential: String,
}

#[derive(Deserialize)]
struct Pool {
    id: String,
    name: String,
    members: Vec<OfLink>,
}

pub(crate) async fn find(client: &Client, id: &str) -> Result<Account, PageError> {
    let account = client.find(&format!("/api/v2/zoom-oauth-credentials/{id}/")).await?;
    account.ok_or_else(missing("account", "/accounts"))
}

pub(crate) async fn page(session: Session, PathId(id): PathId) -> Result<Response, PageError> {
    show(&session, &id, None).await
}

async fn show(session: &Session, id: &str, link: Option<NewLink>) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let account = find(client, id).await?;
    let app = apps(client).await?.into_iter().find(|app| app.id == account.oauth_app);
    let mut records: List<TokenRecord> =
        client.get(&format!("/api/latchkey/v1/audit/?credential={}", account.id)).await?;
    records.results.truncate(RECORDS);
    let links = records.results.iter().filter_map(TokenRecord::token_link);
    let names = Names::read(client, &session.console.base, links).await?;
    let pools: List<Pool> = client.get("/api/latchkey/v1/pools/").await?;
    let is_in = |pool: &Pool| pool.members.iter().any(|member| member.credential == account.id);
    let page = AccountPage {
        frame: session.frame(account.name(), Section::Accounts),
        id: account.id.clone(),
        name: account.name().to_owned(),
        state: account.state(),
        since: When::new(account.latchkey_status_since, now),
        refresh: When::new(account.latchkey_refresh_at.filter(|_| account.works()), now),
        used: When::new(account.latchkey_used_at, now),
        created: When::new(account.created_at, now),
        cure: remedy(&account, app.as_ref()),
        link,
        links: links_with(client, &account.id).await?,
        pools: pools
            .results
            .into_iter()
            .filter(is_in)
            .map(|pool| Named { id: pool.id, name: pool.name })
            .collect(),
        scheduled: scheduled(client, &account.id).await?,
        timeline: timeline(session, &account.id, now).await?,
        records: records.results.iter().map(|record| shown(record, &names, now)).collect(),
        shown_id: Id(account.id.clone()),
        app_id: Id(account.oauth_app.clone()),
        app,
        account,
    };
    error::page(&page)
}

/// The number of bots that will sign in with an account.
pub(super) async fn scheduled(client: &Client, id: &str) -> Result<u64, Refused> {
    let list: List<Value> =
        client.get(&format!("/api/v1/bot/?status=ready&latchkey_credential={id}")).await?;
    Ok(list.count.unwrap_or(0))
}

/// What is wrong with an account, and how to fix it.
fn remedy(account: &Account, app: Option<&App>) -> Option<Remedy> {
    let name = account.name();
    if app.is_some_and(|app| app.latchkey_refused_since.is_some()) {
        return Some(Remedy {
            title: "Zoom refuses the app".into(),
            text: "Its id or secret is wrong, or Zoom has disabled the app: check that it is active at Zoom, and replace its \
                   client secret under Settings. No account is at fault."
                .into(),
            reconnect: false,
        });
    }
    let status = account.latchkey_status.as_str();
    if account.reconnects() {
        let why = match status {
            "needs_reauth:revoked" => "The grant was revoked at Zoom, by the user or an administrator.",
            "needs_reauth:response_lost" => {
                "Zoom issued a new token and its answer was lost, so no valid token is left."
            }
            "disconnected:app_deauthorized" => "The user removed the app at Zoom.",
            "disconnected:user_deactivated" => {
                "A Zoom administrator deactivated the user: they have to be activated there first."
            }
            "disconnected:user_deleted" => "The user was deleted at Zoom.",
            _ => "The account was disconnected here.",
        };
        return Some(Remedy {
            title: "What to do".into(),
            text: format!("{why} Send {name} a link: it accepts only this Zoom user's consent."),
            reconnect: true,
        });
    }
    if !account.latchkey_missing_scopes.is_empty() {
        let scopes = account.latchkey_missing_scopes.join(", ");
        return Some(Remedy {
            title: "A scope is missing".into(),
            text: format!(
                "Bots cannot sign in with it yet. Add {scopes} to the app in Zoom's Marketplace, under Scopes. Then have {name} \
                 consent again: a grant keeps the scopes it was given with."
            ),
            reconnect: account.kind == "user_oauth",
        });
    }
    if let Some(trouble) = &account.latchkey_trouble {
        let advice = Code::from_text(trouble).map_or("try again", Code::advice);
        return Some(Remedy {
            title: "The last refresh failed".into(),
            text: format!("Latchkey retries automatically ({trouble}). If it keeps failing: {advice}."),
            reconnect: false,
        });
    }
    None
}

async fn links_with(client: &Client, id: &str) -> Result<Vec<Named>, Refused> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    for _ in 0..LINK_PAGES {
        let path = format!("/api/latchkey/v1/token-links/{}", query(&[("cursor", &cursor)]));
        let page: List<Link> = client.get(&path).await?;
        let uses = |link: &Link| {
            let one_of = link.accounts.iter().flatten().any(|account| account.credential == id);
            link.revoked_at.is_none() && (one_of || link.credential.as_deref() == Some(id))
        };
        let named = |link: Link| {
            let name = if link.name.is_empty() { link.id.clone() } else { link.name };
            Named { id: link.id, name }
        };
        found.extend(page.results.into_iter().filter(uses).map(named));
        match crate::format::cursor_of(page.next.as_deref()) {
            Some(next) => cursor = next,
            None => break,
        }
    }
    Ok(found)
}

/// The account's log; lines about a change of state have its colour and code.
async fn timeline(session: &Session, id: &str, now: Timestamp) -> Result<Vec<Entry>, Refused> {
    let client = &session.client;
    let mut lines: List<LogLine> =
        client.get(&format!("/api/v2/zoom-oauth-credential-logs/?credential={id}")).await?;
    lines.results.truncate(LINES);
    let texts = lines.results.iter().map(|line| line.message.as_str());
    let names = Names::read(client, &session.console.base, texts).await?;
    let events: List<Event> =
        client.get(&format!("/api/latchkey/v1/credential-events/?credential={id}")).await?;
    let entry = |line: &LogLine| {
        let is_the_same =
            |event: &&Event| event.created_at == line.created_at && event.message == line.message;
        let event = events.results.iter().find(is_the_same);
        let status = event.and_then(|event| event.status.as_deref());
        let tone = status.map_or(Tone::Plain, |status| State::of_account(status).tone);
        Entry {
            at: When::new(line.created_at, now),
            tone,
            message: WithNames::new(line.message.clone(), &names),
            code: event.and_then(|event| event.code.clone()),
        }
    };
    Ok(lines.results.iter().map(entry).collect())
}

fn shown(record: &TokenRecord, names: &Names, now: Timestamp) -> Record {
    let (who, who_path) = record.asker(names);
    Record {
        at: When::new(record.at, now),
        kind: record.kind.to_uppercase().replace('_', " "),
        who,
        who_path,
        outcome: record.state(),
        bot: record.bot.clone().map(Id),
        from: record.from.clone(),
    }
}

/// `POST /accounts/{id}/check`
pub(crate) async fn check(PathId(id): PathId, Posted { session, .. }: Posted) -> Result<Response, PageError> {
    let account = find(&session.client, &id).await?;
    session
        .client
        .post(&format!("/api/v2/zoom-oauth-credentials/{}/validate/", account.id), json!({}))
        .await?;
    Ok(go(&session.console, &format!("/accounts/{}?said=checked", account.id)))
}

/// `POST /accounts/{id}/reconnect`: makes a connect link that accepts only this account's user.
pub(crate) async fn reconnect(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    let account = find(&session.client, &id).await?;
    let asked = json!({ "credential": account.id });
    let made = session.client.post("/api/latchkey/v1/connect-links/", asked).await?;
    let link = NewLink::read(&made, Some(account.name().to_owned()), session.now());
    show(&session, &account.id, Some(link)).await
}
