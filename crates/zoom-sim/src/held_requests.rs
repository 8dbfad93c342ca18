//! Requests that a fault holds until the control API releases them: a test decides what happens meanwhile.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::sync::oneshot;

use crate::faults::{Kind, Place};
use crate::state::Sim;

/// A request that waits.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Waiting {
    #[serde(rename = "where")]
    place: Place,
    kind: Kind,
}

/// The requests that wait, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Held {
    next: u64,
    waiting: BTreeMap<u64, (Waiting, oneshot::Sender<()>)>,
}

impl Held {
    /// What waits.
    pub(crate) fn list(&self) -> Vec<Waiting> {
        self.waiting.values().map(|(waiting, _)| *waiting).collect()
    }

    /// Lets all of them go, and says how many.
    pub(crate) fn let_go(&mut self) -> usize {
        // Dropping the other end of their line is what lets them go.
        std::mem::take(&mut self.waiting).len()
    }
}

/// Waits until the control API releases it, or the simulator stops. A caller who hangs up is forgotten.
pub(crate) async fn wait(sim: &Sim, place: Place, kind: Kind) {
    let (go, gone) = oneshot::channel();
    let id = {
        let mut world = sim.world();
        let id = world.held.next;
        world.held.next += 1;
        world.held.waiting.insert(id, (Waiting { place, kind }, go));
        id
    };
    let _forgotten = Forget { sim, id };
    tokio::select! {
        _ = gone => {}
        () = sim.stopping.cancelled() => {}
    }
}

struct Forget<'s> {
    sim: &'s Sim,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.sim.world().held.waiting.remove(&self.id);
    }
}
