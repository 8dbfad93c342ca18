//! The parameters of a join.

use model::Secret;
use serde_json::{Value, json};

/// The parameters of a join.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// The SDK signature, created for this attempt.
    pub signature: Secret,
    /// The meeting number, digits only.
    pub meeting_number: String,
    /// The passcode as in the link; may be empty.
    pub passcode: Secret,
    /// The name that the other participants see.
    pub bot_name: String,
    /// The e-mail address, for webinars and meetings that require one.
    pub user_email: Option<String>,
    /// The token that signs in the bot.
    pub token: Option<JoinToken>,
    /// Zoom's local-recording join token, which lets the bot record without asking the host.
    pub recording: Option<Secret>,
    /// A registrant's `tk`, for meetings that require registration.
    pub registration: Option<Secret>,
}

/// A token that signs in the bot. The SDK accepts at most one.
#[derive(Debug, Clone)]
pub enum JoinToken {
    /// The Zoom access key (ZAK) of a user.
    Zak(Secret),
    /// An on-behalf-of (OBF) token of a participant of the meeting.
    Obf(Secret),
}

impl JoinRequest {
    /// The argument of the SDK's `join`. Only this function in the crate exposes secrets.
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
