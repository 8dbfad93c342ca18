//! Endpoints with an open connection. One query of the store wakes all that have new events.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::RealtimeEndpointId;
use tokio::sync::Notify;

use crate::Parts;

/// The endpoints whose connections are open here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<Mutex<HashMap<RealtimeEndpointId, Arc<Notify>>>>);

/// One of them, for as long as it lives.
pub(crate) struct Holding {
    held: Held,
    id: RealtimeEndpointId,
    due: Arc<Notify>,
}

impl Held {
    fn locked(&self) -> MutexGuard<'_, HashMap<RealtimeEndpointId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn hold(&self, id: RealtimeEndpointId) -> Holding {
        let due = Arc::new(Notify::new());
        self.locked().insert(id, due.clone());
        Holding { held: self.clone(), id, due }
    }

    /// Wakes those for which there is something.
    pub(crate) async fn wake_due(&self, parts: &Parts) {
        let ids: Vec<_> = self.locked().keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        match parts.store.due_realtime_endpoints(&ids, parts.env.now()).await {
            Ok(due) => {
                let held = self.locked();
                due.iter().filter_map(|id| held.get(id)).for_each(|due| due.notify_one());
            }
            Err(error) => tracing::warn!(%error, "real-time endpoints wait for the store"),
        }
    }
}

impl Holding {
    /// Resolves when there is something for it; at once if that was so since the last call.
    pub(crate) async fn due(&self) {
        self.due.notified().await;
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.held.locked().remove(&self.id);
    }
}
