//! `GET /livez` and `GET /readyz`. Public: load balancers have no key.
//!
//! `/livez` (and `/healthz`, its older name) says that the process answers. Restart the server when it doesn't, and for
//! nothing else: what `/readyz` complains about, a restart does not mend.
//!
//! `/readyz` looks at what this server needs and lists what it found. Its status is 503 only when this server can give no
//! token at all. Servers share a database: a status that said "the database is full" would take all of them out of a load
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

/// How it stands with one thing. What is wrong with it is there where something is.
#[derive(Serialize, ToSchema)]
struct Finding {
    /// Which thing, in one word.
    name: &'static str,
    ok: bool,
    /// The first look that found it so.
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cause: Option<String>,
    /// What can't be done because of it, and what a person should do.
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

/// The worst of all findings.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Readiness {
    Ready,
    Warning,
    Degraded,
    Failing,
}

/// Whether the process answers
#[utoipa::path(
    get,
    path = "/livez",
    tag = "server",
    operation_id = "livez",
    responses((status = 200, description = "It does.", body = Live)),
)]
pub(crate) async fn live() -> Json<Live> {
    Json(Live { status: "ok", version: VERSION })
}

/// The older name of /livez
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

/// What this server can't do at the moment
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "server",
    operation_id = "readyz",
    responses(
        (status = 200, description = "It can give tokens.", body = Ready),
        (status = 503, description = "It can give none: ask another server.", body = Ready),
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
