//! The parameters of a join.

use model::Secret;
use serde_json::{Value, json};

/// Everything a join needs.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// The SDK signature, made for this attempt.
    pub signature: Secret,
    /// Digits only.
    pub meeting_number: String,
    /// As in the link; may be empty.
    pub passcode: Secret,
    /// Shown to the other participants.
    pub bot_name: String,
    /// For webinars and meetings that ask for it.
    pub user_email: Option<String>,
    /// Signs the bot in.
    pub token: Option<JoinToken>,
    /// Allows the bot to record without asking (Zoom's local-recording join token).
    pub recording: Option<Secret>,
    /// A registrant's `tk`.
    pub registration: Option<Secret>,
}

/// A token that signs the bot in. The SDK takes at most one.
#[derive(Debug, Clone)]
pub enum JoinToken {
    /// A Zoom user's access key.
    Zak(Secret),
    /// On behalf of a participant of the meeting.
    Obf(Secret),
}

impl JoinRequest {
    /// The argument of the SDK's `join`: the only place in this crate that exposes a secret.
    pub(crate) fn for_page(&self) -> Value {
        let mut page = json!({
            "signature": self.signature.expose(),
            "meetingNumber": self.meeting_number,
            "password": self.passcode.expose(),
            "userName": self.bot_name,
            "userEmail": self.user_email.as_deref().unwrap_or_default(),
        });
        match &self.token {
            Some(JoinToken::Zak(token)) => page["zak"] = token.expose().into(),
            Some(JoinToken::Obf(token)) => page["obfToken"] = token.expose().into(),
            None => {}
        }
        if let Some(recording) = &self.recording {
            page["recordingToken"] = recording.expose().into();
        }
        if let Some(registration) = &self.registration {
            page["tk"] = registration.expose().into();
        }
        page
    }
}
