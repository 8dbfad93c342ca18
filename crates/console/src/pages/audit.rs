//! `/audit`: who requested which token, and the outcome.

use std::fmt::Write as _;

use askama::Template;
use axum::{
    extract::Query,
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    client::List,
    error::{self, PageError},
    form::{Draft, Form},
    format::{Id, State, When, cursor_of, exact, query, shortened},
    id_names::Names,
    layout::{Frame, Section},
    pages::accounts::{
        choices::{Choices, typed},
        detail::TokenRecord,
        names_of,
    },
    session::Session,
};

const PATH: &str = "/api/latchkey/v1/audit/";
/// The most pages of a hundred records in one export. `latchkey audit export` has no such limit.
const EXPORTED_PAGES: usize = 100;

/// Filters that the page marks if they are invalid.
const FIELDS: [&str; 4] = ["typed", "token_link", "since", "until"];

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    asked: PageQuery,
    choices: Choices,
    draft: Draft,
    complaint: String,
    rows: Vec<Row>,
    is_filtered: bool,
    export: String,
    next: Option<String>,
}

struct Row {
    at: When,
    account: (String, String),
    kind: String,
    who: String,
    who_path: Option<String>,
    outcome: State,
    meeting: String,
    bot: Option<Id>,
    from: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    credential: String,
    #[serde(default)]
    token_link: String,
    #[serde(default)]
    bot: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    cursor: String,
    /// An account that is not in the list.
    #[serde(default)]
    typed: String,
}

impl PageQuery {
    fn query(&self, cursor: &str) -> String {
        query(&[
            ("credential", self.credential.trim()),
            ("token_link", self.token_link.trim()),
            ("bot", self.bot.trim()),
            ("since", self.since.trim()),
            ("until", self.until.trim()),
            ("cursor", cursor),
        ])
    }
}

fn meeting(record: &TokenRecord) -> String {
    match &record.meeting {
        Some(Value::String(text)) => super::bots::spaced(text),
        Some(Value::Number(number)) => super::bots::spaced(&number.to_string()),
        _ => String::new(),
    }
}

pub(crate) async fn page(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let form = Form::of([("typed", asked.typed.as_str())]);
    let (mut asked, mut refused) = (asked, None);
    match typed(client, &form).await {
        Ok(Some(id)) => asked.credential = id,
        Ok(None) => {}
        Err(wrong) if wrong.status == 400 => refused = Some(wrong),
        Err(refused) => return Err(refused.into()),
    }
    let mut list: List<TokenRecord> = List::nothing();
    if refused.is_none() {
        match client.get(&format!("{PATH}{}", asked.query(&asked.cursor))).await {
            Ok(found) => list = found,
            Err(wrong) if wrong.status == 400 => refused = Some(wrong),
            Err(refused) => return Err(refused.into()),
        }
    }
    let choices = Choices::read(client, &asked.credential).await?;
    let names = names_of(client, list.results.iter().map(|record| record.credential.as_str())).await?;
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| shortened(id));
    let links = list.results.iter().filter_map(TokenRecord::token_link);
    let links = Names::read(client, &session.console.base, links).await?;
    let row = |record: &TokenRecord| {
        let (who, who_path) = record.asker(&links);
        Row {
            at: When::new(record.at, now),
            account: (record.credential.clone(), name(&record.credential)),
            kind: record.kind.to_uppercase().replace('_', " "),
            who,
            who_path,
            outcome: record.state(),
            meeting: meeting(record),
            bot: record.bot.clone().map(Id),
            from: record.from.clone(),
        }
    };
    let draft = Draft { form, refused };
    let page = AuditPage {
        complaint: draft.complaint(FIELDS),
        frame: session.frame("Audit", Section::Audit),
        rows: list.results.iter().map(row).collect(),
        is_filtered: draft.refused.is_some() || !asked.query("").is_empty(),
        export: format!("/audit/export.csv{}", asked.query("")),
        next: cursor_of(list.next.as_deref()).map(|cursor| asked.query(&cursor)),
        choices,
        draft,
        asked,
    };
    error::page(&page)
}

/// `GET /audit/export.csv`: the filtered records, newest first, at most ten thousand.
pub(crate) async fn export(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    let mut text = String::from("at,credential,user,kind,who,who_id,from,outcome,source,meeting,bot\r\n");
    let mut cursor = String::new();
    for _ in 0..EXPORTED_PAGES {
        let list: List<TokenRecord> = session.client.get(&format!("{PATH}{}", asked.query(&cursor))).await?;
        for record in &list.results {
            line(&mut text, record);
        }
        match cursor_of(list.next.as_deref()) {
            Some(next) => cursor = next,
            None => break,
        }
    }
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\""),
    ];
    Ok((headers, text).into_response())
}

fn line(text: &mut String, record: &TokenRecord) {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let meeting = match &record.meeting {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let cells = [
        exact(record.at),
        record.credential.clone(),
        or_empty(&record.user),
        record.kind.clone(),
        record.who.clone(),
        record.who_id.clone(),
        or_empty(&record.from),
        record.outcome.clone(),
        or_empty(&record.source),
        meeting,
        or_empty(&record.bot),
    ];
    let cells = cells.map(|cell| quoted(&cell));
    let _ = write!(text, "{}\r\n", cells.join(","));
}

/// A CSV cell. A cell that a spreadsheet would read as a formula becomes text: platforms choose the ids of their bots.
fn quoted(cell: &str) -> String {
    let guarded =
        if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() };
    if guarded.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn spreadsheets_read_no_cell_as_a_formula() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "'=HYPERLINK(1)");
    }
}
