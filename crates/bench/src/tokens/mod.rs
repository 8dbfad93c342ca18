//! ZAK reads, each of them verified, protected against replay, and audited.
//!
//! They are compared with two servers that verify in the same way and also run on one core: one answers a constant, which is
//! the least possible work; the other lets Zoom mint every time, as most teams write it. wrk loads all of them alternately,
//! from another core, with requests of the same form. Every run has a new server process, except those that compare numbers
//! of accounts.

mod contender;
mod fixture;
pub(crate) mod naive_server;
mod role;
pub(crate) mod verifier;
mod wrk;

use std::fmt;

use reqwest::Method;
use serde_json::json;
use stage::Postgres;

use crate::{
    cores::Cores,
    installation::Backend,
    procfs::processor_time,
    report::{TokenRow, TokenSize, Tokens},
    statistics::Sample,
    test_bed::Place,
};

use contender::{
    AuditKind::{Relaxed, Strict, StrictDiskFirst},
    Contender, Running,
};
use fixture::Fixture;
use wrk::{Run, Wrk};

/// Target ratio to the verifier's reads with a relaxed and with a strict audit.
const RELAXED_AIM: f64 = 0.8;
const STRICT_AIM: f64 = 0.6;
/// Target p99 with a strict audit, in milliseconds.
const P99_AIM: f64 = 15.0;
/// Target calls to Zoom per 1,000 reads.
const ZOOM_CALLS_AIM: f64 = 1.0;
/// Delay of Zoom's answers, in milliseconds.
const ZOOM_DELAY: u32 = 80;

/// One run, with the processor time of the server's process and the number of calls to Zoom.
struct Weighed {
    run: Run,
    processor_seconds: f64,
    zoom_calls: f64,
}

/// The environment of every run.
struct TokenBench<'p> {
    place: &'p Place,
    cores: Cores,
    wrk: Wrk,
    rounds: usize,
}

pub(crate) async fn measure(place: &Place, quick: bool) -> anyhow::Result<Tokens> {
    let (rounds, seconds, most) = if quick { (1, 1, 100) } else { (5, 3, 10_000) };
    let bench = TokenBench { place, cores: Cores::divide()?, wrk: Wrk::new(&place.data, seconds)?, rounds };
    let pids = [std::process::id(), place.simulator.id()];
    bench.cores.keep_off(&pids)?;
    let measured = bench.measure(most).await;
    bench.cores.give_back(&pids)?;
    measured
}

impl TokenBench<'_> {
    async fn measure(&self, most: u32) -> anyhow::Result<Tokens> {
        println!("tokens: preparing one account on SQLite, one on PostgreSQL, {most} on SQLite");
        let server = Postgres::start_durable()?;
        let shared = Backend::Postgres(server.database("template1").await?);
        let shared = Fixture::prepare(self.place, shared, 1).await?;
        let embedded = Fixture::prepare(self.place, Backend::Sqlite, 1).await?;
        let many = Fixture::prepare(self.place, Backend::Sqlite, most).await?;

        self.delay_zoom(ZOOM_DELAY).await?;
        let contenders = [
            ("verifier alone", None, Contender::Verifier),
            ("refresh and mint on every call", None, Contender::Straightforward),
            ("Latchkey, relaxed, SQLite", Some(RELAXED_AIM), Contender::Latchkey(&embedded, Relaxed)),
            ("Latchkey, strict, SQLite", Some(STRICT_AIM), Contender::Latchkey(&embedded, Strict)),
            ("Latchkey, relaxed, PostgreSQL", Some(RELAXED_AIM), Contender::Latchkey(&shared, Relaxed)),
            ("Latchkey, strict, PostgreSQL", Some(STRICT_AIM), Contender::Latchkey(&shared, Strict)),
            ("the same, disk first", Some(STRICT_AIM), Contender::Latchkey(&shared, StrictDiskFirst)),
        ];
        let mut runs = contenders.map(|_| Vec::new());
        for round in 1..=self.rounds {
            for ((who, _, contender), runs) in contenders.iter().zip(&mut runs) {
                let fixture =
                    if let Contender::Latchkey(fixture, _) = contender { fixture } else { &embedded };
                let weighed = self.run(*contender, fixture).await?;
                println!("tokens {round}/{}: {who:<31} {weighed}", self.rounds);
                runs.push(weighed);
            }
        }
        let rows = contenders.iter().zip(&runs).map(|((who, aim, _), own)| row(who, *aim, own, &runs[0]));
        let rows = rows.collect();

        self.delay_zoom(0).await?;
        let sizes = self.sizes(&many, most).await?;
        Ok(Tokens {
            wrk: self.wrk.settings(),
            zoom_delay_ms: ZOOM_DELAY,
            p99_aim_ms: P99_AIM,
            zoom_calls_aim: ZOOM_CALLS_AIM,
            rows,
            sizes,
        })
    }

    /// Measures a new process with one account.
    async fn run(&self, contender: Contender<'_>, fixture: &Fixture) -> anyhow::Result<Weighed> {
        let calls = self.zoom_calls().await?;
        let running = Running::start(contender, fixture, 1, self.place, &self.cores).await?;
        let mut weighed = self.load(&running, fixture, 1).await?;
        running.stop(self.place).await;
        weighed.zoom_calls = self.zoom_calls().await? - calls;
        Ok(weighed)
    }

    /// Measures one process with a strict audit and all ZAKs in its cache, with reads through few or many links.
    async fn sizes(&self, fixture: &Fixture, most: u32) -> anyhow::Result<Vec<TokenSize>> {
        let contender = Contender::Latchkey(fixture, Strict);
        let running =
            Running::start(contender, fixture, fixture.paths.len(), self.place, &self.cores).await?;
        let sizes = [1, most.isqrt(), most];
        let mut runs = sizes.map(|_| Vec::new());
        for round in 1..=self.rounds {
            for (accounts, runs) in sizes.iter().zip(&mut runs) {
                let weighed = self.load(&running, fixture, usize::try_from(*accounts)?).await?;
                println!("tokens {round}/{}: {accounts:>5} accounts {weighed}", self.rounds);
                runs.push(weighed);
            }
        }
        running.stop(self.place).await;
        let sizes = sizes.iter().zip(&runs);
        Ok(sizes
            .map(|(accounts, own)| TokenSize { accounts: *accounts, row: row("", None, own, &runs[0]) })
            .collect())
    }

    async fn load(&self, running: &Running, fixture: &Fixture, accounts: usize) -> anyhow::Result<Weighed> {
        let before = processor_time(running.id())?;
        let paths = &fixture.paths[..accounts];
        let run = self.wrk.run(&running.origin, paths, &fixture.key, &self.place.env).await?;
        let processor = processor_time(running.id())?.saturating_sub(before);
        Ok(Weighed { run, processor_seconds: processor.as_secs_f64(), zoom_calls: 0.0 })
    }

    async fn delay_zoom(&self, milliseconds: u32) -> anyhow::Result<()> {
        let switches = json!({ "token_delay_ms": milliseconds, "rest_delay_ms": milliseconds });
        self.place.simulator.call(Method::PATCH, "/switches", &switches).await.map(drop)
    }

    /// The number of calls to Zoom so far.
    async fn zoom_calls(&self) -> anyhow::Result<f64> {
        let stats = self.place.simulator.get("/stats").await?;
        let rest = stats["rest_calls"].as_object().into_iter().flat_map(|calls| calls.values());
        let tokens = ["token_exchanges", "refreshes", "account_tokens"].map(|counter| &stats[counter]);
        Ok(rest.chain(tokens).filter_map(serde_json::Value::as_f64).sum())
    }
}

impl Weighed {
    fn per_second(&self) -> f64 {
        self.run.requests / self.run.seconds
    }

    fn processor_us(&self) -> f64 {
        self.processor_seconds * 1e6 / self.run.requests
    }
}

impl fmt::Display for Weighed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, p99, processor) = (self.per_second(), self.run.p99_ms, self.processor_us());
        write!(f, "{rate:>6.0} reads/s, p99 {p99:>5.1} ms, {processor:>5.1} µs of processor a read")
    }
}

/// Compares each run with the other's run of the same round, because the machine's speed varies between rounds.
fn row(who: &'static str, aim: Option<f64>, runs: &[Weighed], others: &[Weighed]) -> TokenRow {
    let ratios = runs.iter().zip(others).map(|(run, other)| run.per_second() / other.per_second());
    let sample = |of: fn(&Weighed) -> f64| Sample::of(runs.iter().map(of).collect());
    let sum = |of: fn(&Weighed) -> f64| runs.iter().map(of).sum::<f64>();
    TokenRow {
        who,
        aim_ratio: aim,
        ratio: Sample::of(ratios.collect()),
        reads_per_second: sample(Weighed::per_second),
        p50_ms: sample(|weighed| weighed.run.p50_ms),
        p99_ms: sample(|weighed| weighed.run.p99_ms),
        processor_us_per_read: sample(Weighed::processor_us),
        zoom_calls_per_1000: sum(|weighed| weighed.zoom_calls) * 1000.0 / sum(|weighed| weighed.run.requests),
    }
}
