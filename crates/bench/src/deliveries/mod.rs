//! The cost of event deliveries: the latency of a change, the number of events that a server sends per second, and finding
//! the due deliveries while a million wait.

mod backlog;
mod latency;
mod queue;
mod rate;
mod receivers;

use serde::Serialize;
use stage::Postgres;

use crate::{installation::Backend, statistics::Sample, test_bed::Place};

/// Target latency from the call that changes a state until the receiver has the event.
const P50_AIM_MS: f64 = 30.0;
const P99_AIM_MS: f64 = 150.0;
/// Target deliveries per second of a server with one core.
const RATE_AIM: f64 = 2_000.0;
/// Target: largest ratio of a turn's cost with the most waiting deliveries to that with the fewest.
const BACKLOG_AIM: f64 = 1.3;

/// The stores, as `installation` creates them.
const STORES: [&str; 2] = ["SQLite", "PostgreSQL"];

/// Results of deliveries.
#[derive(Serialize)]
pub(crate) struct Deliveries {
    pub(crate) p50_aim_ms: f64,
    pub(crate) p99_aim_ms: f64,
    pub(crate) rate_aim: f64,
    pub(crate) backlog_aim_ratio: f64,
    pub(crate) latencies: Vec<Latency>,
    pub(crate) rates: Vec<Rate>,
    pub(crate) backlogs: Vec<BacklogRow>,
}

/// Latency from a change to its receiver, one change at a time.
#[derive(Serialize)]
pub(crate) struct Latency {
    pub(crate) store: &'static str,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) changes: usize,
}

/// Rate of many deliveries to many endpoints, one of which never answers.
#[derive(Serialize)]
pub(crate) struct Rate {
    pub(crate) store: &'static str,
    pub(crate) endpoints: usize,
    /// Deliveries to the endpoints that answer.
    pub(crate) deliveries: u64,
    pub(crate) per_second: f64,
    /// Processor time of the server's process per delivery.
    pub(crate) processor_us_each: f64,
}

/// Cost of one endpoint's turn in the store: its lease, its due deliveries, its release.
#[derive(Serialize)]
pub(crate) struct BacklogRow {
    pub(crate) store: &'static str,
    pub(crate) waiting: u32,
    pub(crate) turn_us: Sample,
    /// Ratio to the fewest waiting deliveries in the same store.
    pub(crate) ratio: f64,
}

pub(crate) async fn measure(place: &Place, quick: bool) -> anyhow::Result<Deliveries> {
    let server = Postgres::start_durable()?;
    let (mut latencies, mut rates, mut backlogs) = (Vec::new(), Vec::new(), Vec::new());
    for store in STORES {
        let backend = async || -> anyhow::Result<Backend> {
            Ok(match store {
                "SQLite" => Backend::Sqlite,
                _ => Backend::Postgres(server.database("template1").await?),
            })
        };
        latencies.push(latency::measure(place, store, backend().await?, quick).await?);
        rates.push(rate::measure(place, store, backend().await?, quick).await?);
        backlogs.extend(backlog::measure(place, store, &backend, quick).await?);
    }
    Ok(Deliveries {
        p50_aim_ms: P50_AIM_MS,
        p99_aim_ms: P99_AIM_MS,
        rate_aim: RATE_AIM,
        backlog_aim_ratio: BACKLOG_AIM,
        latencies,
        rates,
        backlogs,
    })
}
