//! The types of events in the stream of a workspace.

use std::{fmt, str::FromStr};

use crate::{BotStatus, CredentialStatus};

/// The type of the test event of an endpoint. It is sent whatever the endpoint's event types are.
pub const WEBHOOK_ENDPOINT_TEST: &str = "webhook_endpoint.test";
/// The type of the event that an endpoint was switched off, by a person or because nothing reached it.
pub const WEBHOOK_ENDPOINT_DISABLED: &str = "webhook_endpoint.disabled";
/// The type of the event that a token link gave a platform no token.
pub const TOKEN_LINK_REFUSED: &str = "token_link.refused";

/// The type of the event that a bot has entered this state.
pub fn bot_event_type(status: BotStatus) -> String {
    format!("bot.{status}")
}

/// The type of the event that an account has entered this state, and the cause that belongs to the state.
pub fn account_event_type(status: CredentialStatus) -> (String, Option<&'static str>) {
    let (code, cause) = match status.as_str().split_once(':') {
        Some((code, cause)) => (code, Some(cause)),
        None => (status.as_str(), None),
    };
    (format!("zoom_oauth_credential.{code}"), cause)
}

/// The type of the event that a real-time endpoint has entered this state.
pub fn realtime_event_type(state: RealtimeState) -> String {
    format!("realtime_endpoint.{state}")
}

/// The kind of an endpoint, which sets the format of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointKind {
    /// A program: JSON, signed.
    Webhook,
    /// A channel of Slack: text, to an incoming webhook.
    Slack,
    /// A person: text, by e-mail.
    Email,
}

/// The state of a real-time endpoint of a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealtimeState {
    /// Nothing has reached it yet.
    Waiting,
    /// It was reached.
    Running,
    /// The bot has ended, and all its events were sent.
    Done,
    /// It was given up.
    Failed,
}

/// Whether events are sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// Events are sent.
    Enabled,
    /// A person switched it off.
    Disabled,
    /// Nothing reached it for five days.
    Failed,
}

/// The state of the delivery of an event to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be sent, for the first time or again.
    Pending,
    /// The endpoint has answered 2xx.
    Delivered,
    /// No attempts are left.
    Failed,
}

macro_rules! stored {
    ($($type:ident, $noun:literal { $($name:ident = $word:literal,)* })*) => {$(
        impl $type {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in answers and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
                    .ok_or_else(|| format!(concat!("{:?} is not a ", $noun), text))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::schema::text(concat!("A ", $noun), None, &[$($word),*])
            }
        }

        impl utoipa::ToSchema for $type {}
    )*};
}

stored! {
    EndpointState, "state of an endpoint" {
        Enabled = "enabled",
        Disabled = "disabled",
        Failed = "failed",
    }
    EndpointKind, "kind of endpoint" {
        Webhook = "webhook",
        Slack = "slack",
        Email = "email",
    }
    RealtimeState, "state of a real-time endpoint" {
        Waiting = "waiting",
        Running = "running",
        Done = "done",
        Failed = "failed",
    }
    DeliveryState, "state of a delivery" {
        Pending = "pending",
        Delivered = "delivered",
        Failed = "failed",
    }
}
