//! `/_sim/meetings`: what a host does, from outside the meeting.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::{Body, ControlError, patched};
use crate::gate::meeting::{Meeting, Phase, Settings};
use crate::gate::participant::{Participant, View as ParticipantView};
use crate::ids::{AccountId, MeetingNumber, UserId};
use crate::sim::{SharedSim, Sim};
use crate::world::World;

/// A meeting with its live roster.
#[derive(Serialize)]
struct View<'a> {
    meeting_number: &'a MeetingNumber,
    host_id: &'a UserId,
    account_id: &'a AccountId,
    join_url: String,
    phase: Phase,
    started: bool,
    #[serde(flatten)]
    settings: &'a Settings,
    participants: Vec<ParticipantView<'a>>,
}

fn view(meeting: &Meeting) -> Json<Value> {
    Json(json!(View {
        meeting_number: &meeting.number,
        host_id: &meeting.host_id,
        account_id: &meeting.account_id,
        join_url: meeting.join_url(),
        phase: meeting.phase,
        started: meeting.is_running(),
        settings: &meeting.settings,
        participants: meeting.participants.iter().map(Participant::view).collect(),
    }))
}

/// `Settings`, and what is decided only once.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    host_id: UserId,
    meeting_number: Option<MeetingNumber>,
    #[serde(default)]
    started: bool,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

pub(crate) async fn create(
    State(sim): State<SharedSim>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ControlError> {
    let settings = patched(&Settings::default(), Value::Object(wanted.settings))?;
    let mut world = sim.world();
    let World { entropy, meetings, users, .. } = &mut *world;
    let host = users.iter().find(|user| user.id == wanted.host_id).ok_or(ControlError::Unknown("host_id"))?;
    let number = wanted
        .meeting_number
        .unwrap_or_else(|| MeetingNumber(entropy.number(80_000_000_000, 10_000_000_000).to_string()));
    if !number.is_plausible() {
        return Err(ControlError::Bad("meeting_number must be 9 to 11 digits".to_owned()));
    }
    if meetings.contains_key(&number) {
        return Err(ControlError::Bad(format!("meeting_number {number} is taken")));
    }
    let mut meeting = Meeting::new(number.clone(), host.id.clone(), host.account_id.clone(), settings);
    if wanted.started {
        meeting.phase = Phase::HeldOpen;
    }
    let answer = view(&meeting);
    meetings.insert(number, meeting);
    Ok((StatusCode::CREATED, answer))
}

pub(crate) async fn list(State(sim): State<SharedSim>) -> Json<Value> {
    let world = sim.world();
    Json(world.meetings.values().map(|meeting| view(meeting).0).collect())
}

/// Does something to a meeting, and shows it.
pub(super) fn with(
    sim: &Sim,
    number: &MeetingNumber,
    act: impl FnOnce(&mut Meeting) -> Result<(), ControlError>,
) -> Result<Json<Value>, ControlError> {
    let mut world = sim.world();
    let meeting = world.meetings.get_mut(number).ok_or(ControlError::Unknown("meeting"))?;
    act(meeting)?;
    Ok(view(meeting))
}

pub(crate) async fn show(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Value>, ControlError> {
    with(&sim, &number, |_| Ok(()))
}

/// Any of the settings; those inside stay inside.
pub(crate) async fn change(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(body): Body<Value>,
) -> Result<Json<Value>, ControlError> {
    with(&sim, &number, |meeting| {
        meeting.settings = patched(&meeting.settings, body)?;
        Ok(())
    })
}

/// Runs from now on, whoever comes or goes; the host's limit is not asked (ours).
pub(crate) async fn start(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Value>, ControlError> {
    with(&sim, &number, |meeting| {
        meeting.phase = Phase::HeldOpen;
        Ok(())
    })
}

/// Over for everybody: 7939 with reason 8, then the sockets close.
pub(crate) async fn end(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Value>, ControlError> {
    with(&sim, &number, |meeting| {
        meeting.end();
        Ok(())
    })
}

/// The sockets close without a word; the SDK reconnects.
pub(crate) async fn drop_sockets(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Value>, ControlError> {
    with(&sim, &number, |meeting| {
        meeting.drop_sockets();
        Ok(())
    })
}
