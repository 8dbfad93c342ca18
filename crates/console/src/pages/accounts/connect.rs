//! `/accounts/connect`: makes a link that leads the owner of a Zoom account through the consent.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use serde_json::Value;

use super::{App, apps, detail::NewLink};
use crate::{
    error::{self, PageError},
    form::{Draft, Form},
    layout::{Frame, Section},
    session::{Posted, Session},
};

#[derive(Template)]
#[template(path = "connect.html")]
struct ConnectPage {
    frame: Frame,
    apps: Vec<App>,
    draft: Draft,
    complaint: String,
    link: Option<NewLink>,
}

const FIELDS: [&str; 5] = ["oauth_app", "invited_by", "purpose", "return_url", "expires_in_seconds"];

async fn show(
    session: &Session,
    status: StatusCode,
    draft: Draft,
    link: Option<NewLink>,
) -> Result<Response, PageError> {
    let mut apps = apps(&session.client).await?;
    apps.retain(|app| app.kind != "server_to_server");
    let complaint = draft.complaint(FIELDS);
    let frame = session.frame("Connect an account", Section::Accounts);
    error::page_with(status, &ConnectPage { frame, apps, draft, complaint, link })
}

pub(crate) async fn page(session: Session) -> Result<Response, PageError> {
    let draft = Draft { form: Form::of([("expires_in_seconds", "86400")]), refused: None };
    show(&session, StatusCode::OK, draft, None).await
}

/// `POST /accounts/connect`
pub(crate) async fn make(Posted { session, form }: Posted) -> Result<Response, PageError> {
    let mut body = form.body(["oauth_app", "invited_by", "purpose", "return_url"]);
    if let Ok(seconds) = form.text("expires_in_seconds").parse::<u64>() {
        body.insert("expires_in_seconds".to_owned(), seconds.into());
    }
    match session.client.post("/api/latchkey/v1/connect-links/", Value::Object(body)).await {
        Ok(made) => {
            let link = NewLink::read(&made, None, session.now());
            show(&session, StatusCode::OK, Draft { form, refused: None }, Some(link)).await
        }
        Err(refused) if refused.status == 400 => {
            show(&session, StatusCode::BAD_REQUEST, Draft::of(form, refused), None).await
        }
        Err(refused) => Err(refused.into()),
    }
}
