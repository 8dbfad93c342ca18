//! `/events/{id}`: one endpoint and its deliveries.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Endpoint, Kind, PATH};
use crate::{
    client::List,
    error::{self, PageError, go, missing},
    form::Draft,
    format::{Id, State, Tone, When, cursor_of, query},
    layout::{Frame, Section},
    session::{PathId, Posted, Session},
};

#[derive(Template)]
#[template(path = "endpoint.html")]
struct EndpointPage {
    frame: Frame,
    id: String,
    shown_id: Id,
    endpoint: Endpoint,
    kind: Kind,
    state: State,
    since: When,
    created: When,
    former: Vec<When>,
    types: String,
    asked: PageQuery,
    rows: Vec<Row>,
    /// The list's own address, for fetching it again: after a form, the page's address is the form's.
    here: String,
    next: Option<String>,
    fresh: PageState,
    complaint: String,
}

/// What a page shows in addition after an action.
#[derive(Default)]
struct PageState {
    /// A new secret.
    secret: Option<String>,
    /// What was entered to replay events, and the errors.
    draft: Draft,
}

struct Row {
    event: String,
    kind: String,
    at: When,
    state: State,
    attempts: u64,
    next: When,
    answer: String,
    error: String,
    body: String,
}

#[derive(Deserialize)]
struct Delivery {
    event: String,
    event_type: String,
    happened_at: Timestamp,
    state: String,
    attempts: u64,
    next_attempt_at: Option<Timestamp>,
    request: Sent,
    answer: Option<Answer>,
}

#[derive(Deserialize)]
struct Sent {
    body: Value,
}

#[derive(Deserialize)]
struct Answer {
    status: Option<u16>,
    body: String,
    error: Option<String>,
    took_ms: u64,
}

#[derive(Deserialize, Default)]
pub(crate) struct PageQuery {
    #[serde(default)]
    state: String,
    #[serde(default)]
    cursor: String,
}

async fn show(
    session: &Session,
    id: &str,
    asked: PageQuery,
    (status, fresh): (StatusCode, PageState),
) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let endpoint: Option<Endpoint> = client.find(&format!("{PATH}{id}/")).await?;
    let endpoint = endpoint.ok_or_else(missing("endpoint", "/events"))?;
    let filter = query(&[("state", &asked.state), ("cursor", &asked.cursor)]);
    let list: List<Delivery> = client.get(&format!("{PATH}{id}/deliveries/{filter}")).await?;
    let row = |delivery: Delivery| {
        let state = match delivery.state.as_str() {
            "delivered" => State::new(Tone::Good, "Delivered"),
            "failed" => State::new(Tone::Bad, "Failed"),
            _ if delivery.attempts > 0 => State::new(Tone::Warn, "Being retried"),
            _ => State::new(Tone::Plain, "Waiting"),
        };
        let (answer, error) = delivery.answer.map_or_else(Default::default, |answer| {
            let status = answer.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let error = match answer.error {
                Some(error) if answer.body.is_empty() => error,
                Some(error) => format!("{error}\n{}", answer.body),
                None => answer.body,
            };
            (format!("{status}, {} ms", answer.took_ms), error)
        });
        Row {
            event: delivery.event,
            kind: delivery.event_type,
            at: When::new(delivery.happened_at, now),
            state,
            attempts: delivery.attempts,
            next: When::new(delivery.next_attempt_at, now),
            answer,
            error,
            body: match delivery.request.body {
                // The text of a mail.
                Value::String(text) => text,
                body => serde_json::to_string_pretty(&body).unwrap_or_default(),
            },
        }
    };
    let page = EndpointPage {
        frame: session.frame("Endpoint", Section::Events),
        id: endpoint.id.clone(),
        shown_id: Id(endpoint.id.clone()),
        state: endpoint.state(),
        since: When::new(endpoint.failing_since, now),
        created: When::new(endpoint.created_at, now),
        former: endpoint.former_secrets_end_at.iter().map(|end| When::new(*end, now)).collect(),
        types: endpoint.types(),
        kind: endpoint.kind(),
        next: cursor_of(list.next.as_deref())
            .map(|cursor| query(&[("state", &asked.state), ("cursor", &cursor)])),
        rows: list.results.into_iter().map(row).collect(),
        endpoint,
        here: format!("{}/events/{id}{filter}", session.console.base),
        asked,
        complaint: fresh.draft.complaint(["since"]),
        fresh,
    };
    error::page_with(status, &page)
}

pub(crate) async fn page(
    session: Session,
    PathId(id): PathId,
    Query(asked): Query<PageQuery>,
) -> Result<Response, PageError> {
    show(&session, &id, asked, (StatusCode::OK, PageState::default())).await
}

/// `POST /events/{id}/test`
pub(crate) async fn test(PathId(id): PathId, Posted { session, .. }: Posted) -> Result<Response, PageError> {
    session.client.post(&format!("{PATH}{id}/test/"), json!({})).await?;
    Ok(go(&session.console, &format!("/events/{id}?said=tested")))
}

/// `POST /events/{id}/switch`
pub(crate) async fn switch(
    PathId(id): PathId,
    Posted { session, form }: Posted,
) -> Result<Response, PageError> {
    session.client.patch(&format!("{PATH}{id}/"), json!({ "enabled": form.is_on("on") })).await?;
    Ok(go(&session.console, &format!("/events/{id}?said=endpoint-changed")))
}

/// `POST /events/{id}/rotate`
pub(crate) async fn rotate(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    let made = session.client.post(&format!("{PATH}{id}/rotate-secret/"), json!({})).await?;
    let secret = made["secret"].as_str().map(str::to_owned);
    let fresh = PageState { secret, ..PageState::default() };
    show(&session, &id, PageQuery::default(), (StatusCode::OK, fresh)).await
}

/// `POST /events/{id}/replay`
pub(crate) async fn replay(
    PathId(id): PathId,
    Posted { session, form }: Posted,
) -> Result<Response, PageError> {
    let since = format!("{}T00:00:00Z", form.text("since"));
    match session.client.post(&format!("{PATH}{id}/replay/"), json!({ "since": since })).await {
        Ok(_) => Ok(go(&session.console, &format!("/events/{id}?said=replayed"))),
        Err(refused) if matches!(refused.status, 400 | 409) => {
            let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::BAD_REQUEST);
            let fresh = PageState { draft: Draft::of(form, refused), ..PageState::default() };
            show(&session, &id, PageQuery::default(), (status, fresh)).await
        }
        Err(refused) => Err(refused.into()),
    }
}

/// `POST /events/{id}/remove`
pub(crate) async fn remove(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    session.client.delete(&format!("{PATH}{id}/")).await?;
    Ok(go(&session.console, "/events?said=endpoint-removed"))
}

/// `POST /events/{id}/deliveries/{event}/retry`
pub(crate) async fn resend(
    Path((id, event)): Path<(String, String)>,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    let is_id = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_id(&id) || !is_id(&event) {
        return Err(PageError::Unknown);
    }
    session.client.post(&format!("{PATH}{id}/deliveries/{event}/retry/"), json!({})).await?;
    Ok(go(&session.console, &format!("/events/{id}?said=resent")))
}
