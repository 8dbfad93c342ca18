//! Typed ids, in one registry, so that a bot's id cannot be passed where a credential's belongs.

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
            /// A new id (UUID version 7): sortable by the time it was made.
            pub fn generate(env: &Environment) -> Self {
                Self::generate_at(env.now(), env)
            }

            /// The same for a time that was looked up already.
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
    /// A tenant: everything but the server itself belongs to one.
    WorkspaceId;
    /// A key of the API.
    ApiKeyId;
    /// A Zoom OAuth app (client id and secret) registered here.
    ZoomOauthAppId;
    /// One Zoom user's grant to one app: an account connected here.
    CredentialId;
    /// One invitation to connect an account, from link to callback.
    ConsentId;
    /// A consent that nobody here had asked for, until the operator has decided.
    ParkedConsentId;
    /// A line of an account's or an app's log, and the event that goes with it.
    LogLineId;
    /// A pool: accounts behind one name.
    PoolId;
    /// A seat of a pool while a bot holds it.
    SeatId;
    /// A token link: the public half of its address.
    TokenLinkId;
    /// A row of ids that were used.
    UsedIdsId;
    /// A request that is to be done once: which caller, path and idempotency key.
    IdempotentRequestId;
    /// A bot.
    BotId;
    /// A screenshot of a bot's page.
    ScreenshotId;
    /// A line of the audit.
    AuditId;
    /// Random proof that a lease is still held by its taker.
    LeaseToken;
}

impl ScreenshotId {
    /// When it was made, as the id says; the beginning of all time where it says nothing.
    pub fn made_at(&self) -> Timestamp {
        let seconds = self.0.get_timestamp().map_or(0, |at| at.to_unix().0);
        Timestamp::from_second(i64::try_from(seconds).unwrap_or(0))
    }
}

impl IdempotentRequestId {
    /// The id of what has this hash (UUID version 8).
    pub fn of_hash(hash: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(hash).into_uuid())
    }
}
