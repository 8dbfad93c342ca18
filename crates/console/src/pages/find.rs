//! `/find`: finds accounts, bots, links and pools by name or id.

use askama::Template;
use axum::{extract::Query, response::Response};
use serde::Deserialize;
use serde_json::Value;

use super::accounts::Account;
use crate::{
    client::{Client, List, Refused},
    error::{self, PageError, go},
    format::query,
    layout::{Frame, Section},
    session::Session,
};

/// Pages of a hundred links that are searched by name.
const LINK_PAGES: usize = 5;

#[derive(Template)]
#[template(path = "find.html")]
struct FindPage {
    frame: Frame,
    asked: String,
    found: Vec<Found>,
}

struct Found {
    what: &'static str,
    name: String,
    path: String,
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    q: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    name: String,
}

pub(crate) async fn page(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    let text = asked.q.trim();
    if let Some(path) = by_id(&session.client, text).await? {
        return Ok(go(&session.console, &path));
    }
    let found = if text.is_empty() { Vec::new() } else { by_name(&session.client, text).await? };
    // A single result is opened.
    if let [one] = found.as_slice() {
        return Ok(go(&session.console, &one.path));
    }
    let page = FindPage { frame: session.frame("Find", Section::None), asked: text.to_owned(), found };
    error::page(&page)
}

/// The page of the object with this id.
async fn by_id(client: &Client, text: &str) -> Result<Option<String>, Refused> {
    let is_id = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !is_id {
        return Ok(None);
    }
    for (path, page) in [
        ("/api/v1/bot/", "/bots/"),
        ("/api/v2/zoom-oauth-credentials/", "/accounts/"),
        ("/api/latchkey/v1/token-links/", "/token-links/"),
        ("/api/latchkey/v1/pools/", "/pools/"),
        ("/api/latchkey/v1/webhook-endpoints/", "/events/"),
    ] {
        if client.find::<Value>(&format!("{path}{text}/")).await?.is_some() {
            return Ok(Some(format!("{page}{text}")));
        }
    }
    Ok(None)
}

async fn by_name(client: &Client, text: &str) -> Result<Vec<Found>, Refused> {
    let small = text.to_lowercase();
    let filter = query(&[("latchkey_search", text)]);
    let accounts: List<Account> = client.get(&format!("/api/v2/zoom-oauth-credentials/{filter}")).await?;
    let mut found: Vec<_> = accounts
        .results
        .iter()
        .map(|account| Found {
            what: "Account",
            name: account.name().to_owned(),
            path: format!("/accounts/{}", account.id),
        })
        .collect();
    let pools: List<Named> = client.get("/api/latchkey/v1/pools/").await?;
    let is_meant = |named: &Named| named.name.to_lowercase().contains(&small);
    found.extend(pools.results.into_iter().filter(is_meant).map(|pool| Found {
        what: "Pool",
        path: format!("/pools/{}", pool.id),
        name: pool.name,
    }));
    let mut cursor = String::new();
    for _ in 0..LINK_PAGES {
        let asked = query(&[("cursor", &cursor)]);
        let links: List<Named> = client.get(&format!("/api/latchkey/v1/token-links/{asked}")).await?;
        found.extend(links.results.into_iter().filter(is_meant).map(|link| Found {
            what: "Token link",
            path: format!("/token-links/{}", link.id),
            name: link.name,
        }));
        match crate::format::cursor_of(links.next.as_deref()) {
            Some(next) => cursor = next,
            None => break,
        }
    }
    if text.starts_with("http") {
        let bots = query(&[("meeting", text)]);
        let asked = query(&[("meeting_url", text)]);
        let list: List<Value> = client.get(&format!("/api/v1/bot/{asked}")).await?;
        if list.count.unwrap_or(0) > 0 {
            let name = "in the meeting of this link".to_owned();
            found.push(Found { what: "Bots", name, path: format!("/bots{bots}") });
        }
    }
    Ok(found)
}
