//! Wakes tasks that wait for rows written by this process.

use tokio::sync::watch;

/// Counts the transactions of this process with rows that a task may wait for. Clones share the counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct CommitSignals {
    events: watch::Sender<u64>,
    meetings: watch::Sender<u64>,
}

impl CommitSignals {
    /// Counts a committed transaction.
    pub(crate) fn wake(&self, events: bool, meetings: bool) {
        for (counts, count) in [(events, &self.events), (meetings, &self.meetings)] {
            if counts {
                count.send_modify(|count| *count += 1);
            }
        }
    }

    /// Waits until more than `seen` transactions have written events. Returns how many have.
    pub(crate) async fn events_beyond(&self, seen: u64) -> u64 {
        beyond(&self.events, seen).await
    }

    /// The same for events in meetings.
    pub(crate) async fn meetings_beyond(&self, seen: u64) -> u64 {
        beyond(&self.meetings, seen).await
    }
}

async fn beyond(count: &watch::Sender<u64>, seen: u64) -> u64 {
    let mut count = count.subscribe();
    // The sender lives as long as the store.
    count.wait_for(|count| *count > seen).await.map_or(seen, |count| *count)
}
