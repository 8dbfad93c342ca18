//! `GET /livez` and `GET /readyz`. Public: load balancers have no key.
//!
//! `/livez` (and `/healthz`, its older name) says that the process answers. Restart the server only when it doesn't:
//! a restart does not fix the problems that `/readyz` reports.
//!
//! `/readyz` checks what this server needs and lists the findings. Its status is 503 only when this server can give no
//! token at all. Servers share a database: a status that said "the database is full" would remove all of them from a load
//! balancer at once, and with them the tokens that they can still give.

use axum::{Json, extract::State as Extract, http::StatusCode};
use model::{Severity, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::State;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Live {
    /// `ok`.
    status: &'static str,
    version: &'static str,
}

/// What this server needs, and the state of each.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    status: Readiness,
    version: &'static str,
    findings: Vec<Finding>,
}

/// The state of one dependency. `severity`, `cause` and `consequence` are present only where there is a problem.
#[derive(Serialize, ToSchema)]
struct Finding {
    /// Which dependency, in one word.
    name: &'static str,
    ok: bool,
    /// The first check that found this state.
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cause: Option<String>,
    /// What does not work because of it, and what a person should do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    consequence: Option<String>,
}

impl From<model::Finding> for Finding {
    fn from(finding: model::Finding) -> Self {
        let (severity, cause, consequence) = match finding.problem {
            Some(problem) => (Some(problem.severity), Some(problem.cause), Some(problem.consequence)),
            None => (None, None, None),
        };
        Self { name: finding.name, ok: finding.ok, since: finding.since, severity, cause, consequence }
    }
}

/// The worst state of all findings.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Readiness {
    Ready,
    Warning,
    Degraded,
    Failing,
}

/// Check whether the process answers
#[utoipa::path(
    get,
    path = "/livez",
    tag = "server",
    operation_id = "livez",
    responses((status = 200, description = "The process answers.", body = Live)),
)]
pub(crate) async fn live() -> Json<Live> {
    Json(Live { status: "ok", version: VERSION })
}

/// Check whether the process answers (older name of /livez)
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "server",
    operation_id = "healthz",
    responses((status = 200, description = "The process answers.", body = Live)),
)]
pub(crate) async fn live_by_its_older_name() -> Json<Live> {
    live().await
}

/// Check what this server can do at the moment
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "server",
    operation_id = "readyz",
    responses(
        (status = 200, description = "The server can give tokens.", body = Ready),
        (status = 503, description = "The server can give no token: use another server.", body = Ready),
    ),
)]
pub(crate) async fn ready(Extract(state): Extract<State>) -> (StatusCode, Json<Ready>) {
    let findings = state.broker.health.check().await;
    let worst = findings.iter().filter_map(|finding| Some(finding.problem.as_ref()?.severity)).max();
    let (code, status) = match worst {
        None => (StatusCode::OK, Readiness::Ready),
        Some(Severity::Warning) => (StatusCode::OK, Readiness::Warning),
        Some(Severity::Degraded) => (StatusCode::OK, Readiness::Degraded),
        Some(Severity::Failing) => (StatusCode::SERVICE_UNAVAILABLE, Readiness::Failing),
    };
    let findings = findings.into_iter().map(Finding::from).collect();
    (code, Json(Ready { status, version: VERSION, findings }))
}
