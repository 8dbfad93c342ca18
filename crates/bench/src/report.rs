//! `out/bench/report.json`, for machines. The divisor of every ratio is the least possible work.

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

/// All results.
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

/// Bots compared with bare pages.
#[derive(Serialize)]
pub(crate) struct Bots {
    pub(crate) joins: Joins,
    pub(crate) memory: Memory,
    pub(crate) idle: Idle,
}

/// Times from the request for a bot until it has joined.
#[derive(Serialize)]
pub(crate) struct Joins {
    pub(crate) chromium: String,
    /// The first row is the bare page.
    pub(crate) rows: Vec<JoinRow>,
}

#[derive(Serialize)]
pub(crate) struct JoinRow {
    pub(crate) who: &'static str,
    /// Targets of the two ratios, if any.
    pub(crate) aims: Option<(f64, f64)>,
    /// Time until the SDK's first request reached Zoom.
    pub(crate) to_join_request_ms: Sample,
    pub(crate) to_join_request_ratio: f64,
    /// Time until the bot was in the call.
    pub(crate) to_in_call_ms: Sample,
    pub(crate) to_in_call_ratio: f64,
}

/// Memory of a browser with bots.
#[derive(Serialize)]
pub(crate) struct Memory {
    pub(crate) aim_ratio: f64,
    /// Chromium processes of others: they share memory pages, and so make every figure smaller.
    pub(crate) foreign_chromium_processes: usize,
    pub(crate) rows: Vec<MemoryRow>,
    pub(crate) further: FurtherBot,
}

/// Memory of one more bot, in addition to the first.
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
    /// The default: with one warm page, and including the server itself.
    pub(crate) shipped_mb: Sample,
    pub(crate) shipped_ratio: f64,
}

/// Token reads compared with a server that verifies and answers a constant.
#[derive(Serialize)]
pub(crate) struct Tokens {
    pub(crate) wrk: String,
    pub(crate) zoom_delay_ms: u32,
    /// Target with a strict audit.
    pub(crate) p99_aim_ms: f64,
    /// Target per 1,000 reads.
    pub(crate) zoom_calls_aim: f64,
    /// The first row is the verifier; every ratio is to it.
    pub(crate) rows: Vec<TokenRow>,
    pub(crate) sizes: Vec<TokenSize>,
}

#[derive(Serialize)]
pub(crate) struct TokenRow {
    pub(crate) who: &'static str,
    pub(crate) aim_ratio: Option<f64>,
    pub(crate) reads_per_second: Sample,
    /// Ratio to the verifier's run of the same round.
    pub(crate) ratio: Sample,
    pub(crate) p50_ms: Sample,
    pub(crate) p99_ms: Sample,
    /// Processor time of the server's process. Unlike the rates, it does not depend on wrk's own processor time.
    pub(crate) processor_us_per_read: Sample,
    /// Includes the first reads of each process, which starts with an empty cache.
    pub(crate) zoom_calls_per_1000: f64,
}

/// Reads through this many links, each of its own account; the ratio is to the fewest links.
#[derive(Serialize)]
pub(crate) struct TokenSize {
    pub(crate) accounts: u32,
    #[serde(flatten)]
    pub(crate) row: TokenRow,
}
