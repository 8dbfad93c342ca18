//! The bodies of events as they are sent to endpoints: one type for each kind of subject. Every body has the type of its
//! event and the new state of the subject.

use std::collections::BTreeMap;

use model::{
    ApiKeyId, BotId, CredentialId, PoolId, RealtimeEndpointId, RecordingId, Timestamp, TokenLinkId,
    WebhookEndpointId, ZoomOauthAppId,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The new state of the subject.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StateChange<'e> {
    /// The state: the last word of the event's type. It is `failed` for an endpoint that was switched off because nothing
    /// reached it.
    pub code: &'e str,
    /// Why, if there is more to say than the state.
    pub sub_code: Option<&'e str>,
    /// Since when.
    pub updated_at: Timestamp,
}

/// A bot took a step. The shape is Recall's.
#[derive(Debug, Serialize, ToSchema)]
pub struct BotEvent<'e> {
    /// The state.
    pub data: StateChange<'e>,
    /// The bot.
    pub bot: BotOfEvent<'e>,
}

/// A bot, in an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct BotOfEvent<'e> {
    /// Its id.
    pub id: BotId,
    /// Its labels.
    pub metadata: &'e BTreeMap<String, String>,
}

/// The state of an account changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountEvent<'e> {
    /// The state.
    pub data: StateChange<'e>,
    /// The account.
    pub zoom_oauth_credential: &'e AccountOfEvent,
    /// What happened, for people.
    pub message: &'e str,
    /// What to do, if an action is needed.
    pub advice: Option<&'e str>,
}

/// An account's event as it is sent to endpoints. Two fields are made for each attempt and not stored, so the list of events
/// doesn't have them.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentAccountEvent {
    /// The stored event: an [`AccountEvent`].
    #[serde(flatten)]
    #[schema(value_type = AccountEvent<'static>)]
    pub event: Map<String, Value>,
    /// The bots that are affected, unless the account is healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_stake: Option<AtStake>,
    /// The URL where its owner connects it again, unless it is healthy. The URL is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_link: Option<String>,
}

/// Bots that are scheduled with an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AtStake {
    /// How many.
    pub count: u64,
    /// The ones that join next.
    pub bots: Vec<ScheduledBot>,
}

/// A bot that is scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScheduledBot {
    /// Its id.
    pub id: BotId,
    /// When it joins.
    pub join_at: Timestamp,
    /// Whether a pool may give it another account.
    pub through_pool: bool,
}

/// An account, in an event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountOfEvent {
    /// Its id.
    pub id: CredentialId,
    /// For people.
    pub display_name: String,
    /// Zoom's id of the user.
    pub user_id: String,
    /// Zoom's id of the account that the user belongs to.
    pub account_id: String,
    /// The app that it was connected with.
    pub oauth_app: ZoomOauthAppId,
}

/// A pool is full or nearly full.
#[derive(Debug, Serialize, ToSchema)]
pub struct PoolEvent<'e> {
    /// The state.
    pub data: StateChange<'e>,
    /// The pool.
    pub pool: PoolOfEvent<'e>,
    /// Seats of accounts that can give tokens.
    pub seats: u32,
    /// How many of them are taken.
    pub taken: u32,
    /// What happened, for people.
    pub message: &'e str,
    /// What to do.
    pub advice: &'e str,
}

/// A pool, in an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct PoolOfEvent<'e> {
    /// Its id.
    pub id: PoolId,
    /// For people.
    pub name: &'e str,
}

/// A token link gave no token. Sent at most once in ten minutes for each link and cause.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenLinkEvent<'e> {
    /// The state.
    pub data: StateChange<'e>,
    /// The link.
    pub token_link: TokenLinkOfEvent<'e>,
    /// How many fetches were refused since `since`.
    pub count: u64,
    /// Since when refusals are counted.
    pub since: Timestamp,
    /// Why the last of them was refused, for people.
    pub message: &'e str,
    /// What to do.
    pub advice: &'e str,
}

/// A token link, in an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenLinkOfEvent<'e> {
    /// Its id.
    pub id: TokenLinkId,
    /// For people.
    pub name: &'e str,
}

/// A server detected a fault of its own. Every workspace gets this event.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServerEvent<'e> {
    /// The state.
    pub data: StateChange<'e>,
    /// The cause, for people.
    pub message: Option<&'e str>,
    /// What doesn't work because of the fault.
    pub advice: Option<&'e str>,
}

/// An endpoint is tested, or was switched off.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpointEvent<'e> {
    /// The state.
    pub data: StateChange<'e>,
    /// The endpoint.
    pub webhook_endpoint: WebhookEndpointOfEvent<'e>,
    /// Why it was switched off, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'e str>,
    /// Who switched it off, if a person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switched_off_by: Option<ApiKeyOfEvent>,
    /// Since when no delivery has reached it, if that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'e str>,
}

/// An endpoint, in an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpointOfEvent<'e> {
    /// Its id.
    pub id: WebhookEndpointId,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'e str>,
}

/// An API key, in an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyOfEvent {
    /// The id of the API key that made the call.
    pub api_key: ApiKeyId,
}

/// The state of a bot's real-time endpoint changed. The shape is Recall's.
#[derive(Debug, Serialize, ToSchema)]
pub struct RealtimeEndpointEvent<'e> {
    /// The state.
    pub data: RealtimeEndpointStateChange<'e>,
    /// The endpoint.
    pub realtime_endpoint: RealtimeEndpointOfEvent<'e>,
    /// The recording whose events it receives.
    pub recording: RecordingOfEvent,
    /// The bot.
    pub bot: BotOfEvent<'e>,
}

/// The new state of a real-time endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct RealtimeEndpointStateChange<'e> {
    /// The state.
    #[serde(flatten)]
    pub became: StateChange<'e>,
    /// Why it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<RealtimeEndpointError<'e>>,
}

/// Why a real-time endpoint was given up.
#[derive(Debug, Serialize, ToSchema)]
pub struct RealtimeEndpointError<'e> {
    /// A word for programs.
    pub code: &'e str,
    /// For people.
    pub message: &'e str,
}

/// A real-time endpoint, in an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct RealtimeEndpointOfEvent<'e> {
    /// Its id.
    pub id: RealtimeEndpointId,
    /// Its labels.
    #[schema(value_type = Object)]
    pub metadata: &'e Map<String, Value>,
}

/// A recording, in an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingOfEvent {
    /// Its id.
    pub id: RecordingId,
    /// Its labels.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}
