//! `POST /api/v1/bot/`: a new bot, at once or at its join time.

use axum::{Json, extract::State as Extract, http::StatusCode};
use bots::{BotRequest, NewBot, NotCreated};
use model::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Bot,
    fields::{Conditions, Labels, MeetingUrl, Variant},
    representation,
    sign_in::{self, SignIn},
};
use crate::{
    State,
    body::Body,
    caller::{Bots, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    openapi::errors,
    request::{AnyObject, Request as _, Text, request},
};

request! {
    /// A new bot. Fields of the contract without effect here are echoed. Unknown fields are ignored, unless
    /// they look like a misspelt field of `zoom`.
    open struct CreateBot {
        /// The meeting's link: the passcode in `pwd`, a registration in `tk`.
        meeting_url: MeetingUrl,
        /// The name in the meeting. Default: `Meeting Notetaker`.
        bot_name: Option<Text<100>>,
        /// When the bot joins; at once if absent. More than ten minutes ahead, the bot is scheduled.
        join_at: Option<Timestamp>,
        /// When it leaves by itself.
        automatic_leave: Option<Conditions>,
        /// How it signs in.
        zoom: Option<SignIn>,
        /// Labels; answers repeat them and lists can be filtered by them.
        metadata: Option<Labels>,
        /// Accepted for compatibility: every `web…` variant is the same here, and others don't exist.
        variant: Option<Variant>,
        /// Without effect here.
        automatic_audio_output: Option<AnyObject>,
        /// Without effect here.
        automatic_video_output: Option<AnyObject>,
        /// Without effect here.
        breakout_room: Option<AnyObject>,
        /// Without effect here.
        chat: Option<AnyObject>,
        /// Without effect here.
        google_meet: Option<AnyObject>,
        /// Without effect here.
        output_media: Option<AnyObject>,
        /// Without effect here.
        recording_config: Option<AnyObject>,
        /// Without effect here.
        webex: Option<AnyObject>,
    }
}

errors! {
    CreateBotErrors: ApiError::NobodyRunsBots("no server of this installation runs bots".to_owned()),
}

/// Create a bot
///
/// It joins at once, or at `join_at`. A bot that is told to sign in never joins as a guest.
#[utoipa::path(
    post,
    path = "/api/v1/bot/",
    tag = "bots",
    operation_id = "bot_create",
    security(("tokenAuth" = ["bots"])),
    request_body(
        content = CreateBot,
        examples(
            ("guest" = (value = json!({ "meeting_url": "https://zoom.us/j/98765432101?pwd=passcode" }))),
            ("signed in with an account" = (value = json!({
                "meeting_url": "https://zoom.us/j/98765432101?pwd=passcode",
                "bot_name": "Notes",
                "join_at": "2031-01-31T12:00:00Z",
                "zoom": { "credential": "01a22731-1935-7000-8000-000000000001" },
                "automatic_leave": { "waiting_room_timeout": 600, "everyone_left_timeout": { "timeout": 5 } },
                "metadata": { "customer": "42" },
            }))),
            ("signed in with a token that your server gives" = (value = json!({
                "meeting_url": "https://zoom.us/j/98765432101",
                "zoom": { "zak_url": "https://example.com/zak?bot=7", "user_email": "notes@example.com" },
            }))),
        ),
    ),
    responses((status = 201, description = "The bot.", body = Bot), CreateBotErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Bot>), ApiError> {
    let new = read(Fields::of(&body).with_callbacks(&state))?;
    let bot = state.bots.create(caller.workspace, new).await?;
    Ok((StatusCode::CREATED, Json(representation::of(bot, caller.scopes))))
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

fn read(mut fields: Fields<'_>) -> Result<NewBot, FieldErrors> {
    let asked = CreateBot::read(&mut fields);
    sign_in::misplaced(&mut fields, CreateBot::FIELDS);
    let mut asked = fields.finish(asked)?;
    let echoed = asked.echoed();
    Ok(NewBot {
        request: BotRequest {
            meeting_url: asked.meeting_url.0,
            bot_name: asked.bot_name.map_or_else(|| "Meeting Notetaker".to_owned(), |name| name.0),
            zoom: asked.zoom.map(|zoom| zoom.0).unwrap_or_default(),
            automatic_leave: asked.automatic_leave.map(|conditions| conditions.0).unwrap_or_default(),
            echoed,
        },
        join_at: asked.join_at,
        metadata: asked.metadata.map(|labels| labels.0).unwrap_or_default(),
    })
}

impl CreateBot {
    /// The fields without effect here, without images: images would be stored and never shown.
    fn echoed(&mut self) -> Map<String, Value> {
        let variant = self.variant.take().map(|variant| AnyObject(variant.0));
        let echoed = [
            ("automatic_audio_output", self.automatic_audio_output.take()),
            ("automatic_video_output", self.automatic_video_output.take()),
            ("breakout_room", self.breakout_room.take()),
            ("chat", self.chat.take()),
            ("google_meet", self.google_meet.take()),
            ("output_media", self.output_media.take()),
            ("recording_config", self.recording_config.take()),
            ("variant", variant),
            ("webex", self.webex.take()),
        ];
        let given = echoed.into_iter().filter_map(|(name, value)| Some((name, value?.0)));
        given.map(|(name, value)| (name.to_owned(), without_images(&Value::Object(value)))).collect()
    }
}

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
