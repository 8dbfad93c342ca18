//! `GET /api/latchkey/v1/installation/`: the key ring, and the retention periods.

use std::time::Duration;

use axum::{Json, extract::State as Extract};
use model::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    State,
    caller::{Admin, Caller},
    error::ApiError,
};

const DAY: u64 = 24 * 3600;

/// Retention periods.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Bots, after their end.
    pub bots: Duration,
    /// Screenshots of bots' pages.
    pub screenshots: Duration,
    /// Bots' logs.
    pub bot_log: Duration,
    /// Events of bots' meetings.
    pub meeting_events: Duration,
    /// Events and their deliveries.
    pub events: Duration,
    /// Audit records.
    pub audit: Duration,
}

/// The server's own settings.
#[derive(Serialize, ToSchema)]
pub(crate) struct Installation {
    version: &'static str,
    /// The key ring that seals secrets at rest: ids, never keys.
    keys: Vec<Key>,
    kept_days: KeptDays,
}

/// A key of the ring.
#[derive(Serialize, ToSchema)]
pub(crate) struct Key {
    id: String,
    state: KeyState,
    /// When it begins or began to seal; null for a ring that was never rotated.
    #[schema(required)]
    seals_from: Option<Timestamp>,
}

/// The state of a key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyState {
    /// It seals everything that is written now.
    Active,
    /// It becomes the active key.
    Next,
    /// It only opens what was sealed with it.
    Former,
}

/// Retention periods in days.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeptDays {
    /// Bots after their end, with all their data.
    bots: u64,
    screenshots: u64,
    bot_log: u64,
    /// After the bot's end. A request for a bot may set less.
    meeting_events: u64,
    /// Events, with their deliveries.
    events: u64,
    audit: u64,
}

/// Retrieve the installation's key ring and retention
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/installation/",
    tag = "workspace",
    operation_id = "installation_retrieve",
    security(("tokenAuth" = ["admin"])),
    responses((status = 200, description = "Ids of keys, and retention periods.", body = Installation)),
)]
pub(crate) async fn handler(
    _caller: Caller<Admin>,
    Extract(state): Extract<State>,
) -> Result<Json<Installation>, ApiError> {
    let (ring, now) = (state.broker.vault.ring(), state.env.now());
    let next = ring.next_key(now);
    let key = |id: &str| match next {
        Some((next, from)) if next == id => (KeyState::Next, Some(from)),
        _ if ring.active_key_id(now) == id => (KeyState::Active, ring.active_since(now)),
        _ => (KeyState::Former, None),
    };
    let keys = ring.key_ids().map(|id| {
        let (state, seals_from) = key(id);
        Key { id: id.to_owned(), state, seals_from }
    });
    let days = |kept: Duration| kept.as_secs() / DAY;
    let Kept { bots, screenshots, bot_log, meeting_events, events, audit } = state.kept;
    Ok(Json(Installation {
        version: env!("CARGO_PKG_VERSION"),
        keys: keys.collect(),
        kept_days: KeptDays {
            bots: days(bots),
            screenshots: days(screenshots),
            bot_log: days(bot_log),
            meeting_events: days(meeting_events),
            events: days(events),
            audit: days(audit),
        },
    }))
}
