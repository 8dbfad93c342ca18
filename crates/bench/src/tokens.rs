//! How many ZAK reads a second, with every signature verified and every id remembered.
//!
//! Beside it, a server that verifies the same signatures with the same code and answers a constant of the same length.
//! Latchkey runs twice: as it comes, with an audit that writes each record before its token goes, and with a relaxed one.
//! wrk loads all in turns, with the same settings and requests of the same shape. Every run has a new server process.

use std::fmt;

use anyhow::{Context as _, ensure};
use broker::signature::SigningKey;
use serde_json::json;
use stage::{Log, Process};
use url::Url;

use crate::{
    procfs::processor_time,
    report::{TokenRow, Tokens},
    statistics::Sample,
    verifier,
    world::{STRICT, World},
    wrk::{Run, Wrk},
};

const AIM: f64 = 0.5;
const PAIRS: usize = 5;
const SECONDS: usize = 5;

/// One run, and what the server's process took of the processor.
struct Weighed {
    run: Run,
    processor_seconds: f64,
}

pub(crate) async fn measure(world: &World, quick: bool) -> anyhow::Result<Tokens> {
    let (pairs, seconds) = if quick { (1, 1) } else { (PAIRS, SECONDS) };
    let wrk = Wrk::new(&world.place.data, seconds)?;
    let key = SigningKey::parse(&world.callback_secret).context("the callback secret is not one")?;
    let server = world.token_broker(STRICT).await?;
    let zak = fetch_once(world, &world.token_link, &key).await?;
    server.stop().await;

    let mints = world.place.simulator.count("zak_mints").await?;
    let (mut bare, mut latchkey, mut relaxed) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 1..=pairs {
        let weighed = load_verifier(world, &zak, &wrk, &key).await?;
        println!("tokens {pair}/{pairs}: verifier alone {weighed}");
        bare.push(weighed);
        let weighed = load_latchkey(world, STRICT, &wrk, &key).await?;
        println!("tokens {pair}/{pairs}: Latchkey       {weighed}");
        latchkey.push(weighed);
        let weighed = load_latchkey(world, "relaxed", &wrk, &key).await?;
        println!("tokens {pair}/{pairs}: relaxed audit  {weighed}");
        relaxed.push(weighed);
    }
    let zak_mints = world.place.simulator.count("zak_mints").await? - mints;
    let (bare, latchkey, relaxed) = (row(&bare), row(&latchkey), row(&relaxed));
    let ratio = latchkey.reads_per_second.median / bare.reads_per_second.median;
    let relaxed_ratio = relaxed.reads_per_second.median / bare.reads_per_second.median;
    let wrk = wrk.settings();
    Ok(Tokens { aim_ratio: AIM, wrk, bare, latchkey, ratio, relaxed, relaxed_ratio, zak_mints })
}

async fn load_latchkey(
    world: &World,
    audit_mode: &str,
    wrk: &Wrk,
    key: &SigningKey,
) -> anyhow::Result<Weighed> {
    let server = world.token_broker(audit_mode).await?;
    // The first read fetches the ZAK from Zoom; from then on it is in memory.
    fetch_once(world, &world.token_link, key).await?;
    let weighed = load(world, &server.process, &world.token_link, wrk, key).await?;
    server.stop().await;
    Ok(weighed)
}

async fn load_verifier(world: &World, zak: &str, wrk: &Wrk, key: &SigningKey) -> anyhow::Result<Weighed> {
    let input = json!({ "secret": world.callback_secret.expose(), "answer": zak });
    let (arguments, log) = (["verifier".as_ref()], world.place.data.join("verifier.log"));
    let (process, ready): (_, verifier::Ready) = Process::start(
        &std::env::current_exe()?,
        &arguments,
        &format!("{input}\n"),
        Log("verifier", &log),
        &world.place.env,
    )
    .await?;
    let mut address = Url::parse(&ready.url)?;
    address.set_path(Url::parse(&world.token_link)?.path());
    ensure!(fetch_once(world, address.as_str(), key).await? == zak, "the verifier answers something else");
    let weighed = load(world, &process, address.as_str(), wrk, key).await?;
    process.stop(&world.place.env).await;
    Ok(weighed)
}

async fn load(
    world: &World,
    server: &Process,
    url: &str,
    wrk: &Wrk,
    key: &SigningKey,
) -> anyhow::Result<Weighed> {
    let url = Url::parse(url)?;
    let before = processor_time(server.id())?;
    let run = wrk.run(&url.origin().ascii_serialization(), url.path(), key, &world.place.env).await?;
    let processor = processor_time(server.id())?.saturating_sub(before);
    Ok(Weighed { run, processor_seconds: processor.as_secs_f64() })
}

/// One signed read.
async fn fetch_once(world: &World, url: &str, key: &SigningKey) -> anyhow::Result<String> {
    let (id, now) = (format!("msg_{}", world.place.env.entropy.token()), world.place.env.now());
    let request = world.place.http.get(url);
    let request = request.header("webhook-signature", key.sign(&id, now, b""));
    let request = request.header("webhook-id", id).header("webhook-timestamp", now.as_second());
    let zak = request.send().await?.error_for_status()?.text().await?;
    ensure!(zak.split('.').count() == 3, "the token link did not answer a ZAK");
    Ok(zak)
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
        write!(f, "{rate:>6.0} reads/s, p99 {p99:>5.1} ms, {processor:>4.0} µs of processor a read")
    }
}

fn row(runs: &[Weighed]) -> TokenRow {
    let sample = |of: fn(&Weighed) -> f64| Sample::of(runs.iter().map(of).collect());
    TokenRow {
        reads_per_second: sample(Weighed::per_second),
        p50_ms: sample(|weighed| weighed.run.p50_ms),
        p99_ms: sample(|weighed| weighed.run.p99_ms),
        processor_us_per_read: sample(Weighed::processor_us),
    }
}
