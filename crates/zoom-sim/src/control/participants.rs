//! `/_sim/meetings/{number}/participants` and `…/chat`: the people in it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;

use super::error::{Body, ControlError};
use super::meetings::with;
use crate::gate::entrance::next_id;
use crate::gate::meeting::ChatMessage;
use crate::gate::participant::Participant;
use crate::ids::{MeetingNumber, UserId};
use crate::sim::SharedSim;
use crate::world::user::User;

type Answer = Result<Json<Value>, ControlError>;

/// Somebody who is only in the roster.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extra {
    name: String,
    /// Signed in as this user: their picture, and they can vouch for bots.
    user_id: Option<UserId>,
    #[serde(default)]
    host: bool,
}

/// Puts somebody into the meeting who has no socket and does nothing (ours): company for bots.
pub(crate) async fn seat(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(extra): Body<Extra>,
) -> Answer {
    let (zoom_id, guid, avatar) = {
        let mut world = sim.world();
        let user = extra.user_id.as_ref().map(|id| world.user(id).ok_or(ControlError::Unknown("user")));
        let avatar = user.transpose()?.map(User::avatar_url);
        (world.entropy.id(), world.entropy.id(), avatar)
    };
    let joined_at = sim.now();
    with(&sim, &number, |meeting| {
        let (id, arrival) = next_id(meeting);
        meeting.enter(Participant {
            id,
            number: arrival,
            zoom_id,
            guid,
            name: extra.name,
            user_id: extra.user_id,
            avatar,
            host: extra.host,
            on_hold: false,
            camera: false,
            video_on: false,
            joined_at,
            authoriser: None,
            privilege: None,
            line: None,
            cut_off: false,
            seen: BTreeMap::new(),
        });
        Ok(())
    })
}

/// Out of the waiting room.
pub(crate) async fn admit(
    State(sim): State<SharedSim>,
    Path((number, id)): Path<(MeetingNumber, u32)>,
) -> Answer {
    with(&sim, &number, |meeting| found(meeting.set_hold(id, false)))
}

/// Into the waiting room.
pub(crate) async fn hold(
    State(sim): State<SharedSim>,
    Path((number, id)): Path<(MeetingNumber, u32)>,
) -> Answer {
    with(&sim, &number, |meeting| found(meeting.set_hold(id, true)))
}

/// Out of the meeting: 7939 with reason 7, then the socket closes. A user may not come again.
pub(crate) async fn remove(
    State(sim): State<SharedSim>,
    Path((number, id)): Path<(MeetingNumber, u32)>,
) -> Answer {
    with(&sim, &number, |meeting| found(meeting.remove(id)))
}

/// What was said so far.
pub(crate) async fn chat(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Vec<ChatMessage>>, ControlError> {
    let world = sim.world();
    let meeting = world.meetings.get(&number).ok_or(ControlError::Unknown("meeting"))?;
    Ok(Json(meeting.chat.clone()))
}

/// Words put into a participant's mouth.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    from: u32,
    to: Option<u32>,
    text: String,
}

pub(crate) async fn say(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(said): Body<Said>,
) -> Answer {
    let message_id = sim.world().entropy.id();
    with(&sim, &number, |meeting| found(meeting.say(said.from, said.to, &said.text, &message_id)))
}

fn found(found: bool) -> Result<(), ControlError> {
    if found { Ok(()) } else { Err(ControlError::Unknown("participant in the meeting")) }
}
