//! `recordings` of a bot: the stored data of its meeting. Bots record no audio and no video here; a recording contains who
//! was there and what was written (`participant_events`), and what was said, from Zoom's captions (`transcript`).

use bots::{OpenedBot, RecordingStatus, request::EndpointConfig};
use model::{ArtifactId, RealtimeEndpointId, RecordingId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::download::{self, Artifact};
use crate::{State, openapi::Object};

/// The stored data of a bot's meeting.
#[derive(Serialize, ToSchema)]
pub(crate) struct Recording {
    id: RecordingId,
    created_at: Timestamp,
    /// When the bot joined the meeting.
    #[schema(required)]
    started_at: Option<Timestamp>,
    /// When its call ended.
    #[schema(required)]
    completed_at: Option<Timestamp>,
    /// When all of it will be erased.
    #[schema(required)]
    expires_at: Option<Timestamp>,
    status: MediaStatus,
    media_shortcuts: MediaShortcuts,
    /// The endpoints of the request that receive events.
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

/// The state of an artifact.
#[derive(Clone, Serialize, ToSchema)]
struct MediaStatus {
    code: StatusCode,
    /// The cause of a failure. `captions_not_offered`: the host's account does not offer them; `captions_none_received`:
    /// nobody spoke, or the host does not allow them; `captions_not_allowed`: Zoom does not let the bot request them.
    #[schema(required)]
    sub_code: Option<&'static str>,
    updated_at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StatusCode {
    /// The bot is still in the meeting.
    Processing,
    /// It can be downloaded.
    Done,
    /// It does not exist.
    Failed,
    /// It was erased.
    Deleted,
}

/// The artifacts. Audio and video are always null.
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

/// URLs that return JSON for six hours, to anyone who has them; null until the bot's call has ended.
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

/// What was said, from Zoom's captions.
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

/// A URL that returns JSON for six hours, to anyone who has it; null until the bot's call has ended.
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

/// A bot's recording in the contract's format.
pub(super) fn recording(state: &State, bot: &OpenedBot, kept: &bots::Recording) -> Recording {
    let OpenedBot { row, request } = bot;
    let started_at = kept.started_at;
    let code = match kept.status {
        RecordingStatus::Processing => StatusCode::Processing,
        RecordingStatus::Done => StatusCode::Done,
        RecordingStatus::Erased => StatusCode::Deleted,
    };
    let status = MediaStatus { code, sub_code: None, updated_at: kept.ended_at.unwrap_or(started_at) };
    let address = |artifact| (code == StatusCode::Done).then(|| download::address(state, row, artifact));
    let participant_events = request.objects.recording.participant_events.then(|| ParticipantEvents {
        id: ArtifactId::participant_events(row.id),
        created_at: started_at,
        status: status.clone(),
        metadata: Object::default(),
        data: ParticipantEventsData {
            participant_events_download_url: address(Artifact::ParticipantEvents),
            speaker_timeline_download_url: address(Artifact::SpeakerTimeline),
            participants_download_url: address(Artifact::Participants),
        },
    });
    let transcript = request.objects.recording.captions.then(|| {
        let failure = kept.captions.and_then(model::Captions::failure);
        let status = match failure.filter(|_| code == StatusCode::Done) {
            Some(sub_code) => {
                MediaStatus { code: StatusCode::Failed, sub_code: Some(sub_code), ..status.clone() }
            }
            None => status.clone(),
        };
        let download_url = address(Artifact::Transcript).filter(|_| status.code == StatusCode::Done);
        Transcript {
            id: ArtifactId::transcript(row.id),
            created_at: started_at,
            status,
            metadata: Object::default(),
            data: TranscriptData { download_url, provider_data_download_url: None },
            diarization: None,
            provider: Provider { meeting_captions: Object::default() },
        }
    });
    let shown = |endpoint: &EndpointConfig| ToldEndpoint {
        id: endpoint.id(row),
        metadata: Object(endpoint.metadata.clone()),
    };
    Recording {
        id: RecordingId::of_bot(row.id),
        created_at: started_at,
        started_at: Some(started_at),
        completed_at: kept.completed_at,
        expires_at: kept.expires_at,
        status,
        media_shortcuts: MediaShortcuts {
            video_mixed: None,
            audio_mixed: None,
            meeting_metadata: None,
            participant_events,
            transcript,
        },
        realtime_endpoints: request.objects.realtime_endpoints.iter().map(shown).collect(),
        metadata: Object::default(),
    }
}
