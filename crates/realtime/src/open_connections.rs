//! Endpoints with an open connection. One query finds all of them that have new events, and wakes them.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{RealtimeEndpointId, chain};
use tokio::sync::Notify;

use crate::Parts;

/// The endpoints whose connections are open here. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenConnections(Arc<Mutex<HashMap<RealtimeEndpointId, Arc<Notify>>>>);

/// An entry in [`OpenConnections`]. Dropping this removes it.
pub(crate) struct OpenConnection {
    all: OpenConnections,
    id: RealtimeEndpointId,
    due: Arc<Notify>,
}

impl OpenConnections {
    fn locked(&self) -> MutexGuard<'_, HashMap<RealtimeEndpointId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, id: RealtimeEndpointId) -> OpenConnection {
        let due = Arc::new(Notify::new());
        self.locked().insert(id, due.clone());
        OpenConnection { all: self.clone(), id, due }
    }

    /// Wakes endpoints that have new events: when this process has stored some, and at each poll for events of other
    /// servers.
    pub(crate) async fn run(self, parts: Arc<Parts>) -> Infallible {
        let mut seen = 0;
        loop {
            tokio::select! {
                written = parts.store.meetings_written(seen) => seen = written,
                () = parts.env.clock.sleep(parts.poll_interval) => {}
            }
            self.wake_due(&parts).await;
        }
    }

    async fn wake_due(&self, parts: &Parts) {
        let ids: Vec<_> = self.locked().keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        match parts.store.due_realtime_endpoints(&ids, parts.env.now()).await {
            Ok(due) => {
                let open = self.locked();
                due.iter().filter_map(|id| open.get(id)).for_each(|due| due.notify_one());
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "could not look for new events of real-time endpoints; will retry");
            }
        }
    }
}

impl OpenConnection {
    /// Resolves when there are new events for the endpoint; at once if there were some since the last call.
    pub(crate) async fn due(&self) {
        self.due.notified().await;
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.all.locked().remove(&self.id);
    }
}
