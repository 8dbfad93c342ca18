//! `/events`: addresses that receive events.

pub(crate) mod endpoint;

use askama::Template;
use axum::{extract::Query, http::StatusCode, response::Response};
use model::{EndpointKind, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    client::List,
    error::{self, PageError, go},
    form::{Draft, Form},
    format::{State, Tone, When},
    layout::{Frame, Section},
    session::{Posted, Session},
};

const PATH: &str = "/api/latchkey/v1/webhook-endpoints/";

/// An endpoint in the API's answer.
#[derive(Deserialize)]
pub(crate) struct Endpoint {
    id: String,
    kind: String,
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

    fn kind(&self) -> Kind {
        Kind::named(&self.kind).unwrap_or(KINDS[0])
    }

    /// Its address, as people read it.
    fn address(&self) -> &str {
        self.url.strip_prefix(MAILTO).unwrap_or(&self.url)
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

/// The prefix of an e-mail endpoint's `url`.
const MAILTO: &str = "mailto:";

/// A kind of endpoint as pages describe it.
#[derive(Clone, Copy)]
struct Kind {
    /// The API's word.
    word: &'static str,
    /// The name of the kind in the form.
    name: &'static str,
    /// The label of its address, and an example.
    label: &'static str,
    placeholder: &'static str,
    about: &'static str,
    /// Whether it receives signed JSON.
    is_signed: bool,
    is_mail: bool,
}

/// All kinds, in the order of the form.
const KINDS: [Kind; EndpointKind::ALL.len()] =
    [kind(EndpointKind::Webhook), kind(EndpointKind::Slack), kind(EndpointKind::Email)];

const fn kind(kind: EndpointKind) -> Kind {
    let word = kind.as_str();
    match kind {
        EndpointKind::Webhook => Kind {
            word,
            name: "A webhook",
            label: "Address",
            placeholder: "https://example.com/latchkey-events",
            about: "A server of yours: it receives JSON, signed as Standard Webhooks defines.",
            is_signed: true,
            is_mail: false,
        },
        EndpointKind::Slack => Kind {
            word,
            name: "A Slack channel",
            label: "Webhook URL of the Slack app",
            placeholder: "https://hooks.slack.com/services/…",
            about: "People in a channel: they read what happened and what to do. In Slack, create an app with Incoming Webhooks, \
                    add one for the channel, and paste its address. It is as good as a password.",
            is_signed: false,
            is_mail: false,
        },
        EndpointKind::Email => Kind {
            word,
            name: "An e-mail address",
            label: "E-mail address",
            placeholder: "ops@example.com",
            about: "A person: they read what happened and what to do. Mail is sent through the SMTP server that the configuration \
                    of this server names in [mail].",
            is_signed: false,
            is_mail: true,
        },
    }
}

impl Kind {
    fn named(word: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.word == word)
    }
}

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage {
    frame: Frame,
    rows: Vec<Row>,
    /// The kind of endpoint in the form.
    kind: Kind,
    kinds: [Kind; KINDS.len()],
    draft: Draft,
    complaint: String,
    types: Vec<String>,
    /// The secret of a new endpoint, and the endpoint's id.
    made: Option<(String, String)>,
}

struct Row {
    id: String,
    kind: Kind,
    address: String,
    description: String,
    types: String,
    state: State,
    since: When,
}

async fn show(
    session: &Session,
    status: StatusCode,
    kind: Kind,
    draft: Draft,
    made: Option<(String, String)>,
) -> Result<Response, PageError> {
    let list: List<Endpoint> = session.client.get(PATH).await?;
    let now = session.now();
    let row = |endpoint: Endpoint| Row {
        types: endpoint.types(),
        state: endpoint.state(),
        since: When::new(endpoint.failing_since, now),
        kind: endpoint.kind(),
        address: endpoint.address().to_owned(),
        id: endpoint.id,
        description: endpoint.description,
    };
    let page = EventsPage {
        frame: session.frame("Events", Section::Events),
        rows: list.results.into_iter().map(row).collect(),
        complaint: draft.complaint(["kind", "url", "description", "event_types"]),
        kind,
        kinds: KINDS,
        types: webhooks::event_types(),
        draft,
        made,
    };
    error::page_with(status, &page)
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    /// The kind of endpoint in the form.
    #[serde(default)]
    kind: String,
}

pub(crate) async fn page(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    let kind = Kind::named(&asked.kind).unwrap_or(KINDS[0]);
    show(&session, StatusCode::OK, kind, Draft::default(), None).await
}

/// `POST /events`: creates an endpoint.
pub(crate) async fn make(Posted { session, form }: Posted) -> Result<Response, PageError> {
    let kind = Kind::named(form.text("kind")).unwrap_or(KINDS[0]);
    let mut body = form.body(["kind", "url", "description"]);
    if kind.is_mail {
        body.insert("url".to_owned(), format!("{MAILTO}{}", form.text("url")).into());
    }
    body.extend(types(&form).map(|types| ("event_types".to_owned(), types)));
    if form.is_on("svix_headers") {
        body.insert("svix_headers".to_owned(), true.into());
    }
    match session.client.post(PATH, Value::Object(body)).await {
        Ok(made) => {
            let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
            if !kind.is_signed {
                return Ok(go(&session.console, &format!("/events/{}?said=endpoint-added", text("id"))));
            }
            let made = Some((text("secret"), text("id")));
            show(&session, StatusCode::OK, kind, Draft::default(), made).await
        }
        Err(refused) if refused.status == 400 => {
            show(&session, StatusCode::BAD_REQUEST, kind, Draft::of(form, refused), None).await
        }
        Err(refused) => Err(refused.into()),
    }
}

/// The selected types. If none is selected, the default of the kind applies.
fn types(form: &Form) -> Option<Value> {
    let ticked: Vec<&str> = form.all("event_types").collect();
    (!ticked.is_empty()).then(|| json!(ticked))
}
