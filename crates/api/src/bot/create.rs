//! `POST /api/v1/bot/`: creates a bot, which joins immediately or at its join time.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use bots::NotCreated;
use serde_json::{Map, json};

use super::{
    Bot,
    bot_fields::{self, CreateBot, Strictness},
    representation,
};
use crate::{
    State,
    body::Body,
    caller::{Bots, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    openapi::errors,
};

errors! {
    CreateBotErrors: ApiError::NoFreeSlot("no server of this installation runs bots".to_owned()),
}

/// Create a bot
///
/// It joins immediately, or at `join_at`. A bot with sign-in fields never joins as a guest.
#[utoipa::path(
    post,
    path = "/api/v1/bot/",
    tag = "bots",
    operation_id = "bot_create",
    security(("tokenAuth" = ["bots"])),
    params(Strictness),
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
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Result<(StatusCode, Json<Bot>), ApiError> {
    let strict = bot_fields::is_strict(&state, caller.workspace, query.as_deref()).await?;
    let new =
        bot_fields::create(Fields::of(&body).with_callbacks(&state), strict, state.kept.meeting_events)?;
    let bot = state.bots.creator.create(caller.workspace, new).await?;
    Ok((StatusCode::CREATED, Json(representation::of(&state, bot, caller.scopes).await?)))
}

impl From<NotCreated> for ApiError {
    fn from(not_created: NotCreated) -> Self {
        match not_created {
            NotCreated::Zoom(field, words) => {
                let complaint = json!({ field: [words] });
                FieldErrors(Map::from_iter([("zoom".into(), complaint)])).into()
            }
            NotCreated::Meeting(words) => FieldErrors::one("meeting_url", words).into(),
            NotCreated::Picture(wrong) => {
                FieldErrors::one("automatic_video_output", wrong.to_string()).into()
            }
            NotCreated::NoFreeSlot(why) => Self::NoFreeSlot(why.to_string()),
            NotCreated::Failed(failure) => failure.into(),
        }
    }
}
