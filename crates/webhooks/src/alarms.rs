//! What a server finds wrong with itself, told to every workspace: that the audit fails, that its clock is off. Once for a
//! change; `/readyz` says it at any time.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};

use model::{EventId, Failure, Finding};
use store::{
    NewEvent,
    event_bodies::{Became, ServerEvent},
};

use crate::{Parts, types::ALARMS};

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// Looks and tells, for as long as it is polled.
pub(crate) async fn run(parts: Arc<Parts>) -> Infallible {
    let mut told: BTreeSet<&'static str> = BTreeSet::new();
    loop {
        for finding in parts.broker.health.check().await {
            let Some((_, kind)) = ALARMS.iter().find(|(name, _)| *name == finding.name) else { continue };
            if finding.ok {
                told.remove(finding.name);
            } else if !told.contains(finding.name) {
                match tell(&parts, kind, &finding).await {
                    Ok(()) => {
                        told.insert(finding.name);
                    }
                    // The store is away: the next look tells.
                    Err(error) => tracing::warn!(kind, %error, "an alarm was not told"),
                }
            }
        }
        parts.env.clock.sleep(LOOK_INTERVAL).await;
    }
}

async fn tell(parts: &Parts, kind: &str, finding: &Finding) -> Result<(), Failure> {
    let code = kind.rsplit('.').next().unwrap_or_default();
    let problem = finding.problem.as_ref();
    let data = ServerEvent {
        data: Became { code, sub_code: None, updated_at: finding.since },
        message: problem.map(|problem| problem.cause.as_str()),
        advice: problem.map(|problem| problem.consequence.as_str()),
    };
    for workspace in parts.broker.workspaces.all().await? {
        let id = EventId::generate(&parts.env);
        let event = NewEvent::other(id, workspace.id, (kind, &finding.name), &data, parts.env.now());
        parts.store.add_event(&event).await?;
    }
    Ok(())
}
