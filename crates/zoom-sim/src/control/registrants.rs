//! `/_sim/meetings/{number}/registrants`: registrants and panelists.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{Body, ControlError};
use crate::gate::meeting::Meeting;
use crate::gate::registrants::{MAX_REGISTRANTS, Registrant};
use crate::ids::MeetingNumber;
use crate::state::SharedSim;

/// A new registrant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    email: String,
    #[serde(default)]
    name: String,
    /// Whether the registrant is a panelist of a webinar.
    #[serde(default)]
    panelist: bool,
}

pub(crate) async fn add(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ControlError> {
    let mut world = sim.world();
    let tk = world.entropy.secret();
    let meeting = world.meetings.get_mut(&number).ok_or(ControlError::Unknown("meeting"))?;
    if !wanted.email.contains('@') {
        return Err(ControlError::Bad("email must be an e-mail address".to_owned()));
    }
    if meeting.registrants.list().len() >= MAX_REGISTRANTS {
        return Err(ControlError::Bad(format!(
            "a simulated meeting has at most {MAX_REGISTRANTS} registrants"
        )));
    }
    let Wanted { email, name, panelist } = wanted;
    let registrant = Registrant { email, name, panelist, tk };
    let shown = view(meeting, &registrant);
    meeting.registrants.add(registrant);
    Ok((StatusCode::CREATED, Json(shown)))
}

pub(crate) async fn list(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Value>, ControlError> {
    let world = sim.world();
    let meeting = world.meetings.get(&number).ok_or(ControlError::Unknown("meeting"))?;
    Ok(Json(meeting.registrants.list().iter().map(|registrant| view(meeting, registrant)).collect()))
}

/// A registrant with the join link that Zoom would send them.
fn view(meeting: &Meeting, registrant: &Registrant) -> Value {
    let mut shown = json!(registrant);
    shown["join_url"] = json!(meeting.join_url_with(Some(&registrant.tk)));
    shown
}
