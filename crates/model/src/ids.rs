//! Typed ids, in one registry, so that a bot's id can't be used as a credential's.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Environment, Timestamp};

macro_rules! ids {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub(crate) Uuid);

        impl $name {
            /// A new id (UUID version 7), sortable by its time.
            pub fn generate(env: &Environment) -> Self {
                Self::generate_at(env.now(), env)
            }

            /// The same, with a time that is already known.
            pub fn generate_at(now: Timestamp, env: &Environment) -> Self {
                let millis = u64::try_from(now.as_microsecond() / 1000).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &env.entropy.bytes()).into_uuid())
            }
        }

        impl $name {
            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::schema::text(concat!($($doc),*), Some("uuid"), &[])
            }
        }

        impl utoipa::ToSchema for $name {}

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A tenant: everything except the server itself belongs to one.
    WorkspaceId;
    /// An API key.
    ApiKeyId;
    /// A Zoom OAuth app (client id and secret) registered here.
    ZoomOauthAppId;
    /// One Zoom user's grant to one app: a connected account.
    CredentialId;
    /// One invitation to connect an account.
    ConnectLinkId;
    /// A consent that was not started here and waits for the operator.
    ParkedConsentId;
    /// A line of an account's or an app's log, and its event.
    LogLineId;
    /// A pool: a named group of accounts.
    PoolId;
    /// A seat of a pool that a bot has taken.
    SeatId;
    /// A token link: the public half of its URL.
    TokenLinkId;
    /// A row of used ids.
    UsedIdsId;
    /// A request with an idempotency key: identified by caller, path and key.
    IdempotentRequestId;
    /// A bot.
    BotId;
    /// An event. It has the same id wherever and however often it is delivered.
    EventId;
    /// An address to which events are delivered.
    WebhookEndpointId;
    /// A real-time endpoint of a bot.
    RealtimeEndpointId;
    /// A chat message that a bot is to send.
    ChatMessageId;
    /// A screenshot of a bot's page.
    ScreenshotId;
    /// The stored data of a bot's meeting, which Recall's API calls a recording.
    RecordingId;
    /// A part of a recording: the participant events, or the transcript.
    ArtifactId;
    /// A row of events of a bot's meeting.
    MeetingEventsId;
    /// An entry of a bot's log.
    BotLogEntryId;
    /// A line of the audit.
    AuditId;
    /// A random token that proves that its holder still has a lease.
    LeaseToken;
}

impl ScreenshotId {
    /// The time in the id; the earliest possible time if it has none.
    pub fn made_at(&self) -> Timestamp {
        let seconds = self.0.get_timestamp().map_or(0, |at| at.to_unix().0);
        Timestamp::from_second(i64::try_from(seconds).unwrap_or(0))
    }
}

/// The id of an object that belongs to a bot and is in no table (UUID version 8): the bot's id combined with `mark`.
fn derived(bot: BotId, mark: [u8; 16]) -> Uuid {
    let mut bytes = *bot.as_bytes();
    bytes.iter_mut().zip(mark).for_each(|(byte, mark)| *byte ^= mark);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl RecordingId {
    /// The recording of a bot. A bot has one.
    pub fn of_bot(bot: BotId) -> Self {
        Self(derived(bot, *b"latchkey-record\0"))
    }
}

impl ArtifactId {
    /// The participant events of a bot.
    pub fn participant_events(bot: BotId) -> Self {
        Self(derived(bot, *b"latchkey-events\0"))
    }

    /// The transcript of a bot.
    pub fn transcript(bot: BotId) -> Self {
        Self(derived(bot, *b"latchkey-script\0"))
    }
}

impl RealtimeEndpointId {
    /// The real-time endpoint at this place in a bot's request.
    pub fn of_bot(bot: BotId, place: u8) -> Self {
        let mut mark = *b"latchkey-live\0\0\0";
        mark[15] = place;
        Self(derived(bot, mark))
    }
}

impl IdempotentRequestId {
    /// An id derived from this hash (UUID version 8).
    pub fn of_hash(hash: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(hash).into_uuid())
    }
}

impl EventId {
    /// The id of the object with this hash (UUID version 8).
    pub fn of_hash(hash: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(hash).into_uuid())
    }
}

impl From<LogLineId> for EventId {
    /// A log line of a change of state and the event of that change have the same id.
    fn from(line: LogLineId) -> Self {
        Self(line.0)
    }
}
impl LeaseToken {
    /// One token for each row that a claim may lease.
    pub fn generate_many(env: &Environment, count: u32) -> Vec<Self> {
        (0..count).map(|_| Self::generate(env)).collect()
    }
}
