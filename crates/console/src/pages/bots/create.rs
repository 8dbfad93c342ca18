//! `/bots/new`: creates a bot, now or scheduled.

use askama::Template;
use axum::{extract::Query, http::StatusCode, response::Response};
use model::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Pool;
use crate::{
    client::{Client, List, Refused},
    error::{self, PageError, go},
    form::{Draft, Form},
    layout::{Frame, Section},
    pages::accounts::choices::{Choices, With},
    session::{Posted, Session},
};

#[derive(Template)]
#[template(path = "bot_new.html")]
struct NewBotPage {
    frame: Frame,
    draft: Draft,
    complaint: String,
    choices: Choices,
    pools: Vec<Pool>,
}

const FIELDS: [&str; 6] = ["meeting_url", "bot_name", "join_at", "zoom", "metadata", "typed"];

async fn show(session: &Session, status: StatusCode, draft: Draft) -> Result<Response, PageError> {
    let pools: List<Pool> = session.client.get("/api/latchkey/v1/pools/").await?;
    let chosen = draft.text("with").strip_prefix("account:").unwrap_or_default();
    let choices = Choices::read(&session.client, chosen).await?.working();
    let page = NewBotPage {
        frame: session.frame("Send a bot", Section::Bots),
        complaint: draft.complaint(FIELDS),
        draft,
        choices,
        pools: pools.results,
    };
    error::page_with(status, &page)
}

/// The account or pool that is preselected.
#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    with: String,
}

pub(crate) async fn page(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    let draft = Draft { form: Form::of([("with", &asked.with)]), refused: None };
    show(&session, StatusCode::OK, draft).await
}

/// `POST /bots/new`
pub(crate) async fn send(Posted { session, form }: Posted) -> Result<Response, PageError> {
    let sent = match body(&session.client, &form).await {
        Ok(body) => session.client.post("/api/v1/bot/", Value::Object(body)).await,
        Err(refused) => Err(refused),
    };
    match sent {
        Ok(made) => {
            let id = made["id"].as_str().unwrap_or_default();
            Ok(go(&session.console, &format!("/bots/{id}?said=sent")))
        }
        Err(refused) if matches!(refused.status, 400 | 424 | 429 | 507) => {
            let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::BAD_REQUEST);
            show(&session, status, Draft::of(form, refused)).await
        }
        Err(refused) => Err(refused.into()),
    }
}

async fn body(client: &Client, form: &Form) -> Result<Map<String, Value>, Refused> {
    let mut body = form.body(["meeting_url", "bot_name"]);
    // Browsers send a date with a time, without a zone; it is UTC here.
    let join_at = form.text("join_at");
    if !join_at.is_empty() {
        let seconds = if join_at.len() == 16 { ":00Z" } else { "Z" };
        let at: Timestamp = format!("{join_at}{seconds}").parse().map_err(|_| Refused {
            status: 400,
            fields: vec![("join_at".into(), "It must be a date with a time.".into())],
            ..Refused::default()
        })?;
        body.insert("join_at".into(), at.to_string().into());
    }
    let with = With::read(client, form).await?.fields();
    if !with.is_empty() {
        body.insert("zoom".into(), with.into());
    }
    Ok(body)
}
