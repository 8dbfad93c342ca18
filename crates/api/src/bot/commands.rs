//! What the contract answers to a command that a bot can't follow.

use crate::error::ApiError;

pub(super) fn ended() -> ApiError {
    ApiError::command("cannot_command_completed_bot", "This bot has ended.")
}

pub(super) fn not_started() -> ApiError {
    ApiError::command("cannot_command_unstarted_bot", "This bot is not in a call yet.")
}
