//! `/connect-links`: the list of invitations.

use askama::Template;
use axum::{extract::Query, response::Response};
use model::Timestamp;
use serde::Deserialize;

use super::names_of;
use crate::{
    client::List,
    error::{self, PageError, go},
    format::{Id, State, Tone, When, cursor_of, query},
    layout::{Frame, Section},
    session::{PathId, Posted, Session},
};

#[derive(Template)]
#[template(path = "connect_links.html")]
struct ConnectLinksPage {
    frame: Frame,
    rows: Vec<Row>,
    next: Option<String>,
    previous: Option<String>,
}

struct Row {
    id: String,
    shown_id: Id,
    state: State,
    is_open: bool,
    /// The account that it is for, or that was connected: its id, and its name if it still exists.
    account: Option<(String, Option<String>)>,
    invited_by: Option<String>,
    purpose: Option<String>,
    created: When,
    ends: When,
}

#[derive(Deserialize)]
struct Link {
    id: String,
    state: String,
    credential: Option<String>,
    connected: Option<String>,
    invited_by: Option<String>,
    purpose: Option<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    cursor: String,
}

pub(crate) async fn page(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let asked = query(&[("cursor", &asked.cursor)]);
    let list: List<Link> = client.get(&format!("/api/latchkey/v1/connect-links/{asked}")).await?;
    let ids = list.results.iter().filter_map(|link| link.connected.as_deref().or(link.credential.as_deref()));
    let names = names_of(client, ids).await?;
    let at = |url: Option<&str>| cursor_of(url).map(|cursor| query(&[("cursor", &cursor)]));
    let row = |link: Link| {
        let state = match link.state.as_str() {
            "open" => State::new(Tone::Good, "Can be opened"),
            "used" => State::new(Tone::Plain, "Used"),
            "revoked" => State::new(Tone::Plain, "Withdrawn"),
            _ => State::new(Tone::Plain, "Expired"),
        };
        let account = link.connected.or(link.credential);
        let name = |id: String| {
            let name = names.get(&id).cloned();
            (id, name)
        };
        Row {
            shown_id: Id(link.id.clone()),
            id: link.id,
            is_open: link.state == "open",
            state,
            account: account.map(name),
            invited_by: link.invited_by,
            purpose: link.purpose,
            created: When::new(link.created_at, now),
            ends: When::new(Some(link.expires_at).filter(|_| link.state == "open"), now),
        }
    };
    let page = ConnectLinksPage {
        frame: session.frame("Connect links", Section::Accounts),
        next: at(list.next.as_deref()),
        previous: at(list.previous.as_deref()),
        rows: list.results.into_iter().map(row).collect(),
    };
    error::page(&page)
}

/// `POST /connect-links/{id}/withdraw`
pub(crate) async fn withdraw(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    session.client.delete(&format!("/api/latchkey/v1/connect-links/{id}/")).await?;
    Ok(go(&session.console, "/connect-links?said=withdrawn"))
}
