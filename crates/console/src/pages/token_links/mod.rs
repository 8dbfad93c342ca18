//! `/token-links`: addresses that bot platforms fetch tokens from.

pub(crate) mod make;
pub(crate) mod test;

use askama::Template;
use axum::{extract::Query, response::Response};
use model::{Code, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use store::Dialect;
use token_links::dialects::{Platform, rules};

use super::accounts::names_of;
use crate::{
    client::{Client, List, Refused},
    error::{self, PageError, go, missing},
    format::{Id, State, Tone, When, cursor_of, number, query, shortened, words},
    layout::{Frame, Section},
    session::{PathId, Posted, Session},
};

const PATH: &str = "/api/latchkey/v1/token-links/";

/// A link in the API's answer.
#[derive(Deserialize)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) name: String,
    dialect: Dialect,
    kinds: Vec<String>,
    accounts: Option<Vec<OfLink>>,
    pool: Option<String>,
    host: bool,
    meeting: Option<Value>,
    verification: String,
    networks: Vec<String>,
    expires_at: Option<Timestamp>,
    max_uses: Option<u64>,
    uses: Option<u64>,
    per_minute: Option<u64>,
    last_uses: Vec<Use>,
    refusals: Vec<RefusedRequests>,
    revoked_at: Option<Timestamp>,
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct OfLink {
    credential: String,
}

#[derive(Deserialize)]
struct Use {
    at: Timestamp,
    kind: String,
    outcome: String,
    from: Option<String>,
    bot: Option<String>,
}

#[derive(Deserialize)]
struct RefusedRequests {
    code: String,
    count: u64,
    last_at: Timestamp,
}

/// Whose tokens a link gives: text and page.
struct Whose {
    words: String,
    path: Option<String>,
}

#[derive(Template)]
#[template(path = "token_links.html")]
struct LinksPage {
    frame: Frame,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    id: String,
    name: String,
    platform: &'static str,
    kinds: String,
    whose: Vec<Whose>,
    state: State,
    last: When,
}

#[derive(Template)]
#[template(path = "token_link.html")]
struct LinkPage {
    frame: Frame,
    id: String,
    shown_id: Id,
    name: String,
    platform: Platform,
    kinds: String,
    whose: Vec<Whose>,
    state: State,
    is_alive: bool,
    link: Link,
    expires: When,
    created: When,
    uses: Vec<UseRow>,
    refusals: Vec<Refusals>,
    proof: &'static str,
    rate: String,
}

/// Refused requests of one cause, and what to do.
struct Refusals {
    count: String,
    words: String,
    code: String,
    last: When,
    advice: &'static str,
}

struct UseRow {
    at: When,
    kind: String,
    outcome: State,
    from: Option<String>,
    bot: Option<Id>,
}

#[derive(Deserialize)]
struct Pool {
    id: String,
    name: String,
}

/// Names of accounts and pools.
struct Names {
    accounts: std::collections::HashMap<String, String>,
    pools: Vec<Pool>,
}

impl Names {
    /// Reads the names of the accounts and pools of these links.
    async fn read(client: &Client, links: &[Link]) -> Result<Self, Refused> {
        let pools: List<Pool> = client.get("/api/latchkey/v1/pools/").await?;
        let used = links.iter().flat_map(|link| link.accounts.iter().flatten());
        let accounts = names_of(client, used.map(|account| account.credential.as_str())).await?;
        Ok(Self { accounts, pools: pools.results })
    }

    fn whose(&self, link: &Link) -> Vec<Whose> {
        if link.host {
            return vec![Whose { words: "the meeting's host".into(), path: None }];
        }
        if let Some(id) = &link.pool {
            let name = self.pools.iter().find(|pool| pool.id == *id).map_or(id, |pool| &pool.name);
            return vec![Whose { words: format!("pool {name}"), path: Some(format!("/pools/{id}")) }];
        }
        let account = |account: &OfLink| Whose {
            words: self
                .accounts
                .get(&account.credential)
                .cloned()
                .unwrap_or_else(|| shortened(&account.credential)),
            path: Some(format!("/accounts/{}", account.credential)),
        };
        link.accounts.iter().flatten().map(account).collect()
    }
}

impl Link {
    fn state(&self, now: Timestamp) -> State {
        if self.revoked_at.is_some() {
            State::new(Tone::Plain, "Revoked")
        } else if self.expires_at.is_some_and(|end| now >= end) {
            State::new(Tone::Plain, "Expired")
        } else if self.max_uses.is_some_and(|most| self.uses.unwrap_or(0) >= most) {
            State::new(Tone::Plain, "Used up")
        } else if self.last_was_refused() {
            State::new(Tone::Bad, "The last request was refused")
        } else if self.last_uses.is_empty() {
            State::new(Tone::Plain, "Never used")
        } else {
            State::new(Tone::Good, "In use")
        }
    }

    /// Whether the last request was refused, verified or not.
    fn last_was_refused(&self) -> bool {
        match (self.last_uses.first(), self.refusals.first()) {
            (Some(used), _) if used.outcome != "given" => true,
            (Some(used), Some(refused)) => refused.last_at > used.at,
            (None, Some(_)) => true,
            (_, None) => false,
        }
    }

    fn kinds(&self) -> String {
        self.kinds.iter().map(|kind| kind.to_uppercase().replace('_', " ")).collect::<Vec<_>>().join(", ")
    }

    fn shown_name(&self) -> String {
        if self.name.is_empty() {
            format!("for {}", rules(self.dialect).platform().name)
        } else {
            self.name.clone()
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    cursor: String,
}

pub(crate) async fn page(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let list: List<Link> = client.get(&format!("{PATH}{}", query(&[("cursor", &asked.cursor)]))).await?;
    let names = Names::read(client, &list.results).await?;
    let row = |link: &Link| Row {
        id: link.id.clone(),
        name: link.shown_name(),
        platform: rules(link.dialect).platform().name,
        kinds: link.kinds(),
        whose: names.whose(link),
        state: link.state(now),
        last: When::new(link.last_uses.first().map(|used| used.at), now),
    };
    let page = LinksPage {
        frame: session.frame("Token links", Section::TokenLinks),
        next: cursor_of(list.next.as_deref()).map(|cursor| query(&[("cursor", &cursor)])),
        rows: list.results.iter().map(row).collect(),
    };
    error::page(&page)
}

pub(crate) async fn one(session: Session, PathId(id): PathId) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let link: Option<Link> = client.find(&format!("{PATH}{id}/")).await?;
    let link = link.ok_or_else(missing("token link", "/token-links"))?;
    let names = Names::read(client, std::slice::from_ref(&link)).await?;
    let refusals = link.refusals.iter().map(|refused| Refusals {
        count: number(refused.count),
        words: words(&refused.code),
        code: refused.code.clone(),
        last: When::new(Some(refused.last_at), now),
        advice: Code::from_text(&refused.code).map_or("", Code::advice),
    });
    let refusals = refusals.collect();
    let used = |used: &Use| UseRow {
        at: When::new(used.at, now),
        kind: used.kind.to_uppercase().replace('_', " "),
        outcome: match used.outcome.as_str() {
            "given" => State::new(Tone::Good, "Given"),
            code => State::new(Tone::Bad, words(code)),
        },
        from: used.from.clone(),
        bot: used.bot.clone().map(Id),
    };
    let state = link.state(now);
    let page = LinkPage {
        frame: session.frame(link.shown_name(), Section::TokenLinks),
        shown_id: Id(link.id.clone()),
        name: link.shown_name(),
        platform: rules(link.dialect).platform(),
        kinds: link.kinds(),
        whose: names.whose(&link),
        is_alive: link.revoked_at.is_none(),
        expires: When::new(link.expires_at, now),
        created: When::new(link.created_at, now),
        uses: link.last_uses.iter().map(used).collect(),
        proof: match link.verification.as_str() {
            _ if rules(link.dialect).platform().has_header => "a bearer token in its header",
            "signature" => "the platform's signature and the secret in the address",
            "query_secret" => "a secret in the query and the secret in the address",
            _ => "only the secret in the address",
        },
        rate: per_minute(link.per_minute),
        refusals,
        state,
        id: link.id.clone(),
        link,
    };
    error::page(&page)
}

/// `POST /token-links/{id}/revoke`
pub(crate) async fn revoke(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    session.client.delete(&format!("{PATH}{id}/")).await?;
    Ok(go(&session.console, &format!("/token-links/{id}?said=revoked")))
}

/// The rate limit in words.
fn per_minute(limit: Option<u64>) -> String {
    limit.map_or_else(|| "no limit".to_owned(), |limit| format!("{} a minute", number(limit)))
}
