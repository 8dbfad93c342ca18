//! `/_sim/meetings/{number}/breakout-rooms` and `…/participants/{id}/move`.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;

use super::error::{Body, ControlError};
use super::meetings::with;
use super::participants::bad;
use crate::gate::breakout::Unmoved;
use crate::ids::MeetingNumber;
use crate::state::SharedSim;

type Answer = Result<Json<Value>, ControlError>;

/// Names of the rooms to open.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    rooms: Vec<String>,
}

pub(crate) async fn open(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(wanted): Body<Wanted>,
) -> Answer {
    with(&sim, &number, |meeting| meeting.open_rooms(&wanted.rooms).map_err(|reason| bad(&reason)))
}

/// Moves all participants back to the main session.
pub(crate) async fn close(State(sim): State<SharedSim>, Path(number): Path<MeetingNumber>) -> Answer {
    with(&sim, &number, |meeting| {
        meeting.close_rooms();
        Ok(())
    })
}

/// The target of a move.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    /// The room's name; `null` is the main session.
    #[serde(deserialize_with = "Option::deserialize")]
    room: Option<String>,
}

pub(crate) async fn move_participant(
    State(sim): State<SharedSim>,
    Path((number, id)): Path<(MeetingNumber, u32)>,
    Body(wanted): Body<Move>,
) -> Answer {
    {
        let mut world = sim.world();
        let crate::world::World { meetings, entropy, .. } = &mut *world;
        let meeting = meetings.get_mut(&number).ok_or(ControlError::Unknown("meeting"))?;
        meeting.move_to(id, wanted.room.as_deref(), entropy).map_err(|reason| match reason {
            Unmoved::NoSuchParticipant => ControlError::Unknown("participant in the meeting"),
            reason => bad(&reason),
        })?;
    }
    with(&sim, &number, |_| Ok(()))
}
