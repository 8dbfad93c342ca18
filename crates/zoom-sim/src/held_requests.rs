//! Requests that a fault holds until the control API releases them, so that a test can act meanwhile.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::sync::oneshot;

use crate::faults::{Kind, Place};
use crate::state::Sim;

/// A held request.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Waiting {
    #[serde(rename = "where")]
    place: Place,
    kind: Kind,
}

/// The held requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Held {
    next: u64,
    waiting: BTreeMap<u64, (Waiting, oneshot::Sender<()>)>,
}

impl Held {
    /// The held requests.
    pub(crate) fn list(&self) -> Vec<Waiting> {
        self.waiting.values().map(|(waiting, _)| *waiting).collect()
    }

    /// Releases all held requests and returns their number.
    pub(crate) fn let_go(&mut self) -> usize {
        // Dropping the senders releases the waiting requests.
        std::mem::take(&mut self.waiting).len()
    }
}

/// Waits until the control API releases the request, or the simulator stops. If the caller disconnects, its entry is
/// removed.
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
