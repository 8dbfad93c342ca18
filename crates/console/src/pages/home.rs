//! `/`: can my bots sign in now?

use std::{collections::BTreeMap, time::Duration};

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderValue, Method, header::ACCEPT},
    response::{IntoResponse as _, Response},
};
use model::{SubCode, Timestamp};
use serde::Deserialize;

use crate::{
    client::{Client, List, Refused},
    error::{self, PageError},
    frame::{Frame, Section},
    pages::accounts::Account,
    session::Visitor,
    show::{Bars, Meter, State, Tone, When, counted, number, words},
};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    verdict: Verdict,
    troubled: Vec<Troubled>,
    bars: Bars,
    has_bots: bool,
    came_in: String,
    failed: String,
    running: String,
    scheduled: String,
    causes: Vec<Cause>,
    pools: Vec<PoolRow>,
    tokens: Tokens,
    findings: Vec<FindingRow>,
    version: String,
}

/// The answer to the one question.
struct Verdict {
    tone: Tone,
    headline: String,
    lines: Vec<String>,
    /// What to do, the first first: words and where.
    actions: Vec<(&'static str, String)>,
}

struct Troubled {
    id: String,
    name: String,
    state: State,
    since: When,
    /// That are to sign in with it.
    bots: u64,
    reconnects: bool,
}

struct Cause {
    code: String,
    words: String,
    bots: u64,
    cure: &'static str,
}

struct PoolRow {
    id: String,
    name: String,
    seats: Meter,
}

struct Tokens {
    asked: u64,
    given: u64,
    refused: u64,
    newest: When,
    causes: Vec<(String, u64)>,
}

struct FindingRow {
    name: String,
    state: State,
    cause: String,
    consequence: String,
}

#[derive(Deserialize)]
struct Ready {
    version: String,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    name: String,
    ok: bool,
    severity: Option<String>,
    #[serde(default)]
    cause: Option<String>,
    #[serde(default)]
    consequence: Option<String>,
}

#[derive(Deserialize)]
struct Outcome {
    hour: Timestamp,
    code: String,
    sub_code: Option<String>,
    bots: u64,
}

#[derive(Deserialize)]
struct Pool {
    id: String,
    name: String,
    seats: u64,
    seats_taken: u64,
}

#[derive(Deserialize)]
struct Token {
    at: Timestamp,
    outcome: String,
}

#[derive(Deserialize)]
struct Anything {}

pub(crate) async fn page(visitor: Visitor) -> Result<Response, PageError> {
    let (client, now) = (&visitor.client, visitor.now());
    let ready: Ready = client.get("/readyz").await?;
    let healthy: List<Account> = client.get("/api/v2/zoom-oauth-credentials/?status=healthy").await?;
    let unhealthy: List<Account> = client.get("/api/v2/zoom-oauth-credentials/?status=unhealthy").await?;
    let outcomes: List<Outcome> = client.get("/api/latchkey/v1/bot-outcomes/").await?;
    let pools: List<Pool> = client.get("/api/latchkey/v1/pools/").await?;
    let tokens: List<Token> = client.get("/api/latchkey/v1/audit/").await?;
    let scheduled = bots(client, "status=ready").await?;
    let running =
        bots(client, "status=joining_call,in_waiting_room,in_call_not_recording,call_ended").await?;
    let mut troubled = Vec::new();
    for account in unhealthy.results.iter().take(10) {
        let waiting = bots(client, &format!("status=ready&latchkey_credential={}", account.id)).await?;
        troubled.push(Troubled {
            id: account.id.clone(),
            name: account.name().to_owned(),
            state: account.state(),
            since: When::new(account.latchkey_status_since, now),
            bots: waiting,
            reconnects: account.reconnects(),
        });
    }
    let verdict = verdict(&visitor, &ready, &healthy, &unhealthy, troubled.iter().map(|row| row.bots).sum());
    let (bars, came_in, failed) = chart(&outcomes.results, now);
    let page = HomePage {
        frame: visitor.frame("Home", Section::Home),
        verdict,
        troubled,
        bars,
        has_bots: came_in + failed > 0,
        came_in: number(came_in),
        failed: number(failed),
        running: number(running),
        scheduled: number(scheduled),
        causes: causes(&outcomes.results),
        pools: pools
            .results
            .into_iter()
            .map(|pool| PoolRow {
                id: pool.id,
                name: pool.name,
                seats: Meter { taken: pool.seats_taken, of: pool.seats, what: "Seats taken" },
            })
            .collect(),
        tokens: summary(&tokens.results, now),
        version: ready.version,
        findings: ready.findings.into_iter().map(FindingRow::from).collect(),
    };
    error::page(&page)
}

async fn bots(client: &Client, filter: &str) -> Result<u64, Refused> {
    let list: List<Anything> = client.get(&format!("/api/v1/bot/?{filter}")).await?;
    Ok(list.count.unwrap_or(list.results.len() as u64))
}

fn verdict(
    visitor: &Visitor,
    ready: &Ready,
    healthy: &List<Account>,
    unhealthy: &List<Account>,
    waiting: u64,
) -> Verdict {
    let now = visitor.now();
    let wrong = |severity: &str| ready.findings.iter().find(|row| row.severity.as_deref() == Some(severity));
    let said = |finding: &Finding| {
        let consequence = finding.consequence.clone().unwrap_or_default();
        vec![format!("{}. {consequence}", finding.cause.clone().unwrap_or_default())]
    };
    if let Some(finding) = wrong("failing") {
        let headline = "Bots cannot sign in: this server can give no token".to_owned();
        return Verdict { tone: Tone::Bad, headline, lines: said(finding), actions: Vec::new() };
    }
    let total = healthy.results.len() + unhealthy.results.len();
    if total == 0 {
        let line = "An account is a Zoom user whom bots sign in as. Connect one, and bots get into meetings that \
                    only admit signed-in users.";
        return Verdict {
            tone: Tone::Plain,
            headline: "No account is connected yet".into(),
            lines: vec![line.into()],
            actions: vec![("Connect an account", "/accounts/connect".into())],
        };
    }
    let more = |list: &List<Account>| if list.next.is_some() { "+" } else { "" };
    let bad = unhealthy.results.len() as u64;
    if bad > 0 {
        let verb = if bad == 1 { "needs" } else { "need" };
        let headline = match healthy.results.len() {
            0 if bad == 1 => "The only account needs a person".to_owned(),
            0 => format!("All {bad}{} accounts need a person", more(unhealthy)),
            _ => format!("{bad}{} of {total}{} accounts {verb} a person", more(unhealthy), more(healthy)),
        };
        let lines = match waiting {
            0 => Vec::new(),
            waiting => vec![format!("{} to sign in with them.", counted(waiting, "bot is", "bots are"))],
        };
        let mut actions = Vec::new();
        if let [account] = unhealthy.results.as_slice() {
            actions.push(("Look at the account", format!("/accounts/{}", account.id)));
        } else {
            actions.push(("Look at them", "/accounts?status=unhealthy".into()));
        }
        let tone = if healthy.results.is_empty() { Tone::Bad } else { Tone::Warn };
        return Verdict { tone, headline, lines, actions };
    }
    if let Some(finding) = wrong("degraded").or_else(|| wrong("warning")) {
        let headline = "Bots can sign in, but this server has a problem".to_owned();
        return Verdict { tone: Tone::Warn, headline, lines: said(finding), actions: Vec::new() };
    }
    let count = healthy.results.len() as u64;
    let next = healthy.results.iter().filter_map(|account| account.latchkey_refresh_at).min();
    let mut line = match healthy.next {
        Some(_) => format!("More than {count} accounts are healthy"),
        None => format!("{} healthy", counted(count, "account is", "accounts are")),
    };
    if let Some(next) = next {
        line = format!("{line}; next refresh {}", crate::show::ago(next, now));
    }
    Verdict {
        tone: Tone::Good,
        headline: "Bots can sign in".into(),
        lines: vec![format!("{line}.")],
        actions: Vec::new(),
    }
}

/// A bar for each of the last 24 hours, and the sums.
fn chart(outcomes: &[Outcome], now: Timestamp) -> (Bars, u64, u64) {
    let this_hour = Timestamp::from_second(now.as_second() / 3600 * 3600);
    let (mut came_in, mut failed) = (0, 0);
    let mut bars: Vec<_> = (0..24)
        .rev()
        .map(|back| {
            let hour = this_hour - HOUR * back;
            let of = |code: &str| {
                outcomes.iter().filter(|row| row.hour == hour && row.code == code).map(|row| row.bots).sum()
            };
            let (good, bad): (u64, u64) = (of("in_call_not_recording"), of("fatal"));
            came_in += good;
            failed += bad;
            let label = hour.to_string();
            (format!("{} UTC", label.get(11..16).unwrap_or_default()), good, bad)
        })
        .collect();
    bars.truncate(24);
    (Bars(bars), came_in, failed)
}

fn causes(outcomes: &[Outcome]) -> Vec<Cause> {
    let mut by_code: BTreeMap<&str, u64> = BTreeMap::new();
    for row in outcomes.iter().filter(|row| row.code == "fatal") {
        *by_code.entry(row.sub_code.as_deref().unwrap_or("bot_errored")).or_default() += row.bots;
    }
    let mut causes: Vec<_> = by_code
        .into_iter()
        .map(|(code, bots)| Cause {
            code: code.to_owned(),
            words: words(code),
            bots,
            cure: code.parse::<SubCode>().map_or("", |code| code.cure().1),
        })
        .collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.bots));
    causes.truncate(5);
    causes
}

fn summary(tokens: &[Token], now: Timestamp) -> Tokens {
    let given = tokens.iter().filter(|token| token.outcome == "given").count() as u64;
    let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
    for token in tokens.iter().filter(|token| token.outcome != "given") {
        *causes.entry(&token.outcome).or_default() += 1;
    }
    let asked = tokens.len() as u64;
    Tokens {
        asked,
        given,
        refused: asked - given,
        newest: When::new(tokens.first().map(|token| token.at), now),
        causes: causes.into_iter().map(|(code, count)| (code.to_owned(), count)).collect(),
    }
}

impl From<Finding> for FindingRow {
    fn from(finding: Finding) -> Self {
        let state = match (finding.ok, finding.severity.as_deref()) {
            (true, _) => State::new(Tone::Good, "fine"),
            (false, Some("failing")) => State::new(Tone::Bad, "failing"),
            (false, Some("degraded")) => State::new(Tone::Bad, "degraded"),
            (false, _) => State::new(Tone::Warn, "warning"),
        };
        let text = |text: Option<String>| text.unwrap_or_default();
        Self {
            name: words(&finding.name),
            state,
            cause: text(finding.cause),
            consequence: text(finding.consequence),
        }
    }
}

/// `GET /live`: the workspace's events as they happen; pages fetch their live parts again.
pub(crate) async fn live(visitor: Visitor) -> Result<Response, PageError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    let answer = visitor.client.raw(Method::GET, "/api/latchkey/v1/events/", None, &headers).await;
    Ok(answer.into_response())
}
