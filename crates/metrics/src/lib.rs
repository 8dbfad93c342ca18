//! The metrics of a process, for `/metrics`. `docs/metrics.md` explains each series.
//!
//! Each label has few values that are known in advance: words of our own catalogues, and never ids. Every series exists from
//! the start, with the value zero, because a rate over a series that begins with its first event misses that event.

mod audit;
mod bots;
mod http;
mod limits;
mod realtime;
mod store;
mod webhooks;
mod workers;

use std::{fmt, sync::Arc};

use model::{Code, CredentialStatus, Failure, Finding, Outcome, Severity, Source, Timestamp, TokenKind};
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

pub use bots::ReplacedBrowser;
pub use http::LinkOutcome;
pub use limits::TurnOutcome;
pub use webhooks::DeliveryOutcome;

/// The outcomes of listing an account's meetings: the values of a label.
const SYNC_OUTCOMES: [&str; 2] = ["completed", "failed"];

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The metrics of one process. Clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Counted>);

struct Counted {
    registry: Registry,
    token_reads: Family<Labels<3>, Counter>,
    /// The counters of successful reads, by kind and source. They are cached, because looking up a series by its labels
    /// costs more than counting.
    given: [[Counter; Source::ALL.len()]; TokenKind::ALL.len()],
    mints: Family<Labels<2>, Counter>,
    refreshes: Family<Labels<1>, Counter>,
    credentials: Family<Labels<1>, Gauge>,
    /// When the accounts were counted, in seconds since 1970; 0 before the first count.
    statistics_at: Gauge,
    escrow_files: Gauge,
    credential_changes: Family<Labels<1>, Counter>,
    pool_seats: Gauge,
    pool_refusals: Family<Labels<1>, Counter>,
    meeting_syncs: Family<Labels<1>, Counter>,
    problem_severity: Family<Labels<1>, Gauge>,
    build: Family<Labels<1>, Gauge>,
    clock_ahead: Gauge,
    audit: audit::AuditSeries,
    bots: bots::BotSeries,
    http: http::HttpSeries,
    limits: limits::LimitSeries,
    store: store::StoreSeries,
    workers: workers::WorkerSeries,
    webhooks: webhooks::WebhookSeries,
    realtime: realtime::RealtimeSeries,
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
            mints: registered(&mut registry, "mints", "Short-lived tokens requested from Zoom"),
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
            credential_changes: registered(
                &mut registry,
                "credential_changes",
                "Changes of an account's state, by the new state",
            ),
            pool_seats: registered(&mut registry, "pool_seats", "Seats in use, of all pools"),
            pool_refusals: registered(
                &mut registry,
                "pool_refusals",
                "Requests for a seat of a pool that were refused",
            ),
            meeting_syncs: registered(&mut registry, "meeting_syncs", "Listings of an account's meetings"),
            clock_ahead: registered(
                &mut registry,
                "clock_ahead_of_zoom_seconds",
                "By how much this server's clock is ahead of Zoom's; negative when it is behind",
            ),
            audit: audit::AuditSeries::registered(&mut registry),
            bots: bots::BotSeries::registered(&mut registry),
            http: http::HttpSeries::registered(&mut registry),
            limits: limits::LimitSeries::registered(&mut registry),
            store: store::StoreSeries::registered(&mut registry),
            workers: workers::WorkerSeries::registered(&mut registry),
            webhooks: webhooks::WebhookSeries::registered(&mut registry),
            realtime: realtime::RealtimeSeries::registered(&mut registry),
            build: registered(&mut registry, "build_info", "Always 1: its label is this server's version"),
            problem_severity: registered(
                &mut registry,
                "problem_severity",
                "The severity of each finding of /readyz: 0 works, 1 warning, 2 degraded, 3 no token can be given",
            ),
            registry,
        };
        let metrics = Self(Arc::new(counted));
        metrics.0.build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        metrics.mints(TokenKind::Zak, "ok").inc_by(0);
        metrics.refreshes("ok").inc_by(0);
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
    /// Counts a request for a token.
    pub fn token_read(&self, kind: TokenKind, outcome: Outcome) {
        match outcome {
            Outcome::Given(source) => self.0.given[kind as usize][source as usize].inc(),
            Outcome::Refused(_) => reads(&self.0.token_reads, kind, outcome).inc(),
        };
    }

    /// Counts a mint that has ended.
    pub fn mint<T>(&self, kind: TokenKind, done: &Result<T, Failure>) {
        self.mints(kind, outcome(done)).inc();
    }

    fn mints(&self, kind: TokenKind, outcome: &'static str) -> Counter {
        self.0.mints.get_or_create(&[("kind", kind.as_str()), ("outcome", outcome)]).clone()
    }

    /// Counts a refresh at Zoom that has ended.
    pub fn refresh<T>(&self, done: &Result<T, Failure>) {
        self.refreshes(outcome(done)).inc();
    }

    fn refreshes(&self, outcome: &'static str) -> Counter {
        self.0.refreshes.get_or_create(&[("outcome", outcome)]).clone()
    }

    /// Counts a refused request for a seat of a pool.
    pub fn seat_refused(&self, code: Code) {
        self.0.pool_refusals.get_or_create(&[("code", code.as_str())]).inc();
    }

    /// Counts a listing of an account's meetings, and whether it succeeded.
    pub fn meeting_sync(&self, completed: bool) {
        let [done, failed] = SYNC_OUTCOMES;
        let outcome = if completed { done } else { failed };
        self.0.meeting_syncs.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// Counts a change of an account's state.
    pub fn credential_became(&self, status: CredentialStatus) {
        self.0.credential_changes.get_or_create(&[("to", status.as_str())]).inc();
    }

    /// Replaces the numbers of accounts by state. States that are not in `counts` become zero.
    pub fn accounts(&self, counts: &[(CredentialStatus, u64)]) {
        for status in CredentialStatus::ALL {
            let count = counts.iter().find(|(counted, _)| *counted == status).map_or(0, |(_, count)| *count);
            let gauge = self.0.credentials.get_or_create(&[("status", status.as_str())]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Sets the severity of a finding.
    pub fn problem(&self, finding: &Finding) {
        let severity = match finding.problem.as_ref().map(|problem| problem.severity) {
            None => 0,
            Some(Severity::Warning) => 1,
            Some(Severity::Degraded) => 2,
            Some(Severity::Failing) => 3,
        };
        self.0.problem_severity.get_or_create(&[("finding", finding.name)]).set(severity);
    }

    /// Sets how many seats of pools are in use.
    pub fn seats(&self, taken: u64) {
        self.0.pool_seats.set(i64::try_from(taken).unwrap_or(i64::MAX));
    }

    /// Sets how many bots are due and run on no server.
    pub fn bots_waiting(&self, bots: u64) {
        self.0.bots.waiting.set(i64::try_from(bots).unwrap_or(i64::MAX));
    }

    /// Sets when accounts, seats and waiting bots were counted.
    pub fn counted(&self, now: Timestamp) {
        self.0.statistics_at.set(now.as_second());
    }

    /// When accounts and seats were last counted; 1970 before the first time.
    pub fn statistics_at(&self) -> Timestamp {
        Timestamp::from_second(self.0.statistics_at.get())
    }

    /// Sets how many refreshed grants wait in escrow.
    pub fn escrow_files(&self, files: usize) {
        self.0.escrow_files.set(i64::try_from(files).unwrap_or(i64::MAX));
    }

    /// Sets by how many seconds this server's clock is ahead of Zoom's.
    pub fn clock_ahead(&self, seconds: i64) {
        self.0.clock_ahead.set(seconds);
    }

    /// All metrics, in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("writing to a String never fails");
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

/// Registers a histogram. The buckets are given by the first bound in seconds or items, the growth factor, and their number.
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
