//! `POST /api/v1/bot/{id}/send_chat_message/`: a message in the meeting's chat.

use std::borrow::Cow;

use axum::{Json, extract::State as Extract};
use bots::{MAX_MESSAGE_LEN, NotSent, QueuedMessage, Receiver};
use model::BotId;

use super::{
    Bot,
    chat::To,
    commands::{ended, not_started},
    representation,
};
use crate::{
    State,
    body::Body,
    caller::{Bots, Caller},
    error::ApiError,
    fields::Fields,
    openapi::errors,
    path::Path,
    request::{Request as _, Text, request},
    request_code::RequestCode,
};

request! {
    /// A message.
    open struct SendChatMessage {
        /// The receiver: `everyone` (the default), `host`, `everyone_except_host` (a private message to each), or a
        /// participant's id.
        to: Option<To>,
        /// The text.
        message: Text<MAX_MESSAGE_LEN>,
        /// Not supported on Zoom, whose SDK pins a message only for the bot itself: only `false` is accepted.
        pin: Option<bool>,
    }
}

fn refused(words: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::refused(RequestCode::ChatMessageRefused, words)
}

fn unconfirmed(words: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::refused(RequestCode::ChatMessageUnconfirmed, words)
}

errors! {
    SendChatMessageErrors:
        ended(),
        not_started(),
        refused("The host's chat settings do not let the bot write to that receiver."),
        unconfirmed("It was sent to Zoom, which did not confirm it within 5 s."),
}

/// Send a chat message
///
/// Answers when Zoom has received it. `chat_message_refused` means that it was not sent; `chat_message_unconfirmed` that it
/// was sent to Zoom and may have arrived.
#[utoipa::path(
    post,
    path = "/api/v1/bot/{id}/send_chat_message/",
    tag = "bots",
    operation_id = "bot_send_chat_message_create",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    request_body(
        content = SendChatMessage,
        example = json!({ "to": "everyone", "message": "The notes will be at https://example.com/notes/7" }),
    ),
    responses((status = 200, description = "The bot.", body = Bot), SendChatMessageErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
    Body(body): Body,
) -> Result<Json<Bot>, ApiError> {
    // The bot's workspace is checked before the request: an unknown bot is a 404.
    super::find(&state, caller.workspace, id).await?;
    let mut fields = Fields::of(&body);
    let asked = SendChatMessage::read(&mut fields);
    if asked.as_ref().is_some_and(|asked| asked.pin == Some(true)) {
        let words = "Zoom's SDK pins a message only for the bot itself: send it without pin.";
        fields.complain("pin", words);
    }
    let asked = fields.finish(asked)?;
    let to = asked.to.map_or(Receiver::Everyone, |to| to.0);
    let message = QueuedMessage { text: asked.message.0, to };
    let bot = state.bots.commands.send(caller.workspace, id, &message).await?;
    Ok(Json(representation::of(&state, bot, caller.scopes).await?))
}

impl From<NotSent> for ApiError {
    fn from(not_sent: NotSent) -> Self {
        match not_sent {
            NotSent::Unknown => Self::NotFound,
            NotSent::NotStarted => not_started(),
            NotSent::Ended => ended(),
            NotSent::Refused(words) => refused(words),
            NotSent::Unconfirmed(words) => unconfirmed(words),
            NotSent::Failed(failure) => failure.into(),
        }
    }
}
