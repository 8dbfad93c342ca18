//! Limits the concurrent fetches of each workspace, so that slow answers of one workspace don't block others.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use model::{Code, Failure, WorkspaceId};

/// The usual limit.
pub const MAX_OF_A_WORKSPACE: usize = 512;

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// One counter for each workspace with cached links.
#[derive(Debug)]
pub(crate) struct InFlight {
    most: usize,
    of: Mutex<HashMap<WorkspaceId, Weak<Fetches>>>,
}

impl InFlight {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, of: Mutex::default() }
    }

    /// The counter of a workspace. Each of its cached links has it, so that a fetch costs two additions and no lookup.
    pub(crate) fn of(&self, workspace: WorkspaceId) -> Arc<Fetches> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fetches) = of.get(&workspace).and_then(Weak::upgrade) {
            return fetches;
        }
        let fetches = Arc::new(Fetches { most: self.most, now: AtomicUsize::new(0) });
        of.retain(|_, other| other.strong_count() > 0);
        of.insert(workspace, Arc::downgrade(&fetches));
        fetches
    }
}

/// The fetches of one workspace.
#[derive(Debug)]
pub(crate) struct Fetches {
    most: usize,
    now: AtomicUsize,
}

impl Fetches {
    /// Counts a fetch until the result is dropped. An error when there are too many.
    pub(crate) fn enter(&self) -> Result<Fetch<'_>, Failure> {
        let fetch = Fetch(self);
        if self.now.fetch_add(1, Ordering::Relaxed) < self.most {
            return Ok(fetch);
        }
        let words = format!(
            "{} fetches of this workspace are being answered, which is the most that this server answers at once \
             (links.most_of_a_workspace, which its operator sets)",
            self.most
        );
        Err(Failure { retry_after: Some(RETRY_AFTER), ..Failure::new(Code::RateLimited, words) })
    }
}

/// One fetch.
#[derive(Debug)]
pub(crate) struct Fetch<'a>(&'a Fetches);

impl Drop for Fetch<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{Environment, WorkspaceId};

    use super::InFlight;

    #[test]
    fn a_workspace_has_limited_slots_and_gets_them_back() {
        let env = Environment::system();
        let all = InFlight::new(2);
        let (one, other) = (WorkspaceId::generate(&env), WorkspaceId::generate(&env));
        let (first_link, second_link) = (all.of(one), all.of(one));
        assert!(Arc::ptr_eq(&first_link, &second_link), "links of a workspace share them");
        let (first, second) = (first_link.enter().unwrap(), second_link.enter().unwrap());
        let refused = first_link.enter().unwrap_err();
        assert!(refused.retry_after.is_some() && refused.detail.contains("links.most_of_a_workspace"));
        assert!(all.of(other).enter().is_ok());
        drop(first);
        let third = second_link.enter().unwrap();
        assert!(first_link.enter().is_err(), "a refusal frees no slot of another fetch");
        drop((second, third));
        assert!(first_link.enter().is_ok());
    }
}
