//! The accepted request for a bot. The whole request is stored sealed, because links and URLs contain secrets.
//!
//! Fields that have an effect are typed: `zoom`, `automatic_leave`, and the parsed fields of [`ContractObjects`].

mod automatic_leave;
mod contract_objects;
mod greetings;
mod realtime;
mod recording_config;
mod zoom_options;

use std::fmt;

use model::{BotId, Code, Failure, Sealed, Secret, WorkspaceId};
use serde::{Deserialize, Serialize};
use tenants::{Cell, Vault};

pub use automatic_leave::{
    AutomaticLeave, BotDetection, BotsByEvents, BotsByNames, EveryoneLeft, SilenceDetection,
};
pub use contract_objects::ContractObjects;
pub use greetings::{Greeting, Greetings, ParticipantGreeting};
pub use realtime::{EndpointConfig, EndpointKind, REALTIME_EVENTS};
pub use recording_config::RecordingConfig;
pub use zoom_options::ZoomOptions;

/// An accepted request: validated, defaults filled in.
#[derive(Clone, Serialize, Deserialize)]
pub struct BotRequest {
    /// The meeting's link, as it was given.
    pub meeting_url: String,
    /// The bot's name in the meeting.
    pub bot_name: String,
    /// How the bot signs in.
    pub zoom: ZoomOptions,
    /// When the bot leaves by itself.
    pub automatic_leave: AutomaticLeave,
    /// Other objects of Recall's API.
    #[serde(flatten)]
    pub objects: ContractObjects,
    /// The names of given fields without effect here, such as `recording_config.video_mixed_mp4`.
    #[serde(default)]
    pub ignored: Vec<String>,
}

impl BotRequest {
    /// The size of the stored request in bytes, before encryption.
    pub(crate) fn stored_bytes(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX, |text| text.len())
    }

    /// Encrypts the request for the bot's row.
    pub fn seal(&self, vault: &Vault, workspace: WorkspaceId, bot: BotId) -> Sealed {
        let text = serde_json::to_string(self).expect("every key is a string");
        vault.seal(workspace, Cell::BotRequest(bot), &Secret::new(text))
    }

    /// Decrypts and parses a stored request.
    pub fn open(vault: &Vault, workspace: WorkspaceId, bot: BotId, sealed: &Sealed) -> Result<Self, Failure> {
        let text = vault.open(workspace, Cell::BotRequest(bot), sealed)?;
        serde_json::from_str(text.expose()).map_err(|_| {
            Failure::new(Code::Internal, format!("the stored request of bot {bot} could not be parsed"))
        })
    }
}

impl fmt::Debug for BotRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotRequest").field("bot_name", &self.bot_name).finish_non_exhaustive()
    }
}
