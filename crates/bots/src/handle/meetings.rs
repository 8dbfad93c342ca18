//! Reads the stored events of bots' meetings.

use std::{collections::HashMap, sync::Arc, time::Duration};

use model::{BotId, BotStatus, Captions, Failure, MeetingEvent, RealtimeEndpointId, Timestamp};
use store::{Bot, MeetingEvents, MeetingEventsSummary, RealtimeEndpoints, RealtimeProgress};
use tenants::Vault;

use super::reader::OpenedBot;
use crate::{
    meeting::{read, started_at},
    request::EndpointConfig,
};

/// How many rows are read for a page. Each row has several events.
const ROWS_OF_A_PAGE: u32 = 20;

/// Reads the stored events of bots' meetings.
pub struct Meetings {
    pub(crate) events: Arc<dyn MeetingEvents + Send + Sync>,
    pub(crate) endpoints: Arc<dyn RealtimeEndpoints + Send + Sync>,
    pub(crate) vault: Vault,
}

/// All stored events of a bot's meeting.
#[derive(Debug)]
pub struct MeetingRecord {
    /// When the bot entered the meeting for the first time.
    pub started_at: Timestamp,
    /// The events, in order; at least one.
    pub events: Vec<MeetingEvent>,
}

/// A summary of the stored events of a bot's meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    /// When the bot entered the meeting for the first time.
    pub started_at: Timestamp,
    /// When the bot's call ended.
    pub completed_at: Option<Timestamp>,
    /// When the bot ended. From then on, all events are stored.
    pub ended_at: Option<Timestamp>,
    /// When the events are erased.
    pub expires_at: Option<Timestamp>,
    /// Whether the events are complete or erased.
    pub status: RecordingStatus,
    /// Whether the bot received captions; `None` if the request wants none, or if it is not known.
    pub captions: Option<Captions>,
}

/// Whether a recording is complete or erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingStatus {
    /// The bot is in the meeting, or its last events are not stored yet.
    Processing,
    /// All events are stored.
    Done,
    /// The events are erased.
    Erased,
}

/// A real-time endpoint of a bot.
#[derive(Debug)]
pub struct EndpointProgress<'a> {
    /// The endpoint's id.
    pub id: RealtimeEndpointId,
    /// The endpoint's configuration in the request.
    pub config: &'a EndpointConfig,
    /// Up to which event deliveries have succeeded, and whether they fail now.
    pub progress: RealtimeProgress,
}

impl Meetings {
    /// Reads the next events of a bot's meeting with a number greater than `after`. Empty if there are no more yet.
    pub async fn events_after(&self, bot: &Bot, after: u64) -> Result<Vec<MeetingEvent>, Failure> {
        read::after(&*self.events, &self.vault, bot.workspace, bot.id, after, ROWS_OF_A_PAGE).await
    }

    /// Reads all stored events of a bot's meeting. Returns `None` if there are none.
    pub async fn record(&self, bot: &Bot) -> Result<Option<MeetingRecord>, Failure> {
        let events = read::all(&*self.events, &self.vault, bot.workspace, bot.id).await?.events;
        let started_at = started_at(bot).filter(|_| !events.is_empty());
        Ok(started_at.map(|started_at| MeetingRecord { started_at, events }))
    }

    /// Reads the recordings of bots of one workspace. Bots without stored events have none.
    pub async fn recordings(
        &self,
        bots: impl IntoIterator<Item = &Bot>,
    ) -> Result<HashMap<BotId, Recording>, Failure> {
        // Only bots that have entered their meeting have events.
        let started: HashMap<_, _> = bots
            .into_iter()
            .filter_map(|bot| started_at(bot).map(|started_at| (bot.id, (bot, started_at))))
            .collect();
        let Some((first, _)) = started.values().next() else { return Ok(HashMap::new()) };
        let ids: Vec<_> = started.keys().copied().collect();
        let summaries = self.events.meeting_events_summaries(first.workspace, &ids).await?;
        let recordings = summaries.iter().filter_map(|summary| {
            let (bot, started_at) = started.get(&summary.bot)?;
            Some((bot.id, Recording::of(bot, summary, *started_at)))
        });
        Ok(recordings.collect())
    }

    /// Reads the real-time endpoints of a bot. There are none before the bot's first event.
    pub async fn endpoints<'a>(&self, bot: &'a OpenedBot) -> Result<Vec<EndpointProgress<'a>>, Failure> {
        let OpenedBot { row, request } = bot;
        let rows = self.endpoints.realtime_endpoints(row.workspace, row.id).await?;
        let endpoints = rows.into_iter().filter_map(|row| {
            let config =
                request.objects.realtime_endpoints.iter().find(|config| config.place == row.place)?;
            Some(EndpointProgress { id: row.id, config, progress: row.progress })
        });
        Ok(endpoints.collect())
    }
}

impl Recording {
    fn of(bot: &Bot, summary: &MeetingEventsSummary, started_at: Timestamp) -> Self {
        let mut steps = bot.status_changes.iter();
        let is_over = |code| matches!(code, BotStatus::CallEnded | BotStatus::Fatal);
        let completed_at = steps.find(|step| is_over(step.code)).map(|step| step.created_at);
        // Until the bot's last step, its last events may not be stored yet.
        let last = bot.status_changes.last();
        let ended_at = last.filter(|step| step.code.is_terminal()).map(|step| step.created_at);
        let status = match ended_at {
            _ if summary.erased => RecordingStatus::Erased,
            Some(_) => RecordingStatus::Done,
            None => RecordingStatus::Processing,
        };
        Self {
            started_at,
            completed_at,
            ended_at,
            expires_at: ended_at.map(|ended| ended + Duration::from_secs(summary.kept_for.as_secs())),
            status,
            captions: summary.captions,
        }
    }
}
