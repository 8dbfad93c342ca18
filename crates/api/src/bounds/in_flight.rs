//! Concurrent requests of one workspace: a tenant whose calls take long must not use up every connection.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{Code, Failure, WorkspaceId};

/// The `Retry-After` of a refused request.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The requests in progress, by workspace.
#[derive(Debug)]
pub(crate) struct InFlight {
    most: usize,
    of: Mutex<HashMap<WorkspaceId, usize>>,
}

impl InFlight {
    pub(super) fn new(most: usize) -> Self {
        Self { most, of: Mutex::default() }
    }

    /// Counts a request of `workspace` until its `slot` is dropped; refuses it when there are too many.
    pub(crate) fn enter(self: &Arc<Self>, workspace: WorkspaceId, slot: &Slot) -> Result<(), Failure> {
        let mut of = self.lock();
        let count = of.entry(workspace).or_default();
        if *count >= self.most {
            let words = format!(
                "{} requests of this workspace are being worked on, the most that this server works on at once \
                 (connections.most_of_a_workspace, which its operator sets)",
                self.most
            );
            let failure = Failure::new(Code::RateLimited, words);
            return Err(Failure { retry_after: Some(RETRY_AFTER), ..failure });
        }
        *count += 1;
        drop(of);
        let counted = Counted { in_flight: Arc::clone(self), workspace };
        *slot.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(counted);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WorkspaceId, usize>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request extension that lives until the answer is complete. It counts from the moment the workspace is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<Counted>>>);

/// One counted request.
#[derive(Debug)]
struct Counted {
    in_flight: Arc<InFlight>,
    workspace: WorkspaceId,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut of = self.in_flight.lock();
        if let Some(count) = of.get_mut(&self.workspace) {
            *count -= 1;
            if *count == 0 {
                of.remove(&self.workspace);
            }
        }
    }
}
