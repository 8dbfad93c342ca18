//! Reads the stored events of a bot's meeting.

use model::{BotId, Code, Failure, MeetingEvent, WorkspaceId};
use store::{MeetingEventBatch, MeetingEvents};
use tenants::{Cell, Vault};

/// How many rows are read at a time.
const ROWS: u32 = 50;

/// All stored events of a bot.
#[derive(Debug, Default)]
pub(crate) struct StoredEvents {
    /// The events, in order.
    pub(crate) events: Vec<MeetingEvent>,
    /// The number of the last event, even if it is erased.
    pub(crate) last: u64,
}

/// Reads a bot's events with a number greater than `after`, in order: the events of the next `most` rows. Empty if there are
/// no more. Callers pass the number of the last event to continue.
pub async fn after(
    store: &(impl MeetingEvents + Sync + ?Sized),
    vault: &Vault,
    workspace: WorkspaceId,
    bot: BotId,
    after: u64,
    most: u32,
) -> Result<Vec<MeetingEvent>, Failure> {
    let mut events = Vec::new();
    for batch in store.meeting_events(workspace, bot, after, most).await? {
        events.extend(open(vault, &batch)?.into_iter().filter(|event| event.number > after));
    }
    Ok(events)
}

/// Reads all events of a bot.
pub(crate) async fn all(
    store: &(impl MeetingEvents + Sync + ?Sized),
    vault: &Vault,
    workspace: WorkspaceId,
    bot: BotId,
) -> Result<StoredEvents, Failure> {
    let summary = store.meeting_events_summaries(workspace, &[bot]).await?;
    let mut stored =
        StoredEvents { last: summary.first().map_or(0, |summary| summary.last), ..StoredEvents::default() };
    loop {
        let from = stored.events.last().map_or(0, |event| event.number);
        let page = after(store, vault, workspace, bot, from, ROWS).await?;
        if page.is_empty() {
            return Ok(stored);
        }
        stored.events.extend(page);
    }
}

fn open(vault: &Vault, batch: &MeetingEventBatch) -> Result<Vec<MeetingEvent>, Failure> {
    let text = vault.open(batch.workspace, Cell::MeetingEvents(batch.id), &batch.events)?;
    serde_json::from_str(text.expose()).map_err(|_| {
        Failure::new(
            Code::Internal,
            format!("the stored events of the meeting of bot {} could not be parsed", batch.bot),
        )
    })
}
