//! Alarms: sends every workspace an event when this server has a problem, for example when the audit fails or the clock is
//! wrong. There is one event when a problem begins; `/readyz` shows the current state at any time.
//!
//! The same problem may prevent writes to the store. So an alarm is retried until every workspace has its event, even if the
//! problem has ended by then. The event has the same id in each try and on each server within an hour, so it is stored only
//! once.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use broker::AUDIT;
use model::{EventId, Failure, Finding, Timestamp, WorkspaceId, chain};
use store::{
    NewEvent, StoreError,
    event_bodies::{ServerEvent, StateChange},
};

use crate::{Parts, types::ALARMS};

/// Interval between checks.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// A workspace gets at most one event of a kind in such a period, whichever server has the problem, and however often it
/// begins.
const REPEAT_INTERVAL: Duration = Duration::from_secs(3600);

/// Checks for problems and sends events, for as long as it is polled.
pub(crate) async fn run(parts: Arc<Parts>) -> Infallible {
    let mut alarms = Alarms::default();
    loop {
        alarms.look(&parts).await;
        parts.env.clock.sleep(LOOK_INTERVAL).await;
    }
}

#[derive(Default)]
struct Alarms {
    /// When the last known problem of each event type began.
    seen: BTreeMap<&'static str, Timestamp>,
    /// Problems whose events are not stored for every workspace yet, by event type.
    unwritten: BTreeMap<&'static str, Finding>,
}

impl Alarms {
    async fn look(&mut self, parts: &Parts) {
        let health = &parts.broker.health;
        // The audit's current finding ends a few seconds after its last refusal, which may be between two checks. So its
        // last outage is used instead.
        let found = health.check().await.into_iter().filter(|finding| !finding.ok && finding.name != AUDIT);
        for finding in found.chain(health.last_audit_outage()) {
            let Some((_, kind)) = ALARMS.iter().find(|(name, _)| *name == finding.name) else { continue };
            if self.seen.insert(kind, finding.since) != Some(finding.since) {
                self.unwritten.entry(kind).or_insert(finding);
            }
        }
        for (kind, finding) in std::mem::take(&mut self.unwritten) {
            if let Err(error) = write_alarm(parts, kind, &finding).await {
                tracing::warn!(kind, error = %chain(&error), "could not store an alarm; will retry");
                self.unwritten.insert(kind, finding);
            }
        }
    }
}

async fn write_alarm(parts: &Parts, kind: &str, finding: &Finding) -> Result<(), Failure> {
    let code = kind.rsplit('.').next().unwrap_or_default();
    let problem = finding.problem.as_ref();
    let data = ServerEvent {
        data: StateChange { code, sub_code: None, updated_at: finding.since },
        message: problem.map(|problem| problem.cause.as_str()),
        advice: problem.map(|problem| problem.consequence.as_str()),
    };
    for workspace in parts.broker.workspaces.all().await? {
        let id = event_id(workspace.id, kind, finding.since);
        let event = NewEvent::other(id, workspace.id, (kind, &finding.name), &data, parts.env.now());
        match parts.store.add_event(&event).await {
            Ok(()) | Err(StoreError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn event_id(workspace: WorkspaceId, kind: &str, since: Timestamp) -> EventId {
    let span = since.as_second().div_euclid(REPEAT_INTERVAL.as_secs().cast_signed());
    let hash = tenants::digest(&format!("{kind} told to {workspace} in {span}"));
    EventId::of_hash(hash[..16].try_into().expect("a digest has 32 bytes"))
}
