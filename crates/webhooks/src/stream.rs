//! The stream of events, for callers that have no endpoint.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use model::{WorkspaceId, chain};
use store::{Event, EventFilter};

use crate::Webhooks;

/// The most events that are read at once.
const BATCH: u32 = 100;

impl Webhooks {
    /// Returns the workspace's events after the number `after`: first the stored ones, then each new one as soon as it is
    /// stored. The stream ends when the server stops.
    pub fn follow(
        &self,
        workspace: WorkspaceId,
        after: i64,
        filter: EventFilter,
    ) -> impl Stream<Item = Event> + Send + use<> {
        let state = (Arc::clone(&self.parts), after, 0, filter);
        let batches = stream::unfold(state, move |(parts, after, mut seen, filter)| async move {
            loop {
                match parts.store.events(workspace, after, &filter, BATCH).await {
                    Ok(events) => {
                        if let Some(last) = events.last() {
                            let after = last.sequence;
                            return Some((events, (parts, after, seen, filter)));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(error = %chain(&error), "could not read events for a stream; will retry");
                    }
                }
                tokio::select! {
                    written = parts.store.events_written(seen) => seen = written,
                    () = parts.env.clock.sleep(parts.poll_interval) => {}
                }
            }
        });
        batches.flat_map(stream::iter).take_until(self.streams.clone().cancelled_owned())
    }

    /// Ends all open streams.
    pub fn end_streams(&self) {
        self.streams.cancel();
    }
}
