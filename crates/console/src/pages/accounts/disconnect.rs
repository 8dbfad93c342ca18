//! `/accounts/{id}/disconnect`: explains what will be lost, and asks for the account's name as confirmation.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::detail::{find, scheduled};
use crate::{
    error::{self, PageError, go},
    layout::{Frame, Section},
    session::{PathId, Posted, Session},
};

#[derive(Template)]
#[template(path = "disconnect.html")]
struct DisconnectPage {
    frame: Frame,
    id: String,
    name: String,
    scheduled: u64,
    typed: String,
    is_wrong: bool,
}

async fn show(session: &Session, id: &str, typed: &str, is_wrong: bool) -> Result<Response, PageError> {
    let account = find(&session.client, id).await?;
    let page = DisconnectPage {
        frame: session.frame(format!("Disconnect {}", account.name()), Section::Accounts),
        scheduled: scheduled(&session.client, &account.id).await?,
        id: account.id.clone(),
        name: account.name().to_owned(),
        typed: typed.to_owned(),
        is_wrong,
    };
    error::page_with(if is_wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page)
}

pub(crate) async fn page(session: Session, PathId(id): PathId) -> Result<Response, PageError> {
    show(&session, &id, "", false).await
}

/// `POST /accounts/{id}/disconnect`
pub(crate) async fn disconnect(
    PathId(id): PathId,
    Posted { session, form }: Posted,
) -> Result<Response, PageError> {
    let account = find(&session.client, &id).await?;
    if form.text("name") != account.name().trim() {
        return show(&session, &id, form.text("name"), true).await;
    }
    session.client.delete(&format!("/api/v2/zoom-oauth-credentials/{}/", account.id)).await?;
    Ok(go(&session.console, "/accounts?said=disconnected"))
}
