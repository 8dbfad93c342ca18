//! `/_sim/meetings/{number}/chat`, `…/captions`, `…/active-speakers` and `…/recording`.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{Body, ControlError};
use super::meetings::with;
use super::participants::bad;
use crate::gate::activity::Running;
use crate::gate::captions::{NOT_TRANSLATED, NewCaption};
use crate::gate::chat::{ChatMessage, NewMessage};
use crate::ids::MeetingNumber;
use crate::state::SharedSim;

type Answer = Result<Json<Value>, ControlError>;

/// The latest chat messages.
pub(crate) async fn chat(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
) -> Result<Json<Vec<ChatMessage>>, ControlError> {
    let world = sim.world();
    let meeting = world.meetings.get(&number).ok_or(ControlError::Unknown("meeting"))?;
    Ok(Json(meeting.chat.iter().cloned().collect()))
}

/// A chat message from a participant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    from: u32,
    /// Everyone, if absent.
    to: Option<u32>,
    text: String,
}

pub(crate) async fn say(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(said): Body<Said>,
) -> Answer {
    let at_unix_ms = sim.moment().unix_ms;
    let id = sim.world().entropy.id();
    let message = NewMessage { id, from: said.from, to: said.to, text: &said.text, at_unix_ms };
    with(&sim, &number, |meeting| meeting.say(&message).map_err(|reason| bad(&reason)))
}

/// An automatic caption of a participant's speech.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Caption {
    from: u32,
    text: String,
    /// The same for all versions of one caption; generated if absent.
    #[serde(rename = "caption_id")]
    id: Option<String>,
    #[serde(rename = "final", default = "yes")]
    is_final: bool,
    #[serde(default = "not_translated")]
    language: u16,
}

fn yes() -> bool {
    true
}

fn not_translated() -> u16 {
    NOT_TRANSLATED
}

/// Returns the caption's id and the number of participants it was sent to.
pub(crate) async fn caption(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(wanted): Body<Caption>,
) -> Answer {
    let mut world = sim.world();
    let id = wanted.id.unwrap_or_else(|| world.entropy.id());
    if !(1..=64).contains(&id.len()) {
        return Err(ControlError::Bad("caption_id must have 1 to 64 bytes".to_owned()));
    }
    let unasked = world.switches.unasked_captions;
    let Caption { from, text, is_final, language, .. } = wanted;
    let caption = NewCaption { from, id, text: &text, is_final, language };
    let meeting = world.meetings.get_mut(&number).ok_or(ControlError::Unknown("meeting"))?;
    let sent_to = meeting.caption(&caption, unasked).map_err(|reason| bad(&reason))?;
    Ok(Json(json!({"caption_id": caption.id, "sent_to": sent_to})))
}

/// The participants who speak now; an empty list means silence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Speakers {
    participants: Vec<u32>,
}

pub(crate) async fn speak(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(speakers): Body<Speakers>,
) -> Answer {
    with(&sim, &number, |meeting| {
        let ids = &speakers.participants;
        let missing = |id: &&u32| meeting.participant(**id).is_none_or(|person| person.on_hold);
        if let Some(id) = ids.iter().find(missing) {
            return Err(ControlError::Bad(format!(
                "participants: no participant in the meeting has the id {id}"
            )));
        }
        meeting.set_active_speakers(ids);
        Ok(())
    })
}

/// The state of the cloud recording.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    status: Running,
}

pub(crate) async fn record(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Body(recording): Body<Recording>,
) -> Answer {
    with(&sim, &number, |meeting| {
        meeting.record(recording.status);
        Ok(())
    })
}
