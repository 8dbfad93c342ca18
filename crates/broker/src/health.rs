//! Checks the dependencies of this server on request.
//!
//! A check commits to the database and writes to the disk, so it shows the real state. It runs only on request,
//! and at most once a second.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use audit::Audit;
use model::{Environment, Finding, Health, Problem, Severity, Timestamp};
use store::{Probe, StoreError, TokenLinks};
use tokio_util::task::TaskTracker;
use zoom::ZoomClient;

use crate::{accounts::Escrow, clock, single_flight::SingleFlight};

/// How long tokens are given while the database is unavailable. Revocations in that time are known only to
/// the database.
pub const STORE_MAY_BE_AWAY: Duration = Duration::from_secs(120);
/// How long a result is cached.
const CHECK_TTL: Duration = Duration::from_secs(1);
/// How long the database may take to commit, and to read.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// The free space below which there is a warning, in bytes.
const MIN_FREE_SPACE: u64 = 256 * 1024 * 1024;

/// The name of the finding about the audit.
pub const AUDIT: &str = "audit";

/// Checks the dependencies of this server.
pub struct HealthChecks {
    pub(crate) env: Environment,
    pub(crate) tasks: TaskTracker,
    pub(crate) zoom: ZoomClient,
    pub(crate) database: Arc<dyn Probe + Send + Sync>,
    pub(crate) links: Arc<dyn TokenLinks + Send + Sync>,
    pub(crate) escrow: Option<Escrow>,
    pub(crate) pictures: OnceLock<PathBuf>,
    pub(crate) audit: Audit,
    pub(crate) found: Health,
    pub(crate) looked_at: Mutex<Option<Timestamp>>,
    pub(crate) looks: SingleFlight<(), ()>,
}

impl HealthChecks {
    /// The findings. Other components report theirs here.
    pub fn findings(&self) -> &Health {
        &self.found
    }

    /// Also checks this folder of screenshots, which is not in `data_dir`. Only the first call has an effect.
    pub fn check_screenshots_folder(&self, folder: PathBuf) {
        self.pictures.get_or_init(|| folder);
    }

    /// Checks database, disk and audit, unless this was done within the last second. Returns every finding.
    pub async fn check(self: &Arc<Self>) -> Vec<Finding> {
        let looked_at = *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        if looked_at.is_none_or(|at| !at.was_within(CHECK_TTL, self.env.now())) {
            let this = Arc::clone(self);
            self.looks.run((), &self.tasks, move || async move { this.look().await }).await;
        }
        self.found.findings()
    }

    /// The last time that the audit refused tokens, even if that is over: during an outage the store can't record it.
    pub fn last_audit_outage(&self) -> Option<Finding> {
        let since = self.audit.last_outage()?;
        let problem = Problem {
            severity: Severity::Failing,
            cause: "the database and this server's disk both refused records of the audit".into(),
            consequence: "Tokens were refused, because none is given without its record: see /readyz.".into(),
        };
        Some(Finding { name: AUDIT, ok: false, since, problem: Some(problem) })
    }

    async fn look(&self) {
        tokio::join!(self.look_at_database(), self.look_at_disk());
        self.look_at_audit();
        self.report("clock", clock::problem(&self.zoom));
        *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.env.now());
    }

    async fn look_at_database(&self) {
        let unwritable = self.probe(self.database.probe()).await;
        // A store that can write can also read.
        let unreadable = match unwritable {
            Some(_) => self.probe(self.links.link_revision()).await,
            None => None,
        };
        let consequence = "Changes fail: accounts are not connected, refreshed or disconnected, bots are not \
             sent, keys are neither created nor revoked, and Zoom has to deliver its events again. Make room for the \
             database or repair it; this server needs no restart.";
        let degraded = |cause, consequence: &str| Problem {
            severity: Severity::Degraded,
            cause,
            consequence: consequence.into(),
        };
        self.report("database_writes", unwritable.map(|cause| degraded(cause, consequence)));
        let Some(cause) = unreadable else {
            self.report("database_reads", None);
            return;
        };
        let consequence = "Only tokens in this server's cache are given, and only for two minutes.";
        let since = self.report("database_reads", Some(degraded(cause.clone(), consequence)));
        if self.env.now().since(since) >= STORE_MAY_BE_AWAY {
            let consequence = "No token can be given, because the cached data is too old.".into();
            let problem = Problem { severity: Severity::Failing, cause, consequence };
            self.report("database_reads", Some(problem));
        }
    }

    async fn look_at_disk(&self) {
        if self.escrow.is_none() && self.pictures.get().is_none() {
            return;
        }
        let of_data = match &self.escrow {
            Some(escrow) => problem_of(
                "data_dir",
                escrow.probe().await,
                "A crash can lose refreshed grants, and screenshots and the audit's journal can't be written.",
            ),
            None => None,
        };
        let of_pictures = match self.pictures.get() {
            Some(folder) => problem_of(
                "screenshots.folder",
                Escrow::probe_folder(&self.env, folder.clone()).await,
                "Screenshots of bots are not stored.",
            ),
            None => None,
        };
        // The worst problem is reported; if both are equal, the one of the data folder.
        let worst = of_pictures.into_iter().chain(of_data).max_by_key(|problem| problem.severity);
        self.report("disk", worst);
    }

    fn look_at_audit(&self) {
        let problem = self.audit.refuses_tokens(self.env.now()).then(|| Problem {
            severity: Severity::Failing,
            cause: "the database and this server's disk both refused records of the audit just now".into(),
            consequence: "No token is given without its record: see the findings about database and disk."
                .into(),
        });
        self.report(AUDIT, problem);
    }

    /// Calls the store. Returns the error if the call fails.
    async fn probe<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Option<String> {
        match self.env.clock.timeout(PROBE_TIMEOUT, work).await {
            Some(done) => done.err().map(|error| error.to_string()),
            None => Some("the database does not answer".to_owned()),
        }
    }

    fn report(&self, name: &'static str, problem: Option<Problem>) -> Timestamp {
        if let Some(Problem { severity, cause, .. }) = &problem {
            tracing::warn!(name, ?severity, cause, "something is wrong with this server");
        }
        self.found.report(name, problem, self.env.now())
    }
}

/// The problem of a setting's folder, from the result of a probe.
fn problem_of(setting: &str, probed: io::Result<u64>, consequence: &str) -> Option<Problem> {
    match probed {
        Ok(free) if free >= MIN_FREE_SPACE => None,
        Ok(free) => Some(Problem {
            severity: Severity::Warning,
            cause: format!("{} MB are free in {setting}", free / (1024 * 1024)),
            consequence: "Make room before the disk is full.".into(),
        }),
        Err(error) => Some(Problem {
            severity: Severity::Degraded,
            cause: format!("{setting} cannot be written: {error}"),
            consequence: format!(
                "{consequence} Make room, or make {setting} writable; this server needs no restart."
            ),
        }),
    }
}
