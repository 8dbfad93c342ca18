//! `/token-links/new`: where the bots run, whose tokens, the platform's secret; then the address, once, and what to paste there.

use askama::Template;
use axum::{extract::Query, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PATH, PLATFORMS, platform};
use crate::{
    client::List,
    error::{self, PageError},
    form::{Draft, Form},
    frame::{Frame, Section},
    pages::accounts::{Account, choices},
    session::{Posted, Visitor},
};

#[derive(Template)]
#[template(path = "token_link_new.html")]
struct MakePage {
    frame: Frame,
    dialect: String,
    platform: &'static str,
    platforms: [(&'static str, &'static str); 4],
    /// Where the platform shows its secret; empty where it signs nothing.
    secret_at: &'static str,
    accounts: Vec<Account>,
    pools: Vec<Pool>,
    draft: Draft,
    complaint: String,
}

#[derive(Template)]
#[template(path = "token_link_made.html")]
struct MadePage {
    frame: Frame,
    id: String,
    dialect: String,
    platform: &'static str,
    url: String,
    authorization: Option<String>,
    /// The exact lines to paste there, and where.
    snippet: String,
    paste_at: &'static str,
    signing_secret: String,
}

#[derive(Deserialize)]
struct Pool {
    id: String,
    name: String,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default, rename = "for")]
    dialect: String,
}

const FIELDS: [&str; 8] =
    ["name", "credential", "pool", "host", "user", "signing_secret", "networks", "dialect"];

fn secret_at(dialect: &str) -> &'static str {
    match dialect {
        "recall" => {
            "In Recall's dashboard, under Developers and then API keys & secrets: the workspace secret, which begins with whsec_."
        }
        "attendee" => "In Attendee, under Settings and then Webhooks: the project's webhook secret.",
        _ => "",
    }
}

async fn show(
    visitor: &Visitor,
    status: StatusCode,
    dialect: &str,
    draft: Draft,
) -> Result<Response, PageError> {
    let pools: List<Pool> = visitor.client.get("/api/latchkey/v1/pools/").await?;
    let accounts = choices(&visitor.client).await?;
    let page = MakePage {
        frame: visitor.frame("Make a token link", Section::TokenLinks),
        dialect: dialect.to_owned(),
        platform: platform(dialect),
        platforms: PLATFORMS,
        secret_at: secret_at(dialect),
        accounts: accounts.into_iter().filter(Account::works).collect(),
        pools: pools.results,
        complaint: draft.complaint(FIELDS),
        draft,
    };
    error::page_with(status, &page)
}

/// One of the dialects, or none yet.
fn known(dialect: &str) -> &'static str {
    PLATFORMS.iter().find(|(word, _)| *word == dialect).map_or("", |(word, _)| word)
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    show(&visitor, StatusCode::OK, known(&asked.dialect), Draft::default()).await
}

/// `POST /token-links/new`
pub(crate) async fn make(Posted { visitor, form }: Posted) -> Result<Response, PageError> {
    let dialect = known(form.text("dialect"));
    let mut body = form.body(["name", "dialect", "user", "signing_secret"]);
    match form.text("with").split_once(':') {
        Some(("account", id)) => _ = body.insert("credential".into(), id.into()),
        Some(("pool", id)) => _ = body.insert("pool".into(), id.into()),
        _ if form.text("with") == "host" => _ = body.insert("host".into(), true.into()),
        _ => {}
    }
    let networks: Vec<&str> =
        form.text("networks").split([',', ' ']).filter(|network| !network.is_empty()).collect();
    if !networks.is_empty() {
        body.insert("networks".into(), json!(networks));
    }
    match visitor.client.post(PATH, Value::Object(body)).await {
        Ok(made) => shown(&visitor, dialect, &made, &form),
        Err(refused) if matches!(refused.status, 400 | 424) => {
            show(&visitor, StatusCode::BAD_REQUEST, dialect, Draft::of(form, refused)).await
        }
        Err(refused) => Err(refused.into()),
    }
}

fn shown(visitor: &Visitor, dialect: &'static str, made: &Value, form: &Form) -> Result<Response, PageError> {
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    let (url, authorization) = (text("url"), made["authorization"].as_str().map(str::to_owned));
    let (paste_at, snippet) = snippet(dialect, &url, authorization.as_deref());
    let page = MadePage {
        frame: visitor.frame("The new token link", Section::TokenLinks),
        id: text("id"),
        dialect: dialect.to_owned(),
        platform: platform(dialect),
        url,
        authorization,
        snippet,
        paste_at,
        signing_secret: form.text("signing_secret").to_owned(),
    };
    error::page(&page)
}

/// Where it belongs, and the exact lines.
fn snippet(dialect: &str, url: &str, authorization: Option<&str>) -> (&'static str, String) {
    let json = |value: Value| serde_json::to_string_pretty(&value).unwrap_or_default();
    match dialect {
        "recall" => (
            "In the body of Create Bot, at POST /api/v1/bot/:",
            json(json!({
                "meeting_url": "https://zoom.us/j/…", "bot_name": "Notes",
                "zoom": { "zak_url": url },
            })),
        ),
        "attendee" => (
            "In the body of Create Bot, at POST /api/v1/bots:",
            json(json!({
                "meeting_url": "https://zoom.us/j/…", "bot_name": "Notes",
                "callback_settings": { "zoom_tokens_url": url },
            })),
        ),
        "meeting_baas" => (
            "In the body of Create Bot, at POST /v2/bots:",
            json(json!({
                "meeting_url": "https://zoom.us/j/…", "bot_name": "Notes",
                "zoom_config": { "zak_token_url": url },
            })),
        ),
        _ => {
            let authorization = authorization.unwrap_or("Authorization: Bearer …");
            let value = authorization.strip_prefix("Authorization: ").unwrap_or(authorization);
            let program = format!(
                "import json, urllib.request\n\n\
                 request = urllib.request.Request(\n    \"{url}?kind=zak&bot=my-bot\",\n    \
                 headers={{\"Authorization\": \"{value}\"}},\n)\n\
                 with urllib.request.urlopen(request, timeout=15) as answer:\n    \
                 zak = json.load(answer)[\"token\"]\n"
            );
            ("A complete program, in Python:", program)
        }
    }
}
