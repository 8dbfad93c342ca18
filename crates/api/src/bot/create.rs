//! `POST /api/v1/bot/`: a new bot, now or at its time.

use std::collections::BTreeMap;

use axum::{Json, extract::State as Extract, http::StatusCode};
use bots::{AutomaticLeave, BotRequest, EveryoneLeft, NewBot, NotCreated};
use serde_json::{Map, Value, json};
use zoom::MeetingLink;

use super::{representation, sign_in};
use crate::{
    State,
    body::Body,
    caller::{Bots, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
};

/// Objects of the contract without effect here: they are echoed. What the contract does not know is passed over.
const ECHOED: [&str; 9] = [
    "automatic_audio_output",
    "automatic_video_output",
    "breakout_room",
    "chat",
    "google_meet",
    "output_media",
    "recording_config",
    "variant",
    "webex",
];
const MOST_LABELS: usize = 50;
/// Fields that are read. There is `zoom`, too, and what is echoed.
const READ: [&str; 5] = ["meeting_url", "bot_name", "join_at", "automatic_leave", "metadata"];

pub(crate) async fn handler(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let new = read(&state, Fields::of(&body))?;
    let bot = state.bots.create(caller.workspace, new).await?;
    Ok((StatusCode::CREATED, Json(representation::of(&state, &bot, caller.scopes)?)))
}

impl From<NotCreated> for ApiError {
    fn from(not_created: NotCreated) -> Self {
        match not_created {
            NotCreated::Zoom(field, words) => {
                let complaint = json!({ field: [words] });
                FieldErrors(Map::from_iter([("zoom".into(), complaint)])).into()
            }
            NotCreated::NobodyRunsBots(nobody) => Self::NobodyRunsBots(nobody.to_string()),
            NotCreated::Failed(failure) => failure.into(),
        }
    }
}

fn read(state: &State, mut fields: Fields<'_>) -> Result<NewBot, FieldErrors> {
    let meeting_url = fields.text("meeting_url", 2000);
    let meeting_url = fields.required("meeting_url", meeting_url);
    if let Some(Err(error)) = meeting_url.map(MeetingLink::parse) {
        fields.complain("meeting_url", error.to_string());
    }
    let bot_name = fields.text("bot_name", 100).unwrap_or("Meeting Notetaker").to_owned();
    let join_at = fields.time("join_at");
    let automatic_leave = fields.object("automatic_leave", automatic_leave).unwrap_or_default();
    let zoom = fields.object("zoom", |fields| sign_in::read(state, fields)).unwrap_or_default();
    let metadata = fields.object("metadata", metadata).unwrap_or_default();
    sign_in::misplaced(&mut fields, |name| READ.contains(&name) || ECHOED.contains(&name));
    let echoed = echoed(&mut fields);
    let new = meeting_url.map(|meeting_url| NewBot {
        request: BotRequest { meeting_url: meeting_url.to_owned(), bot_name, zoom, automatic_leave, echoed },
        join_at,
        metadata,
    });
    fields.finish(new)
}

fn automatic_leave(fields: &mut Fields<'_>) -> AutomaticLeave {
    let usual = AutomaticLeave::default();
    AutomaticLeave {
        waiting_room_timeout: fields
            .seconds("waiting_room_timeout", 30)
            .unwrap_or(usual.waiting_room_timeout),
        noone_joined_timeout: fields
            .seconds("noone_joined_timeout", 30)
            .unwrap_or(usual.noone_joined_timeout),
        everyone_left_timeout: everyone_left(fields).unwrap_or(usual.everyone_left_timeout),
        in_call_not_recording_timeout: fields
            .seconds("in_call_not_recording_timeout", 1)
            .unwrap_or(usual.in_call_not_recording_timeout),
        echoed: fields.others(&[
            "waiting_room_timeout",
            "noone_joined_timeout",
            "everyone_left_timeout",
            "in_call_not_recording_timeout",
        ]),
    }
}

/// An object, or the bare number of older clients.
fn everyone_left(fields: &mut Fields<'_>) -> Option<EveryoneLeft> {
    const FIELD: &str = "everyone_left_timeout";
    if !fields.anything(FIELD)?.is_object() {
        return fields.seconds(FIELD, 1).map(|timeout| EveryoneLeft { timeout, activate_after: None });
    }
    fields.object(FIELD, |inner| EveryoneLeft {
        timeout: inner.seconds("timeout", 1).unwrap_or(2),
        activate_after: inner.seconds("activate_after", 1),
    })
}

fn metadata(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let names = fields.others(&[]);
    if names.len() > MOST_LABELS {
        fields.complain("metadata", format!("There must not be more than {MOST_LABELS} labels."));
    }
    let mut labels = BTreeMap::new();
    for (name, value) in names {
        match value.as_str() {
            _ if name.chars().count() > 100 || name.contains('\0') => {
                fields.complain(&name, "A label's name has at most 100 characters, and no U+0000.");
            }
            Some(text) if text.chars().count() <= 500 && !text.contains('\0') => {
                labels.insert(name, text.to_owned());
            }
            _ => fields.complain(&name, "A label's value is text of at most 500 characters."),
        }
    }
    labels
}

/// Every `web…` variant is a browser bot here; there is no other kind.
fn variant(fields: &mut Fields<'_>) {
    if fields.text("zoom", 50).is_some_and(|variant| !variant.starts_with("web")) {
        fields.complain("zoom", "Only web variants run here.");
    }
}

fn echoed(fields: &mut Fields<'_>) -> Map<String, Value> {
    let mut echoed = Map::new();
    for name in ECHOED {
        let read: fn(&mut Fields<'_>) = if name == "variant" { variant } else { |_| () };
        if fields.object(name, read).is_some()
            && let Some(value) = fields.anything(name)
        {
            echoed.insert(name.to_owned(), without_images(value));
        }
    }
    echoed
}

/// Images are written and never read back, and nothing here shows them.
fn without_images(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.iter().filter(|(name, _)| *name != "b64_data");
            kept.map(|(name, value)| (name.clone(), without_images(value))).collect()
        }
        Value::Array(values) => values.iter().map(without_images).collect(),
        value => value.clone(),
    }
}
