//! Memory of a browser with one, two and four bots in a meeting.
//!
//! Only one browser runs at a time: PSS splits memory that two browsers share, and would make both look smaller. Every
//! repetition starts new browsers; nothing is subtracted.

use std::time::Duration;

use anyhow::bail;
use serde_json::json;

use crate::{
    bare_page::BarePage,
    procfs::{Processes, processor_time, pss_megabytes},
    report::{FurtherBot, Memory, MemoryRow},
    statistics::Sample,
    world::World,
};

const AIM: f64 = 1.15;
/// Target ratio of one more bot to one more bare page.
const AIM_FURTHER: f64 = 0.9;
const REPETITIONS: usize = 2;
const COUNTS: [usize; 3] = [1, 2, 4];
/// Difference between the largest and the smallest number.
const FURTHER: f64 = 3.0;
/// Wait before measuring: the SDK still loads decoders after a join, and a server starts its next warm page after five
/// seconds.
const SETTLING: Duration = Duration::from_secs(12);
/// Interval of checks after that: loading shows as processor time.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
const IDLE: Duration = Duration::from_millis(600);
const MAX_LOOKS: usize = 15;

/// Memory measured at each of [`COUNTS`], in megabytes.
type Weights = [Vec<f64>; COUNTS.len()];

pub(crate) async fn measure(world: &World, quick: bool) -> anyhow::Result<Memory> {
    let bare_page = BarePage::serve(&world.place.sdk_dir).await?;
    let (mut bare, mut latchkey, mut shipped) = (Weights::default(), Weights::default(), Weights::default());
    let mut foreign = 0;
    for _ in 0..if quick { 1 } else { REPETITIONS } {
        foreign = foreign.max(Processes::now()?.chromium().len());
        weigh_bare_pages(world, &bare_page, &mut bare).await?;
        weigh_bots(world, Weigh::Browser, &mut latchkey).await?;
        weigh_bots(world, Weigh::Everything, &mut shipped).await?;
        foreign = foreign.max(Processes::now()?.chromium().len());
    }
    // Per repetition: the memory with the most bots minus that with one bot.
    let further = |weights: &Weights| {
        let pairs = weights[0].iter().zip(&weights[COUNTS.len() - 1]);
        Sample::of(pairs.map(|(one, most)| (most - one) / FURTHER).collect())
    };
    let (further_bare_mb, further_bot_mb) = (further(&bare), further(&latchkey));
    let further = FurtherBot {
        aim_ratio: AIM_FURTHER,
        ratio: further_bot_mb.median / further_bare_mb.median,
        bare_mb: further_bare_mb,
        latchkey_mb: further_bot_mb,
    };
    let rows =
        bare.into_iter().zip(latchkey).zip(shipped).zip(COUNTS).map(|(((bare, latchkey), shipped), bots)| {
            let (bare_mb, latchkey_mb, shipped_mb) =
                (Sample::of(bare), Sample::of(latchkey), Sample::of(shipped));
            MemoryRow {
                bots,
                ratio: latchkey_mb.median / bare_mb.median,
                shipped_ratio: shipped_mb.median / bare_mb.median,
                bare_mb,
                latchkey_mb,
                shipped_mb,
            }
        });
    Ok(Memory { aim_ratio: AIM, foreign_chromium_processes: foreign, rows: rows.collect(), further })
}

async fn weigh_bare_pages(world: &World, bare_page: &BarePage, weights: &mut Weights) -> anyhow::Result<()> {
    let browser = world.place.browser().await?;
    let mut pages = Vec::new();
    for (count, weights) in COUNTS.into_iter().zip(weights) {
        while pages.len() < count {
            let guest = world.guest(&format!("Bare page {}", pages.len() + 1));
            pages.push(bare_page.join(&browser, &guest, &world.place.env).await?.0);
        }
        let weight = pss_megabytes(&settled(world, std::process::id()).await?)?;
        println!("memory: {weight:>5.0} MB, bare page × {count}");
        weights.push(weight);
    }
    drop(pages);
    browser.close().await;
    Ok(())
}

/// What is measured.
#[derive(Clone, Copy)]
enum Weigh {
    /// Only the browser, without a warm page: comparable with bare pages.
    Browser,
    /// The default: with a warm page, and including the server itself.
    Everything,
}

async fn weigh_bots(world: &World, what: Weigh, weights: &mut Weights) -> anyhow::Result<()> {
    let warm_pages = match what {
        Weigh::Browser => 0,
        Weigh::Everything => 1,
    };
    let server = world.serve(&json!({ "capacity": 4, "warm_pages": warm_pages })).await?;
    let mut bots = Vec::new();
    for (count, weights) in COUNTS.into_iter().zip(weights) {
        while bots.len() < count {
            let name = format!("Bot {}", bots.len() + 1);
            let (bot, _) = world.send_bot(&server, &name, &json!({ "credential": world.credential })).await?;
            bots.push(bot);
        }
        let mut processes = settled(world, server.process.id()).await?;
        if let Weigh::Everything = what {
            processes.push(server.process.id());
        }
        let weight = pss_megabytes(&processes)?;
        println!("memory: {weight:>5.0} MB, Latchkey × {count}, warm pages: {warm_pages}");
        weights.push(weight);
    }
    // Otherwise the next server would continue them.
    for bot in &bots {
        world.recall(&server, bot).await?;
    }
    server.stop().await;
    Ok(())
}

/// The processes of the Chromium that `parent` started, once they load nothing more.
pub(crate) async fn settled(world: &World, parent: u32) -> anyhow::Result<Vec<u32>> {
    let clock = &world.place.env.clock;
    clock.sleep(SETTLING).await;
    for _ in 0..MAX_LOOKS {
        let processes = Processes::now()?.chromium_of(parent);
        let before = worked(&processes);
        clock.sleep(POLL_INTERVAL).await;
        if worked(&processes).saturating_sub(before) < IDLE {
            return Ok(Processes::now()?.chromium_of(parent));
        }
    }
    bail!("the browser does not become idle: is the machine busy with something else?")
}

/// Processor time of those processes that are still alive.
pub(crate) fn worked(processes: &[u32]) -> Duration {
    processes.iter().filter_map(|pid| processor_time(*pid).ok()).sum()
}
