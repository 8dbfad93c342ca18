//! `/token-links/new`: asks for the platform, the account and the platform's secret; then shows the address once, and what
//! to paste.

use askama::Template;
use axum::{extract::Query, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Dialect;
use token_links::dialects::{LinkUrl, Platform, platform_named, platforms, rules};

use super::PATH;
use crate::{
    client::List,
    error::{self, PageError},
    form::{Draft, Form},
    layout::{Frame, Section},
    pages::accounts::choices::{Choices, With},
    session::{Posted, Session},
};

#[derive(Template)]
#[template(path = "token_link_new.html")]
struct MakePage {
    frame: Frame,
    /// `None`: not chosen yet.
    platform: Option<Platform>,
    /// The word of the chosen platform.
    chosen: &'static str,
    platforms: [Platform; Dialect::ALL.len()],
    choices: Choices,
    pools: Vec<Pool>,
    draft: Draft,
    complaint: String,
}

#[derive(Template)]
#[template(path = "token_link_made.html")]
struct MadePage {
    frame: Frame,
    id: String,
    platform: Platform,
    url: String,
    authorization: Option<String>,
    /// The exact lines to paste at the platform.
    snippet: String,
    /// The same in another programming language.
    second_snippet: Option<(&'static str, String)>,
    signing_secret: String,
}

#[derive(Deserialize)]
struct Pool {
    id: String,
    name: String,
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default, rename = "for")]
    dialect: String,
}

const FIELDS: [&str; 9] =
    ["name", "credential", "pool", "host", "user", "signing_secret", "networks", "dialect", "typed"];

async fn show(
    session: &Session,
    status: StatusCode,
    platform: Option<Platform>,
    draft: Draft,
) -> Result<Response, PageError> {
    let pools: List<Pool> = session.client.get("/api/latchkey/v1/pools/").await?;
    let chosen = draft.text("with").strip_prefix("account:").unwrap_or_default();
    let choices = Choices::read(&session.client, chosen).await?.working();
    let page = MakePage {
        frame: session.frame("Make a token link", Section::TokenLinks),
        chosen: platform.as_ref().map_or("", |platform| platform.word()),
        platform,
        platforms: platforms(),
        choices,
        pools: pools.results,
        complaint: draft.complaint(FIELDS),
        draft,
    };
    error::page_with(status, &page)
}

pub(crate) async fn page(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    show(&session, StatusCode::OK, platform_named(&asked.dialect), Draft::default()).await
}

/// `POST /token-links/new`
pub(crate) async fn make(Posted { session, form }: Posted) -> Result<Response, PageError> {
    let platform = platform_named(form.text("dialect"));
    let mut body = form.body(["name", "dialect", "user", "signing_secret"]);
    let networks: Vec<&str> =
        form.text("networks").split([',', ' ']).filter(|network| !network.is_empty()).collect();
    if !networks.is_empty() {
        body.insert("networks".into(), json!(networks));
    }
    let made = match With::read(&session.client, &form).await {
        Ok(with) => {
            body.extend(with.fields());
            session.client.post(PATH, Value::Object(body)).await
        }
        Err(refused) => Err(refused),
    };
    match made {
        Ok(made) => {
            let platform = platform.unwrap_or_else(|| rules(Dialect::Recall).platform());
            shown(&session, platform, &made, &form)
        }
        Err(refused) if matches!(refused.status, 400 | 424) => {
            show(&session, StatusCode::BAD_REQUEST, platform, Draft::of(form, refused)).await
        }
        Err(refused) => Err(refused.into()),
    }
}

fn shown(session: &Session, platform: Platform, made: &Value, form: &Form) -> Result<Response, PageError> {
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    let (url, authorization) = (text("url"), made["authorization"].as_str().map(str::to_owned));
    let link = LinkUrl { url: &url, authorization: authorization.as_deref() };
    let page = MadePage {
        frame: session.frame("The new token link", Section::TokenLinks),
        id: text("id"),
        snippet: platform.snippet(&link),
        second_snippet: platform.second_snippet(&link),
        platform,
        url,
        authorization,
        signing_secret: form.text("signing_secret").to_owned(),
    };
    error::page(&page)
}
