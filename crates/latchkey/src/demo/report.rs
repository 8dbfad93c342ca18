//! `out/demo/report.json`, for machines.

use serde::Serialize;
use stage::Simulator;

use super::meeting_report::Minutes;

/// The results of the demo.
#[derive(Serialize)]
pub(super) struct Report {
    /// Whether every step succeeded.
    pub(super) ok: bool,
    pub(super) sdk_version: &'static str,
    pub(super) chromium: String,
    pub(super) steps: Vec<Step>,
    /// Bot B's report of its meeting.
    pub(super) minutes: Minutes,
    pub(super) zoom: ZoomCounts,
}

/// One bot.
#[derive(Serialize)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) ok: bool,
    pub(super) bot_id: Option<String>,
    /// Its states, in order.
    pub(super) codes: Vec<String>,
    /// The sub code of the last state that has one.
    pub(super) sub_code: Option<String>,
    /// From the API's answer to the SDK's first request at the simulator, in milliseconds of real time.
    pub(super) create_to_join_request_ms: Option<i64>,
    pub(super) create_to_in_call_ms: Option<i64>,
    pub(super) screenshot: Option<String>,
}

/// What the simulator counted.
#[derive(Serialize)]
pub(super) struct ZoomCounts {
    pub(super) refreshes: u64,
    pub(super) zak_mints: u64,
    pub(super) joins: u64,
}

impl ZoomCounts {
    pub(super) async fn of(simulator: &Simulator) -> anyhow::Result<Self> {
        Ok(Self {
            refreshes: simulator.count("refreshes").await?,
            zak_mints: simulator.count("zak_mints").await?,
            joins: simulator.count("joins").await?,
        })
    }
}
