//! The accepted request for a bot. It is sealed as a whole, because links and URLs contain secrets.
//!
//! What has an effect is typed: `zoom`, `automatic_leave`, and in [`ContractObjects`] what objects of the contract ask for.

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
    /// The meeting's link, as given.
    pub meeting_url: String,
    /// The name in the meeting.
    pub bot_name: String,
    /// How it signs in.
    pub zoom: ZoomOptions,
    /// When it leaves by itself.
    pub automatic_leave: AutomaticLeave,
    /// Other objects of the contract.
    #[serde(flatten)]
    pub objects: ContractObjects,
    /// The names of given fields without effect here, such as `recording_config.video_mixed_mp4`.
    #[serde(default)]
    pub ignored: Vec<String>,
}

impl BotRequest {
    /// How many bytes the row takes, before encryption.
    pub(crate) fn stored_bytes(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX, |text| text.len())
    }

    /// Encrypts it for the bot's row.
    pub fn seal(&self, vault: &Vault, workspace: WorkspaceId, bot: BotId) -> Sealed {
        let text = serde_json::to_string(self).expect("text keys");
        vault.seal(workspace, Cell::BotRequest(bot), &Secret::new(text))
    }

    /// Reads it back.
    pub fn open(vault: &Vault, workspace: WorkspaceId, bot: BotId, sealed: &Sealed) -> Result<Self, Failure> {
        let text = vault.open(workspace, Cell::BotRequest(bot), sealed)?;
        serde_json::from_str(text.expose())
            .map_err(|_| Failure::new(Code::Internal, format!("the request of bot {bot} is not readable")))
    }
}

impl fmt::Debug for BotRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotRequest").field("bot_name", &self.bot_name).finish_non_exhaustive()
    }
}
