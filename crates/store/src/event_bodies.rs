//! What events say: one type for the events of each kind of subject, as endpoints are sent them. Every body has the type of its
//! event and the state that the subject came into.

use std::collections::BTreeMap;

use model::{
    ApiKeyId, BotId, CredentialId, PoolId, RealtimeEndpointId, RecordingId, Timestamp, TokenLinkId,
    WebhookEndpointId, ZoomOauthAppId,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The state that something came into.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StateChange<'e> {
    /// The state: the last word of the event's type. Of an endpoint that was switched off because nothing reached it, `failed`.
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

/// An account came into another state.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountEvent<'e> {
    /// The state.
    pub data: StateChange<'e>,
    /// The account.
    pub zoom_oauth_credential: &'e AccountOfEvent,
    /// What happened, for people.
    pub message: &'e str,
    /// What to do, if somebody must.
    pub advice: Option<&'e str>,
}

/// An account's event as endpoints are sent it: with what is made for each attempt, and not stored. It is not in the list of
/// events.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentAccountEvent {
    /// As it is stored: an [`AccountEvent`].
    #[serde(flatten)]
    #[schema(value_type = AccountEvent<'static>)]
    pub event: Map<String, Value>,
    /// The bots that are affected, unless the account is healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_stake: Option<AtStake>,
    /// Where its owner connects it again, unless it is healthy. It is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_link: Option<String>,
}

/// Bots that are scheduled with an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AtStake {
    /// How many.
    pub count: u64,
    /// The next of them.
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

/// A pool has become full, or nearly so.
#[derive(Debug, Serialize, ToSchema)]
pub struct PoolEvent<'e> {
    /// The state.
    pub data: StateChange<'e>,
    /// The pool.
    pub pool: PoolOfEvent<'e>,
    /// Seats of accounts that can give tokens.
    pub seats: u32,
    /// Those of them that are taken.
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

/// A token link gave no token. Told at most once in ten minutes for each link and cause.
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
    /// What was wrong with the last of them, for people.
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

/// A server found something wrong with itself. Every workspace is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServerEvent<'e> {
    /// The state.
    pub data: StateChange<'e>,
    /// The cause, for people.
    pub message: Option<&'e str>,
    /// What doesn't work because of it.
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
    /// Since when nothing has reached it, if that is why.
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
    /// The key of the call.
    pub api_key: ApiKeyId,
}

/// A real-time endpoint of a bot came into another state. The shape is Recall's.
#[derive(Debug, Serialize, ToSchema)]
pub struct RealtimeEndpointEvent<'e> {
    /// The state.
    pub data: RealtimeEndpointStateChange<'e>,
    /// The endpoint.
    pub realtime_endpoint: RealtimeEndpointOfEvent<'e>,
    /// Where what it is told of is kept.
    pub recording: RecordingOfEvent,
    /// The bot.
    pub bot: BotOfEvent<'e>,
}

/// The state that a real-time endpoint came into.
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
