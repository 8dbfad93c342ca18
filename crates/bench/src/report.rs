//! `out/bench/report.json`, for machines. Every ratio has the least possible work as its divisor.

use model::Timestamp;
use serde::Serialize;

use crate::{
    accounts::{Accounts, Storms},
    burst::BurstRow,
    deliveries::Deliveries,
    idle::Idle,
    machine::Machine,
    pages::Pages,
    statistics::Sample,
};

/// Everything that was measured.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) quick: bool,
    pub(crate) measured_at: Timestamp,
    pub(crate) machine: Machine,
    pub(crate) bots: Option<Bots>,
    pub(crate) bursts: Option<Vec<BurstRow>>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) accounts: Option<Accounts>,
    pub(crate) storms: Option<Storms>,
    pub(crate) deliveries: Option<Deliveries>,
    pub(crate) pages: Option<Pages>,
}

/// Bots beside bare pages.
#[derive(Serialize)]
pub(crate) struct Bots {
    pub(crate) joins: Joins,
    pub(crate) memory: Memory,
    pub(crate) idle: Idle,
}

/// From the request for a bot to the bot.
#[derive(Serialize)]
pub(crate) struct Joins {
    pub(crate) chromium: String,
    /// The bare page first.
    pub(crate) rows: Vec<JoinRow>,
}

#[derive(Serialize)]
pub(crate) struct JoinRow {
    pub(crate) who: &'static str,
    /// Of the two ratios, where there is one.
    pub(crate) aims: Option<(f64, f64)>,
    /// Until the SDK's first request reached Zoom.
    pub(crate) to_join_request_ms: Sample,
    pub(crate) to_join_request_ratio: f64,
    /// Until it was in the call.
    pub(crate) to_in_call_ms: Sample,
    pub(crate) to_in_call_ratio: f64,
}

/// What a browser weighs with bots in it.
#[derive(Serialize)]
pub(crate) struct Memory {
    pub(crate) aim_ratio: f64,
    /// Chromium processes that were none of ours: they share pages, and make every figure smaller.
    pub(crate) foreign_chromium_processes: usize,
    pub(crate) rows: Vec<MemoryRow>,
    pub(crate) further: FurtherBot,
}

/// What one more takes, once there is one.
#[derive(Serialize)]
pub(crate) struct FurtherBot {
    pub(crate) aim_ratio: f64,
    pub(crate) bare_mb: Sample,
    pub(crate) latchkey_mb: Sample,
    pub(crate) ratio: f64,
}

#[derive(Serialize)]
pub(crate) struct MemoryRow {
    pub(crate) bots: usize,
    /// PSS of all Chromium processes.
    pub(crate) bare_mb: Sample,
    pub(crate) latchkey_mb: Sample,
    pub(crate) ratio: f64,
    /// As it is shipped: with one warm page, and the server itself.
    pub(crate) shipped_mb: Sample,
    pub(crate) shipped_ratio: f64,
}

/// Token reads beside a server that verifies and answers a constant.
#[derive(Serialize)]
pub(crate) struct Tokens {
    pub(crate) wrk: String,
    pub(crate) zoom_delay_ms: u32,
    /// Of a strict audit.
    pub(crate) p99_aim_ms: f64,
    /// Of 1,000 reads.
    pub(crate) zoom_calls_aim: f64,
    /// The verifier first; every ratio is to it.
    pub(crate) rows: Vec<TokenRow>,
    pub(crate) sizes: Vec<TokenSize>,
}

#[derive(Serialize)]
pub(crate) struct TokenRow {
    pub(crate) who: &'static str,
    pub(crate) aim_ratio: Option<f64>,
    pub(crate) reads_per_second: Sample,
    /// Each to the run of the same round.
    pub(crate) ratio: Sample,
    pub(crate) p50_ms: Sample,
    pub(crate) p99_ms: Sample,
    /// Of the server's process. Unlike the rates, it does not depend on what wrk takes for itself.
    pub(crate) processor_us_per_read: Sample,
    /// The first ones of each process included, which begins with an empty memory.
    pub(crate) zoom_calls_per_1000: f64,
}

/// Reads through so many links, each of an account of its own; the ratio is to the fewest.
#[derive(Serialize)]
pub(crate) struct TokenSize {
    pub(crate) accounts: u32,
    #[serde(flatten)]
    pub(crate) row: TokenRow,
}
