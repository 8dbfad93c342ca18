//! `/`: the overview. It answers whether bots can sign in now.

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
    format::{Bars, Marked, Meter, State, Tone, When, counted, number, words},
    layout::{Frame, Section},
    pages::accounts::Account,
    session::Session,
};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    verdict: Verdict,
    troubled: Vec<Troubled>,
    hindered: Vec<Hindered>,
    /// The number of accounts that need a person and are not shown.
    more_troubled: u64,
    /// Whether nothing is set up yet: then there are no figures.
    is_new: bool,
    tiles: Vec<Tile>,
    bars: Bars,
    has_bots: bool,
    causes: Vec<Cause>,
    pools: Vec<PoolRow>,
    tokens: Tokens,
    refreshes: Refreshes,
    findings: Vec<FindingRow>,
    version: String,
}

/// Whether bots can sign in, and why not.
struct Verdict {
    tone: Tone,
    headline: String,
    lines: Vec<String>,
    /// What to do, the most important first: text and path.
    actions: Vec<(&'static str, String)>,
}

/// A figure, with a link to its list.
struct Tile {
    name: &'static str,
    value: String,
    note: String,
    path: String,
    tone: Tone,
}

struct Troubled {
    id: String,
    name: String,
    state: State,
    since: When,
    /// The number of bots that will sign in with it.
    bots: u64,
    reconnects: bool,
}

/// Accounts that have tokens but cannot sign bots in: what is wrong, and where to fix it.
struct Hindered {
    words: String,
    path: String,
    cure: &'static str,
}

struct Cause {
    code: String,
    words: String,
    bots: u64,
    cure: Marked,
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
    causes: Vec<(String, String, u64)>,
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
struct Overview {
    accounts: Vec<AccountsCounted>,
    cannot_sign_in: Vec<CannotSignIn>,
    refreshes: Refreshes,
    bots: Vec<BotsCounted>,
    time_to_join: TimeToJoin,
}

#[derive(Deserialize)]
struct CannotSignIn {
    cause: String,
    missing_scopes: Vec<String>,
    accounts: u64,
    credential: String,
}

/// Outcomes of the last day's refreshes.
#[derive(Deserialize)]
struct Refreshes {
    done: u64,
    failed: u64,
    failures: Vec<RefreshFailures>,
}

#[derive(Deserialize)]
struct RefreshFailures {
    code: String,
    refreshes: u64,
}

impl RefreshFailures {
    fn words(&self) -> String {
        words(&self.code)
    }
}

#[derive(Deserialize)]
struct AccountsCounted {
    latchkey_status: String,
    accounts: u64,
    next_refresh_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct BotsCounted {
    status: String,
    bots: u64,
}

#[derive(Deserialize)]
struct TimeToJoin {
    median_ms: Option<u64>,
    p95_ms: Option<u64>,
}

impl Overview {
    /// Accounts that have tokens.
    fn with_tokens(&self) -> impl Iterator<Item = &AccountsCounted> {
        self.accounts.iter().filter(|row| matches!(row.latchkey_status.as_str(), "healthy" | "degraded"))
    }

    /// Of those, the accounts that bots cannot sign in with: a scope is missing, or Zoom refuses the app.
    fn hindered(&self) -> u64 {
        self.cannot_sign_in.iter().map(|row| row.accounts).sum()
    }

    /// Accounts that bots can sign in with.
    fn working(&self) -> u64 {
        self.with_tokens().map(|row| row.accounts).sum::<u64>().saturating_sub(self.hindered())
    }

    fn accounts_of(&self, is_meant: impl Fn(&str) -> bool) -> u64 {
        self.accounts.iter().filter(|row| is_meant(&row.latchkey_status)).map(|row| row.accounts).sum()
    }

    /// Accounts that give no token until a person acts. Accounts that were disconnected here do not count.
    fn broken(&self) -> u64 {
        self.accounts_of(|status| !matches!(status, "healthy" | "degraded" | "disconnected:asked"))
    }

    fn bots_of(&self, is_meant: impl Fn(&str) -> bool) -> u64 {
        self.bots.iter().filter(|row| is_meant(&row.status)).map(|row| row.bots).sum()
    }
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

/// The most accounts that need a person that are shown.
const MAX_TROUBLED: usize = 5;

pub(crate) async fn page(session: Session) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let ready: Ready = client.get("/readyz").await?;
    let overview: Overview = client.get("/api/latchkey/v1/overview/").await?;
    let outcomes: List<Outcome> = client.get("/api/latchkey/v1/bot-outcomes/").await?;
    let pools: List<Pool> = client.get("/api/latchkey/v1/pools/").await?;
    let tokens: List<Token> = client.get("/api/latchkey/v1/audit/").await?;
    let troubled = if overview.broken() > 0 { troubled(client, now).await? } else { Vec::new() };
    let verdict = verdict(&session, &ready, &overview, troubled.iter().map(|row| row.bots).sum());
    let (bars, came_in, failed) = chart(&outcomes.results, now);
    let tokens = summary(&tokens.results, now);
    let page = HomePage {
        frame: session.frame("Home", Section::Home),
        verdict,
        more_troubled: overview.broken().saturating_sub(troubled.len() as u64),
        troubled,
        hindered: overview.cannot_sign_in.iter().map(Hindered::of).collect(),
        is_new: overview.accounts.is_empty()
            && overview.bots.is_empty()
            && came_in + failed == 0
            && tokens.asked == 0,
        tiles: tiles(&overview, came_in, failed),
        bars,
        has_bots: came_in + failed > 0,
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
        tokens,
        refreshes: overview.refreshes,
        version: ready.version,
        findings: ready.findings.into_iter().map(FindingRow::from).collect(),
    };
    error::page(&page)
}

fn tiles(overview: &Overview, came_in: u64, failed: u64) -> Vec<Tile> {
    let tile = |name, value: u64, path: &str| Tile {
        name,
        value: number(value),
        note: String::new(),
        path: path.to_owned(),
        tone: Tone::Plain,
    };
    let joined = &overview.time_to_join;
    let last_day = "last 24 h".to_owned();
    vec![
        Tile { note: last_day.clone(), ..tile("Joined", came_in, "/bots") },
        Tile {
            note: last_day,
            tone: if failed > 0 { Tone::Bad } else { Tone::Plain },
            ..tile("Failed", failed, "/bots?status=fatal")
        },
        Tile {
            value: joined.median_ms.map_or_else(|| "–".to_owned(), seconds),
            note: joined
                .p95_ms
                .map_or_else(|| "no join yet".to_owned(), |p95| format!("p95 {}", seconds(p95))),
            ..tile("Median time to join", 0, "/bots")
        },
        Tile {
            note: "or joining".to_owned(),
            ..tile("In a meeting", overview.bots_of(|status| status != "ready"), "/bots?status=running")
        },
        Tile {
            note: "to come".to_owned(),
            ..tile("Scheduled", overview.bots_of(|status| status == "ready"), "/bots?status=ready")
        },
    ]
}

/// `1.2 s`
fn seconds(ms: u64) -> String {
    if ms < 10_000 { format!("{}.{} s", ms / 1000, ms % 1000 / 100) } else { format!("{} s", ms / 1000) }
}

impl Hindered {
    fn of(row: &CannotSignIn) -> Self {
        let accounts = counted(row.accounts, "account", "accounts");
        if row.cause == "app_refused" {
            return Self {
                words: format!("Zoom refuses the app of {accounts}"),
                path: "/settings".to_owned(),
                cure: "Its id or client secret is wrong, or the app is disabled at Zoom.",
            };
        }
        let lack = if row.accounts == 1 { "lacks" } else { "lack" };
        Self {
            words: format!("{accounts} {lack} {}", row.missing_scopes.join(", ")),
            path: format!("/accounts/{}", row.credential),
            cure: "The app needs the scope at Zoom; then its user has to consent again.",
        }
    }
}

async fn troubled(client: &Client, now: Timestamp) -> Result<Vec<Troubled>, Refused> {
    let unhealthy: List<Account> = client.get("/api/v2/zoom-oauth-credentials/?status=unhealthy").await?;
    let mut troubled = Vec::new();
    for account in unhealthy.results.iter().take(MAX_TROUBLED) {
        let waiting: List<Anything> =
            client.get(&format!("/api/v1/bot/?status=ready&latchkey_credential={}", account.id)).await?;
        troubled.push(Troubled {
            id: account.id.clone(),
            name: account.name().to_owned(),
            state: account.state(),
            since: When::new(account.latchkey_status_since, now),
            bots: waiting.count.unwrap_or(waiting.results.len() as u64),
            reconnects: account.reconnects(),
        });
    }
    Ok(troubled)
}

fn verdict(session: &Session, ready: &Ready, overview: &Overview, waiting: u64) -> Verdict {
    let now = session.now();
    let wrong = |severity: &str| ready.findings.iter().find(|row| row.severity.as_deref() == Some(severity));
    let said = |finding: &Finding| {
        let consequence = finding.consequence.clone().unwrap_or_default();
        vec![format!("{}. {consequence}", first_upper(&finding.cause.clone().unwrap_or_default()))]
    };
    if let Some(finding) = wrong("failing") {
        let headline = "Bots cannot sign in: this server can give no token".to_owned();
        return Verdict { tone: Tone::Bad, headline, lines: said(finding), actions: Vec::new() };
    }
    let (working, broken) = (overview.working(), overview.broken() + overview.hindered());
    if working + broken == 0 {
        let line = "An account is a Zoom user that bots sign in as. Connect one, and bots get into meetings that \
                    only admit signed-in users.";
        let actions = vec![("Set up", "/setup".to_owned())];
        let headline = "No account is connected yet".to_owned();
        return Verdict { tone: Tone::Plain, headline, lines: vec![line.into()], actions };
    }
    if broken > 0 {
        let verb = if broken == 1 { "needs" } else { "need" };
        let headline = match working {
            0 if broken == 1 => "The only account needs a person".to_owned(),
            0 => format!("All {} accounts need a person", number(broken)),
            _ => format!("{} of {} accounts {verb} a person", number(broken), number(working + broken)),
        };
        let lines = match waiting {
            0 => Vec::new(),
            waiting => vec![format!("{} to sign in with them.", counted(waiting, "bot is", "bots are"))],
        };
        let tone = if working == 0 { Tone::Bad } else { Tone::Warn };
        return Verdict { tone, headline, lines, actions: Vec::new() };
    }
    let is_expected = |finding: &&Finding| finding.name == "zoom_authority";
    let problem = wrong("degraded").or_else(|| {
        // Every page already says that the simulator is trusted.
        let mut warnings = ready.findings.iter().filter(|row| row.severity.as_deref() == Some("warning"));
        warnings.find(|finding| !is_expected(finding))
    });
    let retried = overview.accounts_of(|status| status == "degraded");
    let mut line = match (working.saturating_sub(retried), retried) {
        (healthy, 0) => format!("{} healthy", counted(healthy, "account is", "accounts are")),
        (0, retried) => {
            format!("{} in trouble, being retried", counted(retried, "account is", "accounts are"))
        }
        (healthy, retried) => format!(
            "{} healthy, {} in trouble, being retried",
            counted(healthy, "account is", "accounts are"),
            number(retried)
        ),
    };
    if let Some(next) = overview.with_tokens().filter_map(|row| row.next_refresh_at).min() {
        line = format!("{line}; next refresh {}", crate::format::ago(next, now));
    }
    let mut lines = vec![format!("{line}.")];
    let (tone, headline) = match problem {
        Some(finding) => {
            lines.extend(said(finding));
            (Tone::Warn, "Bots can sign in, but this server has a problem")
        }
        None => (Tone::Good, "Bots can sign in"),
    };
    Verdict { tone, headline: headline.into(), lines, actions: Vec::new() }
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A bar for each of the last 24 hours, and the totals.
fn chart(outcomes: &[Outcome], now: Timestamp) -> (Bars, u64, u64) {
    let this_hour = Timestamp::from_second(now.as_second() / 3600 * 3600);
    let (mut came_in, mut failed) = (0, 0);
    let bars: Vec<_> = (0..24)
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
            cure: Marked(code.parse::<SubCode>().map_or("", |code| code.remedy().1)),
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
        causes: causes.into_iter().map(|(code, count)| (words(code), code.to_owned(), count)).collect(),
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
        // Every page already says it.
        if finding.name == "zoom_authority" && !finding.ok {
            let (name, state) = (words(&finding.name), State::new(Tone::Warn, "simulator"));
            return Self { name, state, cause: String::new(), consequence: String::new() };
        }
        let text = |text: Option<String>| text.unwrap_or_default();
        Self {
            name: words(&finding.name),
            state,
            cause: text(finding.cause),
            consequence: text(finding.consequence),
        }
    }
}

/// `GET /live`: streams the workspace's events; pages then fetch their live parts again.
pub(crate) async fn live(session: Session) -> Result<Response, PageError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    let answer = session.client.raw(Method::GET, "/api/latchkey/v1/events/", None, &headers).await;
    Ok(answer.into_response())
}
