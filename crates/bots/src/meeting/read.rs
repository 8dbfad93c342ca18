//! What happened in a bot's meeting, read back.

use model::{BotId, Code, Failure, MeetingEvent, WorkspaceId};
use store::{MeetingEventBatch, MeetingEvents};
use tenants::{Cell, Vault};

/// Rows that are read at a time.
const ROWS: u32 = 50;

/// All stored events of a bot.
#[derive(Debug, Default)]
pub(crate) struct StoredEvents {
    /// In order.
    pub(crate) events: Vec<MeetingEvent>,
    /// The number of the last one, even if it is erased.
    pub(crate) last: u64,
}

/// A bot's events with a number greater than `after`, in order: those of the next rows, of which `most` are read. Empty when
/// there are no more. The cursor of everybody who passes events on.
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

/// All of a bot's events.
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
            format!("what happened in the meeting of bot {} is not readable", batch.bot),
        )
    })
}
