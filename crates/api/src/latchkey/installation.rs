//! `GET /api/latchkey/v1/installation/`: the key ring, and how long things are kept.

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

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Bots after their end.
    pub bots: Duration,
    /// Pictures of their pages.
    pub screenshots: Duration,
    /// Their logs.
    pub bot_log: Duration,
    /// What happened in their meetings.
    pub meeting_events: Duration,
    /// Events and their deliveries.
    pub events: Duration,
    /// Records of the audit.
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
    /// Since when it seals, or from when on; unknown of a ring that was never rotated.
    #[schema(required)]
    seals_from: Option<Timestamp>,
}

/// What a key does.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyState {
    /// It seals what is written now.
    Active,
    /// It becomes the active one.
    Next,
    /// It opens what was sealed with it.
    Former,
}

/// For how many days things are kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeptDays {
    /// Bots after their end, with everything that is kept of them.
    bots: u64,
    screenshots: u64,
    bot_log: u64,
    /// After the bot's end. A bot's request may ask for less.
    meeting_events: u64,
    /// With their deliveries.
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
    responses((status = 200, description = "Ids of keys, and how long things are kept.", body = Installation)),
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
