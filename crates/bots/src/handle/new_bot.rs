//! A bot to create, and the reasons to refuse it.

use std::collections::BTreeMap;

use model::{Failure, Timestamp};
use store::StoreError;

use crate::{
    picture::{GivenPicture, NotAPicture},
    request::BotRequest,
    servers::NoFreeSlot,
};

/// A bot to create.
#[derive(Debug, Clone)]
pub struct NewBot {
    /// The request.
    pub request: BotRequest,
    /// When the bot joins; `None` means at once.
    pub join_at: Option<Timestamp>,
    /// The caller's own labels.
    pub metadata: BTreeMap<String, String>,
    /// The picture that the bot shows as soon as it is in the meeting.
    pub picture: Option<GivenPicture>,
}

/// Why a bot was not created.
#[derive(Debug)]
pub enum NotCreated {
    /// A field of [`ZoomOptions`](crate::ZoomOptions) is invalid: its name and the reason.
    Zoom(&'static str, String),
    /// The personal link can't be resolved to a meeting: the reason.
    Meeting(String),
    /// The picture is invalid.
    Picture(NotAPicture),
    /// No server has a free slot for the bot.
    NoFreeSlot(NoFreeSlot),
    /// A call failed, or a limit is reached.
    Failed(Failure),
}

impl From<Failure> for NotCreated {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for NotCreated {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
