//! The vocabulary of the domain: ids, time, secrets, states, sub codes and the error catalogue.
//!
//! This crate reads no socket, file or database. Time and randomness are arguments everywhere in Latchkey:
//! they come from an [`Environment`], and only the binary builds one from the system's.

mod account_user;
mod api_scope;
mod audit;
mod bot;
mod chain;
mod credential;
mod entropy;
mod event;
mod failure;
mod health;
mod ids;
mod kill_point;
mod meeting;
mod meeting_event;
mod nearest;
mod panicking_clock;
mod pasted;
mod schema;
mod secret;
mod sub_code_remedy;
mod time;

pub use account_user::{AccountUser, NotAUser};
pub use api_scope::{ApiScope, ApiScopes};
pub use audit::{AuditActor, InvalidPlatformBotId, Outcome, PlatformBot, Purpose, Source, TokenContext};
pub use bot::{BotStatus, StatusChange, SubCode};
pub use chain::{Chain, chain};
pub use credential::{CredentialKind, CredentialStatus, DisconnectCause, ReauthCause, TokenKind};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use event::{
    DeliveryState, EndpointKind, EndpointState, RealtimeState, TOKEN_LINK_REFUSED, WEBHOOK_ENDPOINT_DISABLED,
    WEBHOOK_ENDPOINT_TEST, account_event_type, bot_event_type, realtime_event_type,
};
pub use failure::{Class, Code, Failure};
pub use health::{Finding, Health, Problem, Severity};
pub use ids::{
    ApiKeyId, ArtifactId, AuditId, BotId, BotLogEntryId, ChatMessageId, ConnectLinkId, CredentialId, EventId,
    IdempotentRequestId, LeaseToken, LogLineId, MeetingEventsId, ParkedConsentId, PoolId, RealtimeEndpointId,
    RecordingId, ScreenshotId, SeatId, TokenLinkId, UsedIdsId, WebhookEndpointId, WorkspaceId,
    ZoomOauthAppId,
};
pub use kill_point::KillPoint;
pub use meeting::{MeetingNumber, MeetingSyncStatus, NotAMeetingNumber};
pub use meeting_event::{
    Audio, Captions, ChatReceiver, MeetingEvent, MeetingEventKind, Participant, RecordingState, language_code,
};
pub use nearest::nearest;
pub use panicking_clock::PanickingClock;
pub use pasted::{NotOneWord, pasted, pasted_password};
pub use secret::{Sealed, Secret};
pub use sub_code_remedy::{Actor, sub_codes_page, wrapped};
pub use time::{CLOCK_TOLERANCE, Clock, ManualClock, Sleep, SystemClock, Timestamp};

use std::sync::Arc;

/// Time and randomness. Clones are cheap; all components of a process (or of a test) share one.
#[derive(Clone)]
pub struct Environment {
    /// The time, and waiting.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes; seeded in tests.
    pub entropy: Arc<dyn Entropy>,
}

impl Environment {
    /// The real clock and the operating system's randomness.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").field("now", &self.now()).finish_non_exhaustive()
    }
}
