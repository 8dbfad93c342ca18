//! `/_sim/meetings`: what a host does from outside the meeting.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::{Body, ControlError, patched};
use crate::clock::Moment;
use crate::gate::activity::Running;
use crate::gate::event::EndedBy;
use crate::gate::meeting::{Meeting, Phase};
use crate::gate::network_cut::{self, Whose};
use crate::gate::participant::View as ParticipantView;
use crate::gate::settings::Settings;
use crate::ids::{AccountId, MeetingNumber, UserId};
use crate::state::{SharedSim, Sim};
use crate::world::World;

/// A meeting with its live roster.
#[derive(Serialize)]
struct View<'a> {
    meeting_number: &'a MeetingNumber,
    uuid: String,
    host_id: &'a UserId,
    account_id: &'a AccountId,
    join_url: String,
    phase: Phase,
    started: bool,
    #[serde(flatten)]
    settings: &'a Settings,
    active_speakers: &'a [u32],
    cloud_recording: Running,
    breakout_rooms: Vec<&'a str>,
    participants: Vec<ParticipantView<'a>>,
}

fn view(meeting: &Meeting) -> Json<Value> {
    Json(json!(View {
        meeting_number: &meeting.number,
        uuid: meeting.uuid(),
        host_id: &meeting.host_id,
        account_id: &meeting.account_id,
        join_url: meeting.join_url(),
        phase: meeting.phase,
        started: meeting.is_running(),
        settings: &meeting.settings,
        active_speakers: &meeting.active_speakers,
        cloud_recording: meeting.cloud_recording,
        breakout_rooms: meeting.breakout.names(),
        participants: meeting.participants.iter().map(|person| person.view(&meeting.breakout)).collect(),
    }))
}

/// `Settings`, and fields that are set only at creation.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    host_id: UserId,
    meeting_number: Option<MeetingNumber>,
    #[serde(default)]
    started: bool,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

/// `Settings`, and optionally another host.
#[derive(Deserialize)]
pub(crate) struct Changes {
    host_id: Option<UserId>,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

pub(crate) async fn create(
    State(sim): State<SharedSim>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ControlError> {
    let settings = patched(&Settings::default(), Value::Object(wanted.settings))?;
    let at = sim.moment();
    let mut world = sim.world();
    let host = world.user(&wanted.host_id).ok_or(ControlError::Unknown("host_id"))?.clone();
    let number = wanted.meeting_number.unwrap_or_else(|| world.free_number());
    if !number.is_plausible() {
        return Err(ControlError::Bad("meeting_number must be 9 to 11 digits".to_owned()));
    }
    if world.meetings.contains_key(&number) {
        return Err(ControlError::Bad(format!("meeting_number {number} is taken")));
    }
    let meeting = Meeting::new(number.clone(), host.id.clone(), host.account_id, settings, at.now);
    world.add_meeting(meeting, &host.id, at);
    let answer = during(&mut world, &number, at, |meeting| {
        if wanted.started {
            meeting.phase = Phase::HeldOpen;
        }
        Ok(())
    })?;
    sim.happened();
    Ok((StatusCode::CREATED, answer))
}

pub(crate) async fn list(State(sim): State<SharedSim>) -> Json<Value> {
    let world = sim.world();
    Json(world.meetings.values().map(|meeting| view(meeting).0).collect())
}

/// Changes a meeting and returns its view.
pub(super) fn with(
    sim: &Sim,
    number: &MeetingNumber,
    act: impl FnOnce(&mut Meeting) -> Result<(), ControlError>,
) -> Result<Json<Value>, ControlError> {
    let shown = during(&mut sim.world(), number, sim.moment(), act);
    sim.happened();
    shown
}

fn during(
    world: &mut World,
    number: &MeetingNumber,
    at: Moment,
    act: impl FnOnce(&mut Meeting) -> Result<(), ControlError>,
) -> Result<Json<Value>, ControlError> {
    let meeting = world.meetings.get_mut(number).ok_or(ControlError::Unknown("meeting"))?;
    act(meeting)?;
    world.spread_news(number, at);
    world.meetings.get(number).map(view).ok_or(ControlError::Unknown("meeting"))
}

pub(crate) async fn show(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Value>, ControlError> {
    with(&sim, &number, |_| Ok(()))
}

/// Changes any setting, or `host_id`. Participants stay in the meeting.
pub(crate) async fn change(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(changes): Body<Changes>,
) -> Result<Json<Value>, ControlError> {
    let at = sim.moment();
    let mut world = sim.world();
    let meeting = world.meetings.get(&number).ok_or(ControlError::Unknown("meeting"))?;
    let settings = patched(&meeting.settings, Value::Object(changes.settings))?;
    let host_id = changes.host_id.unwrap_or_else(|| meeting.host_id.clone());
    world.user(&host_id).ok_or(ControlError::Unknown("host_id"))?;
    world.change_meeting(&number, settings, &host_id, &host_id, at);
    sim.happened();
    world.meetings.get(&number).map(view).ok_or(ControlError::Unknown("meeting"))
}

/// Deletes a meeting; it ends for its participants.
pub(crate) async fn delete(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<StatusCode, ControlError> {
    let mut world = sim.world();
    let meeting = world.meetings.get(&number).ok_or(ControlError::Unknown("meeting"))?;
    let host_id = meeting.host_id.clone();
    world.remove_meeting(&number, &host_id, sim.moment());
    sim.happened();
    Ok(StatusCode::NO_CONTENT)
}

/// Starts a meeting, which then runs even without participants. The host's limit is not checked (ours).
pub(crate) async fn start(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Value>, ControlError> {
    with(&sim, &number, |meeting| {
        meeting.phase = Phase::HeldOpen;
        Ok(())
    })
}

/// How to end a meeting.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    #[serde(default)]
    by: EndedBy,
}

/// Ends a meeting for all participants: 7939 with the number of the reason, then the sockets close.
pub(crate) async fn end(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(End { by }): Body<End>,
) -> Result<Json<Value>, ControlError> {
    with(&sim, &number, |meeting| {
        meeting.end(by);
        Ok(())
    })
}

/// Closes the sockets without an end frame; the SDK reconnects.
pub(crate) async fn drop_sockets(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Value>, ControlError> {
    with(&sim, &number, |meeting| {
        meeting.drop_sockets();
        Ok(())
    })
}

/// How to cut connections.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cut {
    /// Duration in real time; if absent, until `DELETE`.
    seconds: Option<f64>,
    /// Affects only participants with this name; if absent, all participants.
    name: Option<String>,
    /// How long Zoom still shows the participants, in real time.
    #[serde(default)]
    shown_seconds: f64,
}

/// Cuts connections to a meeting: sockets close without an end frame, and new ones are not accepted.
pub(crate) async fn cut_line(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(wanted): Body<Cut>,
) -> Result<Json<Value>, ControlError> {
    let span = |name: &str, seconds: f64| {
        let bad = |error| ControlError::Bad(format!("{name}: {error}"));
        Duration::try_from_secs_f64(seconds).map_err(bad)
    };
    let seconds = wanted.seconds.map(|seconds| span("seconds", seconds)).transpose()?;
    let shown = span("shown_seconds", wanted.shown_seconds)?;
    let whose = wanted.name.map_or(Whose::Everybody, Whose::Named);
    network_cut::cut(&sim, &number, whose, seconds, shown);
    with(&sim, &number, |_| Ok(()))
}

/// Ends all cuts of a meeting.
pub(crate) async fn heal_line(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Value>, ControlError> {
    with(&sim, &number, |meeting| {
        meeting.cuts.heal();
        Ok(())
    })
}
