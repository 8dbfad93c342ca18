//! `/setup`: from an empty workspace to a signed-in bot, with the values for Zoom's app page and a check of each step.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::{Account, App, apps};
use crate::{
    client::List,
    error::{self, PageError, go},
    form::{Draft, Form},
    format::{State, Tone, When},
    layout::{Frame, Section},
    session::{PathId, Posted, Session},
};

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    redirect_url: String,
    apps: Vec<AppStep>,
    accounts: u64,
    missing_scopes: Vec<String>,
    bots: u64,
    draft: Draft,
    complaint: String,
    steps: [State; 4],
    /// The result of the last check of an app at Zoom.
    checked: Option<Checked>,
}

/// The API's check of an app.
#[derive(Deserialize)]
struct AppCheck {
    is_well: bool,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    problem: String,
    advice: String,
}

struct Checked {
    client_id: String,
    /// Whether users consent to the app.
    asks_for_consent: bool,
    said: AppCheck,
}

struct AppStep {
    id: String,
    client_id: String,
    webhook_url: String,
    validated: When,
    is_validated: bool,
}

const FIELDS: [&str; 5] = ["kind", "client_id", "client_secret", "webhook_secret", "account_id"];

async fn show(
    session: &Session,
    status: StatusCode,
    draft: Draft,
    checked: Option<(String, AppCheck)>,
) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let base = session.console.public_base.as_str().trim_end_matches('/');
    let registered = apps(client).await?;
    let accounts: List<Account> = client.get("/api/v2/zoom-oauth-credentials/").await?;
    let bots: List<Value> = client.get("/api/v1/bot/").await?;
    let step = |app: &App| AppStep {
        id: app.id.clone(),
        client_id: app.client_id.clone(),
        webhook_url: format!("{base}/api/v2/zoom-oauth-apps/{}/webhook", app.id),
        validated: When::new(app.webhook_last_validation, now),
        is_validated: app.webhook_last_validation.is_some(),
    };
    let done = |is_done: bool, word: &str| {
        if is_done { State::new(Tone::Good, "Done") } else { State::new(Tone::Plain, word) }
    };
    let mut missing_scopes: Vec<String> =
        accounts.results.iter().flat_map(|account| account.latchkey_missing_scopes.clone()).collect();
    missing_scopes.sort();
    missing_scopes.dedup();
    let works = accounts.results.iter().any(|one| one.works() && one.latchkey_missing_scopes.is_empty());
    let is_verified = registered.iter().any(|app| app.webhook_last_validation.is_some());
    let sent = bots.count.unwrap_or(0);
    let page = SetupPage {
        frame: session.frame("Setup", Section::Setup),
        redirect_url: format!("{base}/oauth/zoom/callback"),
        steps: [
            done(!registered.is_empty(), "To do"),
            done(is_verified, "Zoom has not verified the address yet"),
            done(works, "To do"),
            done(sent > 0, "To do"),
        ],
        apps: registered.iter().map(step).collect(),
        accounts: accounts.results.len() as u64,
        missing_scopes,
        bots: sent,
        complaint: draft.complaint(FIELDS),
        draft,
        checked: checked.map(|(id, said)| {
            let app = registered.iter().find(|app| app.id == id);
            Checked {
                client_id: app.map(|app| app.client_id.clone()).unwrap_or_default(),
                asks_for_consent: app.is_some_and(|app| app.kind != "server_to_server"),
                said,
            }
        }),
    };
    error::page_with(status, &page)
}

pub(crate) async fn page(session: Session) -> Result<Response, PageError> {
    show(&session, StatusCode::OK, empty(), None).await
}

fn empty() -> Draft {
    Draft { form: Form::of([("kind", "user_level")]), refused: None }
}

/// `POST /setup/apps/{id}/check`: checks an app at Zoom.
pub(crate) async fn check(PathId(id): PathId, Posted { session, .. }: Posted) -> Result<Response, PageError> {
    let path = format!("/api/latchkey/v1/zoom-oauth-apps/{id}/check/");
    let said = session.client.ask(&path, json!({})).await?;
    show(&session, StatusCode::OK, empty(), Some((id, said))).await
}

/// `POST /setup`: registers a Zoom app.
pub(crate) async fn register(Posted { session, form }: Posted) -> Result<Response, PageError> {
    let body = form.body(FIELDS);
    match session.client.post("/api/v2/zoom-oauth-apps/", Value::Object(body)).await {
        Ok(_) => Ok(go(&session.console, "/setup?said=app-added")),
        Err(refused) if refused.status == 400 => {
            show(&session, StatusCode::BAD_REQUEST, Draft::of(form, refused), None).await
        }
        Err(refused) => Err(refused.into()),
    }
}
