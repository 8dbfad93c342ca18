//! A bot to create, and why it is not created.

use std::collections::BTreeMap;

use model::{Failure, Timestamp};
use store::StoreError;

use crate::{
    picture::{GivenPicture, NotAPicture},
    request::BotRequest,
    servers::NoFreeBot,
};

/// A bot to create.
#[derive(Debug, Clone)]
pub struct NewBot {
    /// The request.
    pub request: BotRequest,
    /// When it joins; `None` means at once.
    pub join_at: Option<Timestamp>,
    /// The caller's own labels.
    pub metadata: BTreeMap<String, String>,
    /// What it shows as soon as it is in.
    pub picture: Option<GivenPicture>,
}

/// Why a bot was not created.
#[derive(Debug)]
pub enum NotCreated {
    /// A field of [`ZoomOptions`](crate::ZoomOptions) is wrong: its name and the reason.
    Zoom(&'static str, String),
    /// The link leads to no meeting that is known here: why.
    Meeting(String),
    /// The picture cannot be shown.
    Picture(NotAPicture),
    /// No server has a place for it.
    NoFreeBot(NoFreeBot),
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
