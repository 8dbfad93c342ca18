//! `GET /livez` and `GET /readyz`. Public: load balancers have no key.
//!
//! `/livez` (and `/healthz`, its older name) says that the process answers. Restart the server when it doesn't, and for
//! nothing else: what `/readyz` complains about, a restart does not mend.
//!
//! `/readyz` looks at what this server needs and lists what it found. Its status is 503 only when this server can give no
//! token at all. Servers share a database: a status that said "the database is full" would take all of them out of a load
//! balancer at once, and with them the tokens that they can still give.

use axum::{Json, extract::State as Extract, http::StatusCode};
use model::Severity;
use serde_json::{Value, json};

use crate::State;

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "status": "ok", "version": VERSION }))
}

pub(crate) async fn ready(Extract(state): Extract<State>) -> (StatusCode, Json<Value>) {
    let findings = state.broker.check_health().await;
    let worst = findings.iter().filter_map(|finding| Some(finding.problem.as_ref()?.severity)).max();
    let (status, word) = match worst {
        None => (StatusCode::OK, "ready"),
        Some(Severity::Warning) => (StatusCode::OK, "warning"),
        Some(Severity::Degraded) => (StatusCode::OK, "degraded"),
        Some(Severity::Failing) => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
    };
    (status, Json(json!({ "status": word, "version": VERSION, "findings": findings })))
}
