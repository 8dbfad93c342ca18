//! `GET /api/latchkey/v1/events/`: events, as a list with a cursor or as server-sent events.

use std::convert::Infallible;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::{
        HeaderMap,
        header::{ACCEPT, CACHE_CONTROL},
    },
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use futures_util::StreamExt as _;
use model::{EventId, Timestamp, WEBHOOK_ENDPOINT_TEST};
use serde::Serialize;
use serde_json::value::RawValue;
use store::EventFilter;
use utoipa::{IntoParams, ToSchema};
use webhooks::event_types;

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    fields::FieldErrors,
    latchkey::webhook_endpoints::unknown_type,
    openapi::EventBody,
    page::{Page, page_with_next},
    query::Query,
};

/// Events on a page.
const PAGE_SIZE: u32 = 100;

/// The cursor, and the filters of the list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListEvents {
    /// The number of the last known event; 0 starts with the oldest stored event.
    after: Option<i64>,
    /// A type of events; several are separated by commas.
    event_type: Option<String>,
    /// The id of the events' subject.
    subject: Option<String>,
}

/// A stored event.
#[derive(Serialize, ToSchema)]
pub(crate) struct HappenedEvent {
    id: EventId,
    /// Grows by one with each event of the workspace.
    sequence: i64,
    event_type: String,
    /// The id of the event's subject.
    subject: String,
    happened_at: Timestamp,
    /// The body that endpoints receive, without what is added at each attempt: `at_stake` and `connect_link` of an account's
    /// event.
    #[schema(value_type = EventBody)]
    body: Box<RawValue>,
}

/// List events
///
/// In order, after `after`. With `Accept: text/event-stream` each event is sent as it happens: its number is the event's
/// id, so that `Last-Event-ID` continues after a broken connection. Without that and `after`, only new events are sent.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/events/",
    tag = "events",
    operation_id = "events_list",
    security(("tokenAuth" = ["read"])),
    params(ListEvents),
    responses((status = 200, description = "A page of events.", content(
        (Page<HappenedEvent> = "application/json"),
        (String = "text/event-stream"),
    ))),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = Query::of_type::<ListEvents>(query.as_deref(), None)?;
    let after = number("after", query.get("after"))?;
    let filter = EventFilter { kinds: kinds(&query)?, subject: query.get("subject").map(str::to_owned) };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text(ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/event-stream")) {
        let after = match number("Last-Event-ID", text("last-event-id"))?.or(after) {
            Some(after) => after,
            None => state.store.last_event(caller.workspace).await?,
        };
        let events = state.webhooks.follow(caller.workspace, after, filter);
        let events = events.map(|event| Ok::<_, Infallible>(sent(&event)));
        let answer = Sse::new(events).keep_alive(KeepAlive::default());
        return Ok(([(CACHE_CONTROL, "no-store")], answer).into_response());
    }
    let mut found = state.store.events(caller.workspace, after.unwrap_or(0), &filter, PAGE_SIZE + 1).await?;
    let more = found.len() > PAGE_SIZE as usize;
    found.truncate(PAGE_SIZE as usize);
    let next = found.last().filter(|_| more).map(|event| event.sequence.to_string());
    let next = next.map(|next| query.with(&state.broker, "/api/latchkey/v1/events/", "after", &next));
    let results = found.iter().map(representation).collect();
    Ok(Json(page_with_next(next.map(String::from), results)).into_response())
}

fn number(name: &str, text: Option<&str>) -> Result<Option<i64>, FieldErrors> {
    let read = |text: &str| text.parse().ok().filter(|number| *number >= 0);
    let wrong = || FieldErrors::one(name, "It must be the number of an event, or 0.");
    text.map(|text| read(text).ok_or_else(wrong)).transpose()
}

fn sent(event: &store::Event) -> sse::Event {
    let data = serde_json::to_string(&representation(event)).expect("text keys");
    sse::Event::default().id(event.sequence.to_string()).event(&event.event.kind).data(data)
}

fn representation(event: &store::Event) -> HappenedEvent {
    let store::Event { sequence, event } = event;
    HappenedEvent {
        id: event.id,
        sequence: *sequence,
        event_type: event.kind.clone(),
        subject: event.subject.clone(),
        happened_at: event.at,
        body: raw(&event.body),
    }
}

/// The types of events to filter by. An unknown type is refused: otherwise the caller would trust an empty list.
pub(super) fn kinds(query: &Query) -> Result<Vec<String>, FieldErrors> {
    let mut known = event_types();
    known.push(WEBHOOK_ENDPOINT_TEST.to_owned());
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let asked: Vec<_> = query.list("event_type").map(str::to_owned).collect();
    match asked.iter().find(|kind| !known.contains(&kind.as_str())) {
        Some(unknown) => Err(FieldErrors::one("event_type", unknown_type(unknown, &known))),
        None => Ok(asked),
    }
}

/// A stored body, unchanged.
pub(super) fn raw(body: &str) -> Box<RawValue> {
    RawValue::from_string(body.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
