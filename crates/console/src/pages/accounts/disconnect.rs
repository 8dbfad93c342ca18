//! `/accounts/{id}/disconnect`: says what will be lost, and asks for the name.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::one::{find, scheduled};
use crate::{
    error::{self, PageError, go},
    frame::{Frame, Section},
    session::{PathId, Posted, Visitor},
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

async fn show(visitor: &Visitor, id: &str, typed: &str, is_wrong: bool) -> Result<Response, PageError> {
    let account = find(&visitor.client, id).await?;
    let page = DisconnectPage {
        frame: visitor.frame(format!("Disconnect {}", account.name()), Section::Accounts),
        scheduled: scheduled(&visitor.client, &account.id).await?,
        id: account.id.clone(),
        name: account.name().to_owned(),
        typed: typed.to_owned(),
        is_wrong,
    };
    error::page_with(if is_wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page)
}

pub(crate) async fn page(visitor: Visitor, PathId(id): PathId) -> Result<Response, PageError> {
    show(&visitor, &id, "", false).await
}

/// `POST /accounts/{id}/disconnect`
pub(crate) async fn disconnect(
    PathId(id): PathId,
    Posted { visitor, form }: Posted,
) -> Result<Response, PageError> {
    let account = find(&visitor.client, &id).await?;
    if form.text("name") != account.name().trim() {
        return show(&visitor, &id, form.text("name"), true).await;
    }
    visitor.client.delete(&format!("/api/v2/zoom-oauth-credentials/{}/", account.id)).await?;
    Ok(go(&visitor.console, "/accounts?said=disconnected"))
}
