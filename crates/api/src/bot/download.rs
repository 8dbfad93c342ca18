//! `GET /api/v1/download/{artifact}/`: stored data of a bot's meeting, at an address that expires.
//!
//! Clients fetch it without an API key, as they do from Recall ([`signed_address`]).

use std::str::FromStr;

use axum::{
    Json,
    extract::{Query, State as Extract, rejection::QueryRejection},
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
};
use bots::{MeetingRecord, meeting::shape};
use model::{BotId, WorkspaceId};
use serde::Deserialize;
use tracing::Span;
use utoipa::IntoParams;

use super::signed_address;
use crate::{State, error::ApiError, path::Path};

/// The data that can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Artifact {
    ParticipantEvents,
    Participants,
    SpeakerTimeline,
    Transcript,
}

impl Artifact {
    const ALL: [Self; 4] =
        [Self::ParticipantEvents, Self::Participants, Self::SpeakerTimeline, Self::Transcript];

    const fn as_str(self) -> &'static str {
        match self {
            Self::ParticipantEvents => "participant_events",
            Self::Participants => "participants",
            Self::SpeakerTimeline => "speaker_timeline",
            Self::Transcript => "transcript",
        }
    }
}

impl FromStr for Artifact {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|artifact| artifact.as_str() == text).ok_or(())
    }
}

/// The query of a signed address.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Ticket {
    bot: BotId,
    workspace: WorkspaceId,
    /// Proves that Latchkey issued the address.
    token: String,
}

/// The address of an artifact, valid for six hours.
pub(super) fn address(state: &State, bot: &store::Bot, artifact: Artifact) -> String {
    let base = state.broker.addresses.public_base().as_str().trim_end_matches('/');
    let token = signed_address::token(state, bot.workspace, bot.id, artifact.as_str());
    let (artifact, bot, workspace) = (artifact.as_str(), bot.id, bot.workspace);
    format!("{base}/api/v1/download/{artifact}/?bot={bot}&workspace={workspace}&token={token}")
}

/// Download stored data of a meeting
///
/// `participant_events`, `participants`, `speaker_timeline` or `transcript`, by an address from a bot's `recordings`. It
/// needs no API key: the token in the address is valid for six hours. Erased data answers 404.
#[utoipa::path(
    get,
    path = "/api/v1/download/{artifact}/",
    tag = "bots",
    operation_id = "download_retrieve",
    params(("artifact" = String, Path), Ticket),
    responses(
        (status = 200, description = "In order of time.", body = Vec<Object>),
        (status = 404, description = "The address is wrong or has expired, or the data is erased."),
    ),
)]
#[tracing::instrument(name = "download", skip_all, fields(bot))]
pub(crate) async fn handler(
    Extract(state): Extract<State>,
    Path(artifact): Path<String>,
    ticket: Result<Query<Ticket>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(ticket) = ticket.map_err(|_| ApiError::NotFound)?;
    Span::current().record("bot", ticket.bot.to_string());
    let artifact: Artifact = artifact.parse().map_err(|()| ApiError::NotFound)?;
    // The contract has no other refusal.
    signed_address::check(&state, ticket.workspace, ticket.bot, artifact.as_str(), &ticket.token)
        .map_err(|_| ApiError::NotFound)?;
    let bot = super::find(&state, ticket.workspace, ticket.bot).await?.row;
    let record = state.bots.meetings.record(&bot).await?.ok_or(ApiError::NotFound)?;
    let MeetingRecord { started_at, events } = &record;
    let started_at = *started_at;
    let answer = match artifact {
        Artifact::ParticipantEvents => {
            let shown = events.iter().filter_map(|event| shape::event(event, started_at));
            Json(shown.collect::<Vec<_>>()).into_response()
        }
        Artifact::Participants => Json(shape::participants(events)).into_response(),
        Artifact::SpeakerTimeline => Json(shape::speeches(events, started_at)).into_response(),
        Artifact::Transcript => Json(shape::transcript(events, started_at)).into_response(),
    };
    Ok(([(CACHE_CONTROL, "private, no-store")], answer).into_response())
}
