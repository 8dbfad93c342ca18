//! `/_sim/meetings/{number}/participants`: participants of a meeting.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::{Body, ControlError, patched};
use super::meetings::with;
use crate::gate::activity::{Activity, Impossible, is_name};
use crate::gate::without_socket::{Newcomer, seat_without_socket};
use crate::ids::{MeetingNumber, UserId};
use crate::state::SharedSim;

type Answer = Result<Json<Value>, ControlError>;

/// A participant without a socket.
#[derive(Deserialize)]
pub(crate) struct Extra {
    name: String,
    /// The signed-in user: the participant has their picture and can vouch for bots.
    user_id: Option<UserId>,
    #[serde(default)]
    host: bool,
    /// The participant's `userGUID`. Use the same one for a participant who rejoins.
    guid: Option<String>,
    /// [`Activity`]: audio, muted, video_on, sharing and so on.
    #[serde(flatten)]
    activity: Map<String, Value>,
}

/// Adds a participant without a socket to the meeting (ours): company for bots.
pub(crate) async fn seat(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(extra): Body<Extra>,
) -> Answer {
    let activity = patched(&Activity::default(), Value::Object(extra.activity))?;
    let newcomer = Newcomer { name: extra.name, user_id: extra.user_id, host: extra.host, guid: extra.guid };
    let at = sim.now();
    let id =
        seat_without_socket(&mut sim.world(), &number, newcomer, at).map_err(|reason| impossible(&reason))?;
    with(&sim, &number, |meeting| {
        meeting.change_activity(id, activity).map_err(|reason| {
            meeting.leave(id);
            impossible(&reason)
        })
    })
}

/// Changes of a participant: the name, the host's role, and any field of [`Activity`].
#[derive(Deserialize)]
pub(crate) struct Changes {
    name: Option<String>,
    host: Option<bool>,
    #[serde(flatten)]
    activity: Map<String, Value>,
}

pub(crate) async fn change(
    State(sim): State<SharedSim>,
    Path((number, id)): Path<(MeetingNumber, u32)>,
    Body(changes): Body<Changes>,
) -> Answer {
    with(&sim, &number, |meeting| {
        let person = meeting.participant(id).ok_or(ControlError::Unknown("participant in the meeting"))?;
        let activity = patched(&person.activity, Value::Object(changes.activity))?;
        if changes.host == Some(false) {
            let message =
                "host cannot be taken away; give it to another participant with host: true".to_owned();
            return Err(ControlError::Bad(message));
        }
        if changes.name.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(impossible(&Impossible::Name));
        }
        meeting.change_activity(id, activity).map_err(|reason| impossible(&reason))?;
        if let Some(name) = &changes.name {
            meeting.rename(id, name).map_err(|reason| impossible(&reason))?;
        }
        if changes.host == Some(true) {
            meeting.make_host(id);
        }
        Ok(())
    })
}

/// Makes a participant without a socket leave, as if by their own choice.
pub(crate) async fn leave(
    State(sim): State<SharedSim>,
    Path((number, id)): Path<(MeetingNumber, u32)>,
) -> Answer {
    with(&sim, &number, |meeting| {
        let person = meeting.participant(id).ok_or(ControlError::Unknown("participant in the meeting"))?;
        if person.line.is_some() {
            let message =
                "this participant has a socket: it leaves by itself, or the host removes it".to_owned();
            return Err(ControlError::Bad(message));
        }
        meeting.leave(id);
        Ok(())
    })
}

/// Admits a participant from the waiting room.
pub(crate) async fn admit(
    State(sim): State<SharedSim>,
    Path((number, id)): Path<(MeetingNumber, u32)>,
) -> Answer {
    with(&sim, &number, |meeting| found(meeting.set_hold(id, false)))
}

/// Moves a participant into the waiting room.
pub(crate) async fn hold(
    State(sim): State<SharedSim>,
    Path((number, id)): Path<(MeetingNumber, u32)>,
) -> Answer {
    with(&sim, &number, |meeting| found(meeting.set_hold(id, true)))
}

/// Removes a participant: 7939 with reason 7, then the socket closes. A signed-in user cannot rejoin.
pub(crate) async fn remove(
    State(sim): State<SharedSim>,
    Path((number, id)): Path<(MeetingNumber, u32)>,
) -> Answer {
    with(&sim, &number, |meeting| found(meeting.remove(id)))
}

pub(super) fn bad(reason: &impl ToString) -> ControlError {
    ControlError::Bad(reason.to_string())
}

fn impossible(reason: &Impossible) -> ControlError {
    match reason {
        Impossible::NoSuchMeeting => ControlError::Unknown("meeting"),
        Impossible::NoSuchUser => ControlError::Unknown("user"),
        Impossible::NoSuchParticipant => ControlError::Unknown("participant in the meeting"),
        reason => bad(reason),
    }
}

fn found(found: bool) -> Result<(), ControlError> {
    if found { Ok(()) } else { Err(ControlError::Unknown("participant in the meeting")) }
}
