//! The cost of a hundred thousand or a million accounts: finding due ones, looking one up, an idle server's memory, and a
//! storm of refreshes against a rate-limited Zoom.
//!
//! The rows are created by SQL as if so many people had consented, but with random bytes as tokens.

mod fill;
mod idle;
mod probe;
mod storm;

use serde::Serialize;
use stage::Postgres;

use crate::{
    installation::{Backend, Installation},
    statistics::Sample,
    test_bed::Place,
};

/// Target: largest ratio of the cost per due account to that with the fewest accounts.
const DUE_AIM: f64 = 1.3;
/// Target: the same ratio for a lookup.
const LOOKUP_AIM: f64 = 1.2;
/// The default refresh rate per second.
const PACE: u32 = 10;
/// Target: share of Zoom's limit that a storm uses.
const STORM_AIM: f64 = 0.95;

/// Results with many accounts.
#[derive(Serialize)]
pub(crate) struct Accounts {
    pub(crate) due_aim_ratio: f64,
    pub(crate) lookup_aim_ratio: f64,
    pub(crate) sizes: Vec<Size>,
}

/// Results with all accounts due at once.
#[derive(Serialize)]
pub(crate) struct Storms {
    /// Target share of the limit.
    pub(crate) aim: f64,
    pub(crate) storms: Vec<Storm>,
}

/// Results for one number of accounts in one store.
#[derive(Serialize)]
pub(crate) struct Size {
    pub(crate) store: &'static str,
    pub(crate) accounts: u32,
    /// Time to claim one due account, including the claim's write.
    pub(crate) due_us: Sample,
    /// Ratio to the fewest accounts in the same store.
    pub(crate) due_ratio: f64,
    pub(crate) lookup_us: Sample,
    pub(crate) lookup_ratio: f64,
    /// PSS of an idle server.
    pub(crate) idle_mb: f64,
}

/// Result of a storm.
#[derive(Serialize)]
pub(crate) struct Storm {
    pub(crate) accounts: u32,
    pub(crate) limit_per_second: u32,
    pub(crate) seconds: f64,
    /// Share of the limit that was used, from the first refresh to the last.
    pub(crate) used: f64,
    /// Number of 429 answers from Zoom.
    pub(crate) refused: u64,
}

pub(crate) async fn measure(place: &Place, quick: bool) -> anyhow::Result<Accounts> {
    let (sqlite, postgres) = if quick {
        ([1_000, 2_000], [1_000, 2_000])
    } else {
        // Even the smaller numbers are large enough that each due row is on its own page, and that the table exceeds
        // PostgreSQL's page cache: with fewer rows, a due account is cheaper.
        ([10_000, 100_000], [100_000, 1_000_000])
    };
    let server = Postgres::start()?;
    let mut sizes = Vec::new();
    for (name, counts) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
        let mut fewest: Option<(f64, f64)> = None;
        for accounts in counts {
            let backend = match name {
                "SQLite" => Backend::Sqlite,
                _ => Backend::Postgres(server.database("template1").await?),
            };
            let installation = Installation::found(place, backend, PACE).await?;
            println!("accounts: {name}, filling in {accounts}");
            installation.fill(accounts).await?;
            let due_us = probe::due(&installation, accounts, quick).await?;
            let lookup_us = probe::lookups(&installation, accounts, quick).await?;
            let idle_mb = idle::weigh(place, &installation).await?;
            let (due, lookup) = *fewest.get_or_insert((due_us.median, lookup_us.median));
            let size = Size {
                store: name,
                accounts,
                due_ratio: due_us.median / due,
                lookup_ratio: lookup_us.median / lookup,
                due_us,
                lookup_us,
                idle_mb,
            };
            println!(
                "accounts: {name} {accounts}: {:.0} µs a due account, {:.0} µs a lookup, {idle_mb:.1} MB idle",
                size.due_us.median, size.lookup_us.median
            );
            sizes.push(size);
        }
    }
    Ok(Accounts { due_aim_ratio: DUE_AIM, lookup_aim_ratio: LOOKUP_AIM, sizes })
}

pub(crate) async fn storms(place: &Place, quick: bool) -> anyhow::Result<Storms> {
    let due = if quick { 300 } else { 10_000 };
    let (server, mut storms) = (Postgres::start()?, Vec::new());
    for limit in [30, 80] {
        let address = server.database("template1").await?;
        storms.push(storm::measure(place, address, due, limit).await?);
    }
    Ok(Storms { aim: STORM_AIM, storms })
}
