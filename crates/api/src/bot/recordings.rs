//! `recordings` of a bot: what is kept of its meeting. Bots record no sound and no picture here; a recording holds who was
//! there and what was written (`participant_events`), and what was said by Zoom's captions (`transcript`).

use std::{collections::HashMap, time::Duration};

use bots::{
    BotRequest, OpenedBot,
    meeting::{MeetingWish, live::live_endpoints, started_at},
};
use model::{ArtifactId, BotId, BotStatus, RealtimeEndpointId, RecordingId, Timestamp};
use serde::Serialize;
use store::{MeetingEventsSummary, StoreError};
use utoipa::ToSchema;

use super::download::{self, Artifact};
use crate::{State, openapi::Object};

/// What is kept of a bot's meeting.
#[derive(Serialize, ToSchema)]
pub(crate) struct Recording {
    id: RecordingId,
    created_at: Timestamp,
    /// When the bot came into the meeting.
    #[schema(required)]
    started_at: Option<Timestamp>,
    /// When its call ended.
    #[schema(required)]
    completed_at: Option<Timestamp>,
    /// When all of it is erased.
    #[schema(required)]
    expires_at: Option<Timestamp>,
    status: MediaStatus,
    media_shortcuts: MediaShortcuts,
    /// Those of the request that are told of something.
    realtime_endpoints: Vec<ToldEndpoint>,
    /// Always empty.
    metadata: Object,
}

/// A real-time endpoint.
#[derive(Serialize, ToSchema)]
struct ToldEndpoint {
    id: RealtimeEndpointId,
    metadata: Object,
}

/// How far it is.
#[derive(Clone, Serialize, ToSchema)]
struct MediaStatus {
    code: StatusCode,
    /// The cause of a failure: `captions_not_offered` by the host's account; `captions_none_received`: nobody spoke, or the host
    /// does not allow them; `captions_not_allowed`: Zoom does not let the bot ask.
    #[schema(required)]
    sub_code: Option<&'static str>,
    updated_at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StatusCode {
    /// The bot is in the meeting.
    Processing,
    /// It can be downloaded.
    Done,
    /// There is none.
    Failed,
    /// It is erased.
    Deleted,
}

/// What there is. Sound and pictures are always null.
#[derive(Serialize, ToSchema)]
struct MediaShortcuts {
    #[schema(required)]
    video_mixed: Option<Object>,
    #[schema(required)]
    audio_mixed: Option<Object>,
    #[schema(required)]
    meeting_metadata: Option<Object>,
    #[schema(required)]
    participant_events: Option<ParticipantEvents>,
    #[schema(required)]
    transcript: Option<Transcript>,
}

/// Who was there, who spoke when, and what was written in the chat.
#[derive(Serialize, ToSchema)]
struct ParticipantEvents {
    id: ArtifactId,
    created_at: Timestamp,
    status: MediaStatus,
    metadata: Object,
    data: ParticipantEventsData,
}

/// Addresses that answer with JSON for six hours, to anyone who has them; null until the bot's call has ended.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
struct ParticipantEventsData {
    #[schema(required)]
    participant_events_download_url: Option<String>,
    #[schema(required)]
    speaker_timeline_download_url: Option<String>,
    #[schema(required)]
    participants_download_url: Option<String>,
}

/// What was said, as Zoom's captions have it.
#[derive(Serialize, ToSchema)]
struct Transcript {
    id: ArtifactId,
    created_at: Timestamp,
    status: MediaStatus,
    metadata: Object,
    data: TranscriptData,
    /// Always null.
    #[schema(required)]
    diarization: Option<Object>,
    provider: Provider,
}

/// An address that answers with JSON for six hours, to anyone who has it; null until the bot's call has ended.
#[derive(Serialize, ToSchema)]
struct TranscriptData {
    #[schema(required)]
    download_url: Option<String>,
    /// Always null.
    #[schema(required)]
    provider_data_download_url: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Provider {
    meeting_captions: Object,
}

/// What the store has of the meetings of some bots.
pub(super) struct Summaries(HashMap<BotId, MeetingEventsSummary>);

impl Summaries {
    /// Asks only for bots that have been in a meeting.
    pub(super) async fn of(
        state: &State,
        bots: impl IntoIterator<Item = &store::Bot>,
    ) -> Result<Self, StoreError> {
        let were_in: Vec<_> = bots.into_iter().filter(|bot| started_at(bot).is_some()).collect();
        let Some(first) = were_in.first() else { return Ok(Self(HashMap::new())) };
        let ids: Vec<_> = were_in.iter().map(|bot| bot.id).collect();
        let found = state.store.meeting_events_summaries(first.workspace, &ids).await?;
        Ok(Self(found.into_iter().map(|summary| (summary.bot, summary)).collect()))
    }

    /// A bot's recordings: one, if anything was kept.
    pub(super) fn recordings(&self, state: &State, OpenedBot { row, request }: &OpenedBot) -> Vec<Recording> {
        let found = self.0.get(&row.id).zip(started_at(row));
        found.map(|(summary, started)| recording(state, row, request, summary, started)).into_iter().collect()
    }
}

fn recording(
    state: &State,
    bot: &store::Bot,
    request: &BotRequest,
    summary: &MeetingEventsSummary,
    started: Timestamp,
) -> Recording {
    let wish = MeetingWish::of(&request.echoed);
    let over = |code| matches!(code, BotStatus::CallEnded | BotStatus::Fatal);
    let completed_at = bot.status_changes.iter().find(|step| over(step.code)).map(|step| step.created_at);
    // Until the last step, the last events may be on their way.
    let ended = bot.status_changes.last().filter(|step| step.code.is_terminal()).map(|step| step.created_at);
    let code = match ended {
        _ if summary.erased => StatusCode::Deleted,
        Some(_) => StatusCode::Done,
        None => StatusCode::Processing,
    };
    let status = MediaStatus { code, sub_code: None, updated_at: ended.unwrap_or(started) };
    let address = |artifact| (code == StatusCode::Done).then(|| download::address(state, bot, artifact));
    let participant_events = wish.participant_events.then(|| ParticipantEvents {
        id: ArtifactId::participant_events(bot.id),
        created_at: started,
        status: status.clone(),
        metadata: Object::default(),
        data: ParticipantEventsData {
            participant_events_download_url: address(Artifact::ParticipantEvents),
            speaker_timeline_download_url: address(Artifact::SpeakerTimeline),
            participants_download_url: address(Artifact::Participants),
        },
    });
    let transcript = wish.captions.then(|| {
        let failure = summary.captions.and_then(model::Captions::failure);
        let status = match failure.filter(|_| code == StatusCode::Done) {
            Some(sub_code) => {
                MediaStatus { code: StatusCode::Failed, sub_code: Some(sub_code), ..status.clone() }
            }
            None => status.clone(),
        };
        let download_url = address(Artifact::Transcript).filter(|_| status.code == StatusCode::Done);
        Transcript {
            id: ArtifactId::transcript(bot.id),
            created_at: started,
            status,
            metadata: Object::default(),
            data: TranscriptData { download_url, provider_data_download_url: None },
            diarization: None,
            provider: Provider { meeting_captions: Object::default() },
        }
    });
    Recording {
        id: RecordingId::of_bot(bot.id),
        created_at: started,
        started_at: Some(started),
        completed_at,
        expires_at: ended.map(|ended| ended + Duration::from_secs(summary.kept_for.as_secs())),
        status,
        media_shortcuts: MediaShortcuts {
            video_mixed: None,
            audio_mixed: None,
            meeting_metadata: None,
            participant_events,
            transcript,
        },
        realtime_endpoints: live_endpoints(&request.echoed)
            .into_iter()
            .map(|endpoint| ToldEndpoint {
                id: RealtimeEndpointId::of_bot(bot.id, endpoint.place),
                metadata: Object(endpoint.metadata.as_object().cloned().unwrap_or_default()),
            })
            .collect(),
        metadata: Object::default(),
    }
}
