//! `/api/v1/bot/`: Recall's contract for bots.

pub(crate) mod cancel;
pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod delete_media;
pub(crate) mod download;
pub(crate) mod evidence;
pub(crate) mod leave_call;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod meeting_events;
pub(crate) mod output_video;
pub(crate) mod realtime_endpoints;
pub(crate) mod recording;
pub(crate) mod retrieve;
pub(crate) mod screenshots;
pub(crate) mod send_chat_message;

mod bot_fields;
mod chat;
mod commands;
mod contract;
mod field_types;
mod leave_conditions;
mod picture;
mod recordings;
mod representation;
mod sign_in;
mod signed_address;

use bots::OpenedBot;
use model::{BotId, WorkspaceId};

use crate::{State, error::ApiError};

pub(crate) use contract::paths as fields_of_a_bot;
pub(crate) use representation::Bot;

/// A bot of the workspace. A bot of another workspace gets the same answer as an unknown one.
async fn find(state: &State, workspace: WorkspaceId, id: BotId) -> Result<OpenedBot, ApiError> {
    state.bots.reader.find(workspace, id).await?.ok_or(ApiError::NotFound)
}
