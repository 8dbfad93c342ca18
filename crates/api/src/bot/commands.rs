//! The contract's errors for a command that a bot cannot execute.

use crate::{error::ApiError, request_code::RequestCode};

pub(super) fn ended() -> ApiError {
    ApiError::refused(RequestCode::CannotCommandCompletedBot, "This bot has ended.")
}

pub(super) fn not_started() -> ApiError {
    ApiError::refused(RequestCode::CannotCommandUnstartedBot, "This bot is not in a call yet.")
}
