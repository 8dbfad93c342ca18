//! The interface of storage: one trait per aggregate. No SQL.
//!
//! - A lookup returns `Option`: "not found" is the caller's decision, not a storage error.
//! - Every method that serves a tenant takes its [`WorkspaceId`](model::WorkspaceId), so a read across tenants can't be
//!   written by forgetting a filter. The documentation of an exception says "Across tenants".
//! - Time and randomness are arguments: the caller passes ids, lease tokens and timestamps.
//! - Work is a row with a lease. [`Lease`] says who holds it. A write under a lease happens only while the lease is held;
//!   otherwise the call returns `false`.
//! - Only behaviour that the crate `store-conformance` tests is guaranteed.
//!
//! To add a method: write its behaviour into the conformance suite, then the trait, then each backend.

mod account_log;
mod audit;
mod bot_leases;
mod bot_log;
mod bot_outputs;
mod bot_participants;
mod bot_screenshots;
mod bot_servers;
mod bots;
mod connect_links;
mod console_sessions;
mod copy;
mod credentials;
mod deliveries;
mod error;
pub mod event_bodies;
mod events;
mod idempotency;
mod lease;
mod meeting_events;
mod meetings;
mod observer;
mod overview;
mod page;
mod parked_consents;
mod pools;
mod probe;
mod realtime_endpoints;
mod received_events;
mod sealed_cells;
mod seating;
mod stats;
mod token_links;
mod used_ids;
mod webhook_endpoints;
mod workspaces;
mod zoom_limits;
mod zoom_oauth_apps;

pub use account_log::{AccountLog, LogFilter, LogLine, Note, Subject};
pub use audit::{
    AuditBatch, AuditFilter, AuditPage, AuditPlace, AuditRecord, AuditSubject, Audits, BatchId, Direction,
    PageBuilder, Pruned, RowRange, bundle, minute_of, slice_of, slices_of, unbundle,
};
pub use bot_leases::{BotLeases, Transition};
pub use bot_log::{BotLogs, LogEntry, MAX_LOG_ENTRIES, NumberedEntry};
pub use bot_outputs::{BotOutputs, ChatMessage, ChatProgress, Queued};
pub use bot_participants::BotParticipants;
pub use bot_screenshots::{BotScreenshots, Screenshot};
pub use bot_servers::{BotDemand, BotServer, BotServers};
pub use bots::{
    Bot, BotChange, BotChanged, BotFilter, BotOutcome, BotPage, Bots, PictureChange, SignsInWith,
};
pub use connect_links::{ConnectLink, ConnectLinks};
pub use console_sessions::{ConsolePass, ConsoleSession, ConsoleSessions};
pub use copy::{CopyError, CopyTarget, Row, Snapshot, TABLES, Table, Value, copy};
pub use credentials::{
    Credential, CredentialFilter, Credentials, Due, Grant, MAX_REFRESH_INTERVAL, RefreshFailure, RefreshLease,
};
pub use deliveries::{
    AfterAttempt, Answer, Attempt, Backlog, Deliveries, Delivery, DeliveryFilter, EndpointAfter, MAX_BACKLOG,
    MAX_DELIVERY_PAUSE,
};
pub use error::StoreError;
pub use events::{Event, EventFilter, Events, NewEvent, event_body};
pub use idempotency::{IdempotencyState, IdempotentRequest, IdempotentRequests};
pub use lease::Lease;
pub use meeting_events::{Appended, MeetingEventBatch, MeetingEvents, MeetingEventsSummary};
pub use meetings::{
    DueSync, KnownMeeting, MAX_SYNC_PAUSE, Meeting, MeetingChange, MeetingFilter, MeetingKey, MeetingOwner,
    MeetingWebhookChange, Meetings, PersonalRoom, SyncOutcome,
};
pub use observer::StoreObserver;
pub use overview::{AccountGroup, AccountsCounted, Overview, Overviews, QuotaResource, RefreshesCounted};
pub use page::{Order, Page, Place};
pub use parked_consents::{ParkedConsent, ParkedConsents};
pub use pools::{
    HeldSeat, MAX_SEAT, Member, MemberUsage, Pool, PoolRemoval, PooledAccount, Pools, Seat, SeatCounts,
    SeatRequest, Seating,
};
pub use probe::Probe;
pub use realtime_endpoints::{
    MAX_REALTIME_PAUSE, RealtimeEndpoint, RealtimeEndpoints, RealtimeNext, RealtimeProgress, RealtimeShares,
};
pub use received_events::{Disconnection, Received, ReceivedEvent, ReceivedEvents, ZoomEvent};
pub use sealed_cells::{Replacement, SEALED_COLUMNS, SealedCell, SealedCells, SealedColumn, SealedHead};
pub use seating::{choose, keeps};
pub use stats::Stats;
pub use token_links::{
    AccountState, Dialect, LAST_USES, LinkAccount, LinkLife, LinkSource, LinkTerms, LinkUse,
    LinkVerification, ServableLink, TokenLink, TokenLinks,
};
pub use used_ids::{UsedIdMemory, UsedIds};
pub use webhook_endpoints::{ClaimLimits, EndpointChange, FailureRun, WebhookEndpoint, WebhookEndpoints};
pub use workspaces::{
    Access, ApiKey, FormerSecret, IgnoredFields, SecondAuthorization, Workspace, WorkspaceChange,
};
pub use zoom_limits::{LimitShare, ZoomLimit, ZoomLimits};
pub use zoom_oauth_apps::{
    AppFilter, AppKind, AppRemoval, NewAppSecrets, NewWebhookSecret, Refusal, Signatures, ZoomOauthApp,
    ZoomOauthApps,
};

/// The part of the store that token links use.
pub trait LinkStore:
    AccountLog + Credentials + Events + Pools + TokenLinks + UsedIdMemory + Send + Sync
{
}

impl<T> LinkStore for T where
    T: AccountLog + Credentials + Events + Pools + TokenLinks + UsedIdMemory + Send + Sync
{
}

/// The part of the store that accounts use.
pub trait AccountStore: AccountLog + ConnectLinks + Credentials + ParkedConsents + Send + Sync {}

impl<T> AccountStore for T where T: AccountLog + ConnectLinks + Credentials + ParkedConsents + Send + Sync {}

/// The part of the store that sessions of the console use.
pub trait SessionStore: Access + ConsoleSessions + Send + Sync {}

impl<T> SessionStore for T where T: Access + ConsoleSessions + Send + Sync {}

/// The part of the store that registered apps use.
pub trait AppStore: AccountLog + ParkedConsents + ZoomOauthApps + Send + Sync {}

impl<T> AppStore for T where T: AccountLog + ParkedConsents + ZoomOauthApps + Send + Sync {}

/// The part of the store that pools use.
pub trait PoolStore: Credentials + Meetings + Pools + Send + Sync {}

impl<T> PoolStore for T where T: Credentials + Meetings + Pools + Send + Sync {}

/// The part of the store that the map of meetings uses.
pub trait MeetingStore: AccountLog + Credentials + Meetings + Send + Sync {}

impl<T> MeetingStore for T where T: AccountLog + Credentials + Meetings + Send + Sync {}

/// The part of the store that webhooks use.
pub trait WebhookStore: Deliveries + Events + WebhookEndpoints + Send + Sync {}

impl<T> WebhookStore for T where T: Deliveries + Events + WebhookEndpoints + Send + Sync {}

/// The part of the store that real-time endpoints use.
pub trait RealtimeStore: Bots + MeetingEvents + RealtimeEndpoints + Send + Sync {}

impl<T> RealtimeStore for T where T: Bots + MeetingEvents + RealtimeEndpoints + Send + Sync {}

/// The part of the store that bots use.
pub trait BotStore:
    BotLogs
    + BotLeases
    + BotOutputs
    + BotParticipants
    + BotScreenshots
    + BotServers
    + Bots
    + MeetingEvents
    + Pools
    + RealtimeEndpoints
    + ZoomOauthApps
    + Send
    + Sync
{
}

impl<T> BotStore for T where
    T: BotLogs
        + BotLeases
        + BotOutputs
        + BotParticipants
        + BotScreenshots
        + BotServers
        + Bots
        + MeetingEvents
        + Pools
        + RealtimeEndpoints
        + ZoomOauthApps
        + Send
        + Sync
{
}

/// The whole store. A process has one `Arc<dyn Store>`; each component takes only the traits that it uses.
pub trait Store:
    Access
    + AccountLog
    + AccountStore
    + AppStore
    + Audits
    + BotLogs
    + BotLeases
    + BotOutputs
    + BotParticipants
    + BotScreenshots
    + BotServers
    + BotStore
    + Bots
    + Stats
    + ConnectLinks
    + ConsoleSessions
    + Credentials
    + Deliveries
    + Events
    + IdempotentRequests
    + LinkStore
    + MeetingEvents
    + MeetingStore
    + Meetings
    + Overviews
    + ParkedConsents
    + PoolStore
    + Pools
    + Probe
    + RealtimeEndpoints
    + RealtimeStore
    + SealedCells
    + SessionStore
    + TokenLinks
    + UsedIdMemory
    + ReceivedEvents
    + WebhookStore
    + WebhookEndpoints
    + ZoomLimits
    + ZoomOauthApps
    + Send
    + Sync
{
}

impl<T> Store for T where
    T: Access
        + AccountLog
        + Audits
        + BotLogs
        + BotLeases
        + BotOutputs
        + BotParticipants
        + BotScreenshots
        + BotServers
        + Bots
        + Stats
        + ConnectLinks
        + ConsoleSessions
        + Credentials
        + Deliveries
        + Events
        + IdempotentRequests
        + LinkStore
        + MeetingEvents
        + Meetings
        + Overviews
        + ParkedConsents
        + Pools
        + Probe
        + RealtimeEndpoints
        + SealedCells
        + TokenLinks
        + UsedIdMemory
        + ReceivedEvents
        + WebhookEndpoints
        + ZoomLimits
        + ZoomOauthApps
        + Send
        + Sync
{
}

/// SHA-256 of a secret that is verified but never read back: API keys, link secrets, states.
pub type Digest = [u8; 32];
