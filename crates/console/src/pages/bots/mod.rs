//! `/bots`: the list of bots, newest first.

pub(crate) mod create;
pub(crate) mod detail;
pub(crate) mod meeting;

use askama::Template;
use axum::{extract::Query, response::Response};
use model::{SubCode, Timestamp};
use serde::Deserialize;

use super::accounts::{
    choices::{Choices, typed},
    names_of,
};
use crate::{
    client::List,
    error::{self, PageError},
    form::{Draft, Form},
    format::{State, When, number, query, shortened, words},
    layout::{Frame, Section},
    session::Session,
};

/// Statuses of running bots.
const RUNNING: &str = "joining_call,in_waiting_room,in_call_not_recording,call_ended";

/// A bot in the API's answer.
#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the API's names")]
pub(crate) struct Bot {
    pub(crate) id: String,
    pub(crate) bot_name: String,
    pub(crate) meeting_url: Option<Meeting>,
    pub(crate) join_at: Option<Timestamp>,
    pub(crate) zoom: Zoom,
    pub(crate) status_changes: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Meeting {
    pub(crate) meeting_id: String,
    pub(crate) meeting_password: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Zoom {
    #[serde(default)]
    pub(crate) credential: Option<String>,
    #[serde(default)]
    pub(crate) obf_credential: Option<String>,
    #[serde(default)]
    pub(crate) pool: Option<String>,
    #[serde(default)]
    pub(crate) zak_url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Step {
    pub(crate) code: String,
    pub(crate) message: Option<String>,
    pub(crate) sub_code: Option<String>,
    pub(crate) created_at: Timestamp,
}

impl Bot {
    pub(crate) fn last(&self) -> (&str, Option<&str>) {
        self.status_changes.last().map_or(("ready", None), |step| (&step.code, step.sub_code.as_deref()))
    }

    pub(crate) fn state(&self) -> State {
        let (code, sub_code) = self.last();
        State::of_bot(code, self.why().or(sub_code))
    }

    /// The most recent sub code: that of the end, or else of the end of the call before it.
    pub(crate) fn why(&self) -> Option<&str> {
        self.status_changes.iter().rev().find_map(|step| step.sub_code.as_deref())
    }

    pub(crate) fn created_at(&self) -> Option<Timestamp> {
        self.status_changes.first().map(|step| step.created_at)
    }

    /// The account that it signs in with, or that vouches for it.
    pub(crate) fn account(&self) -> Option<&str> {
        self.zoom.credential.as_deref().or(self.zoom.obf_credential.as_deref())
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.last().0, "done" | "fatal")
    }

    /// The meeting's number as Zoom writes it.
    pub(crate) fn meeting(&self) -> String {
        self.meeting_url.as_ref().map_or_else(|| "–".to_owned(), |meeting| spaced(&meeting.meeting_id))
    }
}

/// The id and the name of a pool.
#[derive(Deserialize)]
pub(crate) struct Pool {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// `812 3456 7890`
pub(crate) fn spaced(digits: &str) -> String {
    let ends: &[usize] = match digits.len() {
        11 => &[3, 7, 11],
        10 => &[3, 6, 10],
        9 => &[3, 6, 9],
        _ => return digits.to_owned(),
    };
    let mut from = 0;
    let parts = ends.iter().filter_map(|end| {
        let part = digits.get(from..*end);
        from = *end;
        part
    });
    parts.collect::<Vec<_>>().join(" ")
}

#[derive(Template)]
#[template(path = "bots.html")]
struct BotsPage {
    frame: Frame,
    rows: Vec<Row>,
    count: String,
    asked: PageQuery,
    choices: Choices,
    draft: Draft,
    sub_codes: Vec<(&'static str, String)>,
    is_filtered: bool,
    next: Option<String>,
    previous: Option<String>,
}

struct Row {
    id: String,
    name: String,
    meeting: String,
    state: State,
    /// Why it ended, or what it waits for.
    reason: Option<String>,
    when: When,
    /// The path and name of the account or pool that it signs in with.
    signs_in: Option<(String, String)>,
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    status: String,
    #[serde(default)]
    sub_code: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    meeting: String,
    #[serde(default)]
    page: String,
    /// An account that is not in the list.
    #[serde(default)]
    typed: String,
}

pub(crate) async fn page(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let form = Form::of([("typed", asked.typed.as_str())]);
    let (mut asked, mut refused) = (asked, None);
    match typed(client, &form).await {
        Ok(Some(id)) => asked.account = id,
        Ok(None) => {}
        Err(wrong) if wrong.status == 400 => refused = Some(wrong),
        Err(refused) => return Err(refused.into()),
    }
    let status = if asked.status == "running" { RUNNING } else { &asked.status };
    let filter = query(&[
        ("status", status),
        ("latchkey_sub_code", &asked.sub_code),
        ("latchkey_credential", &asked.account),
        ("meeting_url", asked.meeting.trim()),
        ("page", &asked.page),
    ]);
    let list: List<Bot> = match refused {
        None => client.get(&format!("/api/v1/bot/{filter}")).await?,
        Some(_) => List::nothing(),
    };
    let choices = Choices::read(client, &asked.account).await?;
    let names = names_of(client, list.results.iter().filter_map(Bot::account)).await?;
    let pools: List<Pool> = client.get("/api/latchkey/v1/pools/").await?;
    let row = |bot: &Bot| {
        let account = bot
            .account()
            .map(|id| (format!("/accounts/{id}"), names.get(id).cloned().unwrap_or_else(|| shortened(id))));
        let pool = bot.zoom.pool.as_ref().map(|id| {
            let known = pools.results.iter().find(|pool| pool.id == *id);
            (format!("/pools/{id}"), known.map_or_else(|| id.clone(), |pool| pool.name.clone()))
        });
        Row {
            id: bot.id.clone(),
            name: bot.bot_name.clone(),
            meeting: bot.meeting(),
            state: State { code: None, ..bot.state() },
            reason: bot.why().map(words),
            when: When::new(bot.join_at.or(bot.created_at()), now),
            signs_in: account.or(pool),
        }
    };
    let (this, count) = (asked.page.parse::<u64>().unwrap_or(1).max(1), list.count.unwrap_or(0));
    let at = |page: u64| {
        query(&[
            ("status", &asked.status),
            ("sub_code", &asked.sub_code),
            ("account", &asked.account),
            ("meeting", &asked.meeting),
            ("page", &page.to_string()),
        ])
    };
    let page = BotsPage {
        frame: session.frame("Bots", Section::Bots),
        rows: list.results.iter().map(row).collect(),
        count: number(count),
        sub_codes: SubCode::ALL.iter().map(|code| (code.as_str(), words(code.as_str()))).collect(),
        is_filtered: [&asked.status, &asked.sub_code, &asked.account, &asked.meeting, &asked.typed]
            .iter()
            .any(|filter| !filter.is_empty()),
        next: list.next.as_ref().map(|_| at(this + 1)),
        previous: (this > 1).then(|| at(this - 1)),
        choices,
        draft: Draft { form, refused },
        asked,
    };
    error::page(&page)
}

#[cfg(test)]
mod tests {
    use super::spaced;

    #[test]
    fn meeting_numbers_are_spaced_as_at_zoom() {
        assert_eq!(spaced("81234567890"), "812 3456 7890");
        assert_eq!(spaced("1234567890"), "123 456 7890");
        assert_eq!(spaced("123"), "123");
    }
}
