//! What is counted, for `/metrics`: one registry for the process. `docs/metrics.md` says what each series means.
//!
//! A label has few values, known beforehand: words of our own catalogues, never an id. What can be counted at all is there
//! from the start, with zero: a rate over a series that begins to exist with its first event misses that event.

mod http;
mod realtime;
mod store;
mod webhooks;
mod workers;

use std::{fmt, sync::Arc, time::Duration};

use model::{
    BotStatus, Code, CredentialStatus, Failure, Finding, Outcome, Severity, Source, SubCode, Timestamp,
    TokenKind,
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use zoom::{Label, Plan};

pub use http::LinkOutcome;
pub use webhooks::DeliveryOutcome;

/// What comes of listing meetings.
const SYNC_OUTCOMES: [&str; 2] = ["completed", "failed"];

/// What comes of switching a bot's camera.
const CAMERA_OUTCOMES: [&str; 3] = ["on", "off", "failed"];
/// What comes of taking a picture of a bot's page.
const SCREENSHOT_OUTCOMES: [&str; 2] = ["kept", "failed"];
/// What comes of a bot's chat message.
const CHAT_OUTCOMES: [&str; 5] = ["sent", "nobody", "forbidden", "unconfirmed", "failed"];

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// What `limit` says: the labels of the REST API, the token endpoint, and installs.
const LIMITS: [&str; 5] = ["light", "medium", "heavy", "tokens", "installs"];

/// What came of asking for a turn at Zoom.
#[derive(Debug, Clone, Copy)]
pub enum TurnOutcome {
    /// It was there.
    AtOnce,
    /// It came in time.
    Waited,
    /// It would have come too late.
    TurnedAway,
}

/// Why a browser gets no more bots.
#[derive(Debug, Clone, Copy)]
pub enum ReplacedBrowser {
    /// It takes too much memory.
    Grown,
    /// It does not answer.
    Silent,
}

/// Counters and gauges of one process. Cloned freely; all clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Counted>);

struct Counted {
    registry: Registry,
    token_reads: Family<Labels<3>, Counter>,
    /// Those that were given, by kind and source: looking a series up by its labels costs more than counting.
    given: [[Counter; Source::ALL.len()]; TokenKind::ALL.len()],
    mints: Family<Labels<2>, Counter>,
    turns: Family<Labels<2>, Counter>,
    turns_waiting: Family<Labels<1>, Gauge>,
    limits_learned: Family<Labels<2>, Counter>,
    limit_hits: Family<Labels<1>, Counter>,
    refreshes: Family<Labels<1>, Counter>,
    credentials: Family<Labels<1>, Gauge>,
    /// Seconds since 1970; 0 before the first count.
    statistics_at: Gauge,
    escrow_files: Gauge,
    audit_waiting: Gauge,
    audit_batch_records: Histogram,
    audit_write_seconds: Histogram,
    audit_failures: Counter,
    audit_journaled: Counter,
    audit_dropped: Counter,
    credential_changes: Family<Labels<1>, Counter>,
    pool_seats: Gauge,
    pool_refusals: Family<Labels<1>, Counter>,
    meeting_syncs: Family<Labels<1>, Counter>,
    problem_severity: Family<Labels<1>, Gauge>,
    clock_ahead: Gauge,
    http: http::HttpSeries,
    store: store::StoreSeries,
    workers: workers::WorkerSeries,
    webhooks: webhooks::WebhookSeries,
    realtime: realtime::RealtimeSeries,
    bot_steps: Family<Labels<2>, Counter>,
    bot_join_seconds: Histogram,
    bots_running: Gauge,
    meeting_events_kept: Counter,
    meeting_events_missed: Counter,
    bot_log_kept: Counter,
    bot_log_missed: Counter,
    screenshots: Family<Labels<1>, Counter>,
    bots_capacity: Gauge,
    bot_late_seconds: Histogram,
    bots_warm: Gauge,
    browsers: Family<Labels<1>, Gauge>,
    browsers_replaced: Family<Labels<1>, Counter>,
    warm_pages: Gauge,
    bot_outputs: Family<Labels<2>, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("latchkey");
        let token_reads = registered(&mut registry, "token_reads", "Requests for a token");
        let given = TokenKind::ALL
            .map(|kind| Source::ALL.map(|source| reads(&token_reads, kind, Outcome::Given(source))));
        let counted = Counted {
            token_reads,
            given,
            mints: registered(&mut registry, "mints", "Short-lived tokens asked of Zoom"),
            turns: registered(
                &mut registry,
                "zoom_turns",
                "Turns for calls of Zoom, by what came of waiting for one",
            ),
            turns_waiting: registered(
                &mut registry,
                "zoom_turns_waiting",
                "Callers that wait for a turn at Zoom",
            ),
            limits_learned: registered(
                &mut registry,
                "zoom_limits_learned",
                "Answers that said something new about an account's limit, by the plan that has it",
            ),
            limit_hits: registered(&mut registry, "zoom_limit_hits", "Calls that Zoom refused for a limit"),
            refreshes: registered(&mut registry, "refreshes", "Grants refreshed at Zoom"),
            credentials: registered(&mut registry, "credentials", "Accounts by state"),
            statistics_at: registered(
                &mut registry,
                "credentials_counted_timestamp_seconds",
                "When the accounts were counted",
            ),
            escrow_files: registered(
                &mut registry,
                "escrow_files",
                "Refreshed grants on this server's disk that wait for the store",
            ),
            audit_waiting: registered(&mut registry, "audit_waiting", "Records that wait to be written"),
            audit_batch_records: histogram(
                &mut registry,
                "audit_batch_records",
                "Records in one transaction of the audit",
                (1.0, 2.0, 10),
            ),
            audit_write_seconds: histogram(
                &mut registry,
                "audit_write_seconds",
                "How long one transaction of the audit took",
                (0.0005, 2.0, 14),
            ),
            audit_failures: registered(
                &mut registry,
                "audit_failures",
                "Tries to write the audit that failed",
            ),
            audit_journaled: registered(
                &mut registry,
                "audit_journaled",
                "Records that were on this server's disk alone because the store was away",
            ),
            audit_dropped: registered(
                &mut registry,
                "audit_dropped",
                "Records that stand in the log instead of the audit",
            ),
            credential_changes: registered(
                &mut registry,
                "credential_changes",
                "Changes of an account's state, by what it became",
            ),
            pool_seats: registered(&mut registry, "pool_seats", "Seats taken, of all pools"),
            pool_refusals: registered(&mut registry, "pool_refusals", "Requests for a seat that found none"),
            meeting_syncs: registered(&mut registry, "meeting_syncs", "Lists of an account's meetings"),
            clock_ahead: registered(
                &mut registry,
                "clock_ahead_of_zoom_seconds",
                "By how much this server's clock is ahead of Zoom's; negative when it is behind",
            ),
            http: http::HttpSeries::registered(&mut registry),
            store: store::StoreSeries::registered(&mut registry),
            workers: workers::WorkerSeries::registered(&mut registry),
            webhooks: webhooks::WebhookSeries::registered(&mut registry),
            realtime: realtime::RealtimeSeries::registered(&mut registry),
            problem_severity: registered(
                &mut registry,
                "problem_severity",
                "What /readyz says of each thing that this server needs: 0 works, 3 no token can be given",
            ),
            bot_steps: registered(&mut registry, "bot_steps", "Steps that bots of this server took"),
            bot_join_seconds: histogram(
                &mut registry,
                "bot_join_seconds",
                "From joining_call until a bot was in the meeting or its waiting room, for the first time",
                (0.5, 1.6, 12),
            ),
            meeting_events_kept: registered(
                &mut registry,
                "meeting_events_kept",
                "Events of meetings that were stored",
            ),
            meeting_events_missed: registered(
                &mut registry,
                "meeting_events_missed",
                "Events of meetings that were too many to be kept",
            ),
            bot_log_kept: registered(&mut registry, "bot_log_kept", "Entries of bots' logs that were stored"),
            bot_log_missed: registered(
                &mut registry,
                "bot_log_missed",
                "Entries of bots' logs that were too many to be kept",
            ),
            screenshots: registered(&mut registry, "screenshots", "Pictures of bots' pages"),
            bots_running: registered(&mut registry, "bots_running", "Bots that run on this server"),
            bots_capacity: registered(
                &mut registry,
                "bots_capacity",
                "Bots that may run on this server at once",
            ),
            bot_late_seconds: histogram(
                &mut registry,
                "bot_late_seconds",
                "How long after its time a bot was told to join, for the first time",
                (0.05, 2.0, 12),
            ),
            bots_warm: registered(
                &mut registry,
                "bots_warm",
                "Scheduled bots that wait for their time with an open page",
            ),
            browsers: registered(&mut registry, "browsers", "Browsers of this server, by what they are for"),
            browsers_replaced: registered(
                &mut registry,
                "browsers_replaced",
                "Browsers that got no more bots, by the reason",
            ),
            warm_pages: registered(
                &mut registry,
                "warm_pages",
                "Pages that wait for a bot, with the SDK started",
            ),
            bot_outputs: registered(&mut registry, "bot_outputs", "What bots of this server showed and said"),
            registry,
        };
        let metrics = Self(Arc::new(counted));
        for status in BotStatus::ALL {
            metrics.steps(*status, None).inc_by(0);
        }
        for outcome in SCREENSHOT_OUTCOMES {
            metrics.screenshots(outcome).inc_by(0);
        }
        for outcome in CAMERA_OUTCOMES {
            metrics.outputs("camera", outcome).inc_by(0);
        }
        for outcome in CHAT_OUTCOMES {
            metrics.outputs("chat", outcome).inc_by(0);
        }
        for why in [ReplacedBrowser::Grown, ReplacedBrowser::Silent] {
            metrics.replaced(why).inc_by(0);
        }
        metrics.browsers(0, 0);
        metrics.mints(TokenKind::Zak, "ok").inc_by(0);
        metrics.refreshes("ok").inc_by(0);
        for limit in LIMITS {
            for outcome in [TurnOutcome::AtOnce, TurnOutcome::Waited, TurnOutcome::TurnedAway] {
                metrics.turns(limit, outcome).inc_by(0);
            }
            metrics.turn_waiting(limit, 0);
            metrics.0.limit_hits.get_or_create(&[("limit", limit)]).inc_by(0);
        }
        for label in Label::ALL {
            for plan in Plan::ALL {
                metrics.learned(label, plan).inc_by(0);
            }
        }
        metrics.accounts(&[]);
        for code in [Code::PoolFull, Code::PoolUnhealthy, Code::HostBusy] {
            metrics.0.pool_refusals.get_or_create(&[("code", code.as_str())]).inc_by(0);
        }
        for outcome in SYNC_OUTCOMES {
            metrics.0.meeting_syncs.get_or_create(&[("outcome", outcome)]).inc_by(0);
        }
        for status in CredentialStatus::ALL {
            metrics.0.credential_changes.get_or_create(&[("to", status.as_str())]).inc_by(0);
        }
        metrics
    }
}

impl Metrics {
    /// A request for a token was answered.
    pub fn token_read(&self, kind: TokenKind, outcome: Outcome) {
        match outcome {
            Outcome::Given(source) => self.0.given[kind as usize][source as usize].inc(),
            Outcome::Refused(_) => reads(&self.0.token_reads, kind, outcome).inc(),
        };
    }

    /// A mint came to its end.
    pub fn mint<T>(&self, kind: TokenKind, done: &Result<T, Failure>) {
        self.mints(kind, outcome(done)).inc();
    }

    fn mints(&self, kind: TokenKind, outcome: &'static str) -> Counter {
        self.0.mints.get_or_create(&[("kind", kind.as_str()), ("outcome", outcome)]).clone()
    }

    /// A call wanted a turn at Zoom, and got it or not.
    pub fn turn(&self, limit: &'static str, outcome: TurnOutcome) {
        self.turns(limit, outcome).inc();
    }

    fn turns(&self, limit: &'static str, outcome: TurnOutcome) -> Counter {
        let outcome = match outcome {
            TurnOutcome::AtOnce => "at_once",
            TurnOutcome::Waited => "waited",
            TurnOutcome::TurnedAway => "turned_away",
        };
        self.0.turns.get_or_create(&[("limit", limit), ("outcome", outcome)]).clone()
    }

    /// So many more wait for a turn.
    pub fn turn_waiting(&self, limit: &'static str, more: i64) {
        self.0.turns_waiting.get_or_create(&[("limit", limit)]).inc_by(more);
    }

    /// An answer said what an account's plan allows.
    pub fn limit_learned(&self, label: Label, per_second: u32) {
        self.learned(label, label.plan(per_second)).inc();
    }

    fn learned(&self, label: Label, plan: Plan) -> Counter {
        self.0.limits_learned.get_or_create(&[("limit", label.as_str()), ("plan", plan.as_str())]).clone()
    }

    /// Zoom refused a call for a limit.
    pub fn limit_hit(&self, limit: &'static str) {
        self.0.limit_hits.get_or_create(&[("limit", limit)]).inc();
    }

    /// A refresh, of which Zoom was asked, came to its end.
    pub fn refresh<T>(&self, done: &Result<T, Failure>) {
        self.refreshes(outcome(done)).inc();
    }

    fn refreshes(&self, outcome: &'static str) -> Counter {
        self.0.refreshes.get_or_create(&[("outcome", outcome)]).clone()
    }

    /// So many records wait to be written to the audit.
    pub fn audit_waiting(&self, records: usize) {
        self.0.audit_waiting.set(i64::try_from(records).unwrap_or(i64::MAX));
    }

    /// A batch of the audit was stored.
    pub fn audit_batch(&self, records: usize, took: Duration) {
        self.0.audit_batch_records.observe(f64::from(u32::try_from(records).unwrap_or(u32::MAX)));
        self.0.audit_write_seconds.observe(took.as_secs_f64());
    }

    /// The audit could not be written.
    pub fn audit_failure(&self) {
        self.0.audit_failures.inc();
    }

    /// So many records are on this server's disk alone.
    pub fn audit_journaled(&self, records: usize) {
        self.0.audit_journaled.inc_by(u64::try_from(records).unwrap_or(u64::MAX));
    }

    /// A record stands in the log instead of the audit.
    pub fn audit_dropped(&self) {
        self.0.audit_dropped.inc();
    }

    /// A request found no seat in a pool.
    pub fn seat_refused(&self, code: Code) {
        self.0.pool_refusals.get_or_create(&[("code", code.as_str())]).inc();
    }

    /// An account's meetings were listed, or could not be.
    pub fn meeting_sync(&self, completed: bool) {
        let [done, failed] = SYNC_OUTCOMES;
        let outcome = if completed { done } else { failed };
        self.0.meeting_syncs.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// An account has come into another state.
    pub fn credential_became(&self, status: CredentialStatus) {
        self.0.credential_changes.get_or_create(&[("to", status.as_str())]).inc();
    }

    /// Replaces the counts of accounts by state. A state without accounts is zero, and does not vanish.
    pub fn accounts(&self, counts: &[(CredentialStatus, u64)]) {
        for status in CredentialStatus::ALL {
            let count = counts.iter().find(|(counted, _)| *counted == status).map_or(0, |(_, count)| *count);
            let gauge = self.0.credentials.get_or_create(&[("status", status.as_str())]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// How it stands with one thing that this server needs.
    pub fn problem(&self, finding: &Finding) {
        let severity = match finding.problem.as_ref().map(|problem| problem.severity) {
            None => 0,
            Some(Severity::Warning) => 1,
            Some(Severity::Degraded) => 2,
            Some(Severity::Failing) => 3,
        };
        self.0.problem_severity.get_or_create(&[("finding", finding.name)]).set(severity);
    }

    /// So many seats of pools are taken.
    pub fn seats(&self, taken: u64) {
        self.0.pool_seats.set(i64::try_from(taken).unwrap_or(i64::MAX));
    }

    /// Accounts and seats were counted at `now`.
    pub fn counted(&self, now: Timestamp) {
        self.0.statistics_at.set(now.as_second());
    }

    /// When accounts and seats were last counted; 1970 before the first time.
    pub fn statistics_at(&self) -> Timestamp {
        Timestamp::from_second(self.0.statistics_at.get())
    }

    /// So many refreshed grants wait in escrow.
    pub fn escrow_files(&self, files: usize) {
        self.0.escrow_files.set(i64::try_from(files).unwrap_or(i64::MAX));
    }

    /// By how many seconds this server's clock is ahead of Zoom's.
    pub fn clock_ahead(&self, seconds: i64) {
        self.0.clock_ahead.set(seconds);
    }

    /// A bot took a step.
    pub fn bot_step(&self, status: BotStatus, sub_code: Option<SubCode>) {
        self.steps(status, sub_code).inc();
    }

    fn steps(&self, status: BotStatus, sub_code: Option<SubCode>) -> Counter {
        let sub_code = sub_code.map_or("none", SubCode::as_str);
        self.0.bot_steps.get_or_create(&[("code", status.as_str()), ("sub_code", sub_code)]).clone()
    }

    /// A bot is in, so long after it began to join.
    pub fn bot_joined(&self, took: Duration) {
        self.0.bot_join_seconds.observe(took.as_secs_f64());
    }

    /// So many entries of bots' logs are stored.
    pub fn bot_log_kept(&self, entries: u64) {
        self.0.bot_log_kept.inc_by(entries);
    }

    /// So many were too many.
    pub fn bot_log_missed(&self, entries: u64) {
        self.0.bot_log_missed.inc_by(entries);
    }

    /// A picture of a bot's page is stored, or could not be.
    pub fn screenshot(&self, kept: bool) {
        let [done, failed] = SCREENSHOT_OUTCOMES;
        self.screenshots(if kept { done } else { failed }).inc();
    }

    fn screenshots(&self, outcome: &'static str) -> Counter {
        self.0.screenshots.get_or_create(&[("outcome", outcome)]).clone()
    }

    /// So many events of a meeting are stored.
    pub fn meeting_events_kept(&self, events: u64) {
        self.0.meeting_events_kept.inc_by(events);
    }

    /// So many were too many.
    pub fn meeting_events_missed(&self, events: u64) {
        self.0.meeting_events_missed.inc_by(events);
    }

    /// So many more bots run here.
    pub fn bots_running(&self, more: i64) {
        self.0.bots_running.inc_by(more);
    }

    /// So many may.
    pub fn bots_capacity(&self, bots: u32) {
        self.0.bots_capacity.set(i64::from(bots));
    }

    /// A bot was told to join, so long after its time.
    pub fn bot_began(&self, late: Duration) {
        self.0.bot_late_seconds.observe(late.as_secs_f64());
    }

    /// So many more bots wait for their time with an open page.
    pub fn bots_warm(&self, more: i64) {
        self.0.bots_warm.inc_by(more);
    }

    /// So many browsers take bots, and so many only keep those that they have.
    pub fn browsers(&self, open: usize, drained: usize) {
        for (state, browsers) in [("open", open), ("drained", drained)] {
            let gauge = self.0.browsers.get_or_create(&[("state", state)]);
            gauge.set(i64::try_from(browsers).unwrap_or(i64::MAX));
        }
    }

    /// A browser gets no more bots.
    pub fn browser_replaced(&self, why: ReplacedBrowser) {
        self.replaced(why).inc();
    }

    fn replaced(&self, why: ReplacedBrowser) -> Counter {
        let why = match why {
            ReplacedBrowser::Grown => "grown",
            ReplacedBrowser::Silent => "silent",
        };
        self.0.browsers_replaced.get_or_create(&[("why", why)]).clone()
    }

    /// So many pages are warm.
    pub fn warm_pages(&self, pages: usize) {
        self.0.warm_pages.set(i64::try_from(pages).unwrap_or(i64::MAX));
    }

    /// A bot's `camera` was switched, or a message of it came to something in the `chat`.
    pub fn bot_output(&self, what: &'static str, outcome: &'static str) {
        self.outputs(what, outcome).inc();
    }

    fn outputs(&self, what: &'static str, outcome: &'static str) -> Counter {
        self.0.bot_outputs.get_or_create(&[("what", what), ("outcome", outcome)]).clone()
    }

    /// Everything that was counted, as OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("a String takes everything");
        text
    }
}

fn reads(family: &Family<Labels<3>, Counter>, kind: TokenKind, outcome: Outcome) -> Counter {
    let source = outcome.source().map_or("none", Source::as_str);
    let labels = [("kind", kind.as_str()), ("outcome", outcome.as_str()), ("source", source)];
    family.get_or_create(&labels).clone()
}

fn outcome<T>(done: &Result<T, Failure>) -> &'static str {
    done.as_ref().err().map_or("ok", |failure| failure.code.as_str())
}

fn registered<M>(registry: &mut Registry, name: &str, help: &str) -> M
where
    M: prometheus_client::registry::Metric + Clone + Default,
{
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// Buckets: the first, by how much they grow, how many.
fn histogram(
    registry: &mut Registry,
    name: &str,
    help: &str,
    (first, factor, count): (f64, f64, u16),
) -> Histogram {
    let metric = Histogram::new(exponential_buckets(first, factor, count));
    registry.register(name, help, metric.clone());
    metric
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_read_is_counted_under_its_own_labels() {
        for kind in TokenKind::ALL {
            for source in Source::ALL {
                let metrics = Metrics::default();
                metrics.token_read(kind, Outcome::Given(source));
                let mut text = String::new();
                encode(&mut text, &metrics.0.registry).unwrap();
                let series = text.lines().filter(|line| line.starts_with("latchkey_token_reads_total"));
                let counted: Vec<_> = series.filter(|line| !line.ends_with(" 0")).collect();
                let [one] = counted[..] else { panic!("{counted:?}") };
                assert!(one.contains(&format!("\"{}\"", kind.as_str())), "{one}");
                assert!(one.contains(&format!("\"{}\"", source.as_str())), "{one}");
            }
        }
    }
}
