//! `/events`: addresses that are told of events.

pub(crate) mod endpoint;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    client::List,
    error::{self, PageError},
    form::{Draft, Form},
    frame::{Frame, Section},
    session::{Posted, Visitor},
    show::{State, Tone, When},
};

const PATH: &str = "/api/latchkey/v1/webhook-endpoints/";

/// An endpoint, as the API shows it.
#[derive(Deserialize)]
pub(crate) struct Endpoint {
    id: String,
    url: String,
    description: String,
    event_types: Vec<String>,
    svix_headers: bool,
    state: String,
    failing_since: Option<Timestamp>,
    former_secrets_end_at: Vec<Timestamp>,
    created_at: Timestamp,
}

impl Endpoint {
    fn state(&self) -> State {
        match (self.state.as_str(), self.failing_since) {
            ("enabled", None) => State::new(Tone::Good, "On"),
            ("enabled", Some(_)) => State::new(Tone::Bad, "Failing, being retried"),
            ("disabled", _) => State::new(Tone::Plain, "Off"),
            _ => State::new(Tone::Bad, "Switched off after failures"),
        }
    }

    fn is_on(&self) -> bool {
        self.state == "enabled"
    }

    fn types(&self) -> String {
        match self.event_types.as_slice() {
            [all] if all == "*" => "every type".to_owned(),
            types => types.join(", "),
        }
    }
}

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage {
    frame: Frame,
    rows: Vec<Row>,
    draft: Draft,
    complaint: String,
    types: Vec<String>,
    /// The secret of an endpoint that was just made, and the endpoint.
    made: Option<(String, String)>,
}

struct Row {
    id: String,
    url: String,
    description: String,
    types: String,
    state: State,
    since: When,
}

async fn show(
    visitor: &Visitor,
    status: StatusCode,
    draft: Draft,
    made: Option<(String, String)>,
) -> Result<Response, PageError> {
    let list: List<Endpoint> = visitor.client.get(PATH).await?;
    let now = visitor.now();
    let row = |endpoint: Endpoint| Row {
        types: endpoint.types(),
        state: endpoint.state(),
        since: When::new(endpoint.failing_since, now),
        id: endpoint.id,
        url: endpoint.url,
        description: endpoint.description,
    };
    let page = EventsPage {
        frame: visitor.frame("Events", Section::Events),
        rows: list.results.into_iter().map(row).collect(),
        complaint: draft.complaint(["url", "description", "event_types"]),
        types: webhooks::event_types(),
        draft,
        made,
    };
    error::page_with(status, &page)
}

pub(crate) async fn page(visitor: Visitor) -> Result<Response, PageError> {
    show(&visitor, StatusCode::OK, Draft::default(), None).await
}

/// `POST /events`: makes an endpoint.
pub(crate) async fn make(Posted { visitor, form }: Posted) -> Result<Response, PageError> {
    let mut body = form.body(["url", "description"]);
    body.insert("event_types".to_owned(), types(&form));
    if form.is_on("svix_headers") {
        body.insert("svix_headers".to_owned(), true.into());
    }
    match visitor.client.post(PATH, Value::Object(body)).await {
        Ok(made) => {
            let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
            let made = Some((text("secret"), text("id")));
            show(&visitor, StatusCode::OK, Draft::default(), made).await
        }
        Err(refused) if refused.status == 400 => {
            show(&visitor, StatusCode::BAD_REQUEST, Draft::of(form, refused), None).await
        }
        Err(refused) => Err(refused.into()),
    }
}

/// The types that are ticked; every type if none is.
fn types(form: &Form) -> Value {
    let ticked: Vec<&str> = form.all("event_types").collect();
    if ticked.is_empty() { json!(["*"]) } else { json!(ticked) }
}
