//! Chat messages of a bot, as a caller sends them and as they are stored.

use browser::ChatTo;
use model::{ChatMessageId, Code, Failure, Sealed, Secret, WorkspaceId};
use serde::{Deserialize, Serialize};
use store::ChatMessage;
use tenants::{Cell, Vault};

/// The longest message, in characters.
pub const MAX_MESSAGE_LEN: usize = 4096;

/// The receiver of a message, named as in Recall's API; a number is a participant's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// All participants, in one public message.
    Everyone,
    /// Only the host.
    Host,
    /// All participants except the host, each in a private message.
    EveryoneExceptHost,
    /// Only this participant.
    Participant(u32),
}

impl From<Receiver> for ChatTo {
    fn from(receiver: Receiver) -> Self {
        match receiver {
            Receiver::Everyone => Self::Everyone,
            Receiver::Host => Self::Host,
            Receiver::EveryoneExceptHost => Self::EveryoneExceptHost,
            Receiver::Participant(id) => Self::Participant(id),
        }
    }
}

/// The content of a message's row, which stores it sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedMessage {
    /// The text.
    pub text: String,
    /// The receiver.
    pub to: Receiver,
}

impl QueuedMessage {
    pub(crate) fn seal(&self, vault: &Vault, workspace: WorkspaceId, id: ChatMessageId) -> Sealed {
        let text = serde_json::to_string(self).expect("every key is a string");
        vault.seal(workspace, Cell::ChatMessage(id), &Secret::new(text))
    }

    pub(crate) fn open(vault: &Vault, workspace: WorkspaceId, row: &ChatMessage) -> Result<Self, Failure> {
        let text = vault.open(workspace, Cell::ChatMessage(row.id), &row.message)?;
        serde_json::from_str(text.expose())
            .map_err(|_| Failure::new(Code::Internal, "the stored chat message could not be parsed"))
    }
}
