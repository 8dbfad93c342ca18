//! What a browser weighs with one, two and four bots in a meeting.
//!
//! One browser at a time: PSS splits what two of them share, and would flatter both. Every repetition begins with new
//! browsers; nothing is subtracted.

use std::time::Duration;

use serde_json::json;

use crate::{
    bare_page::BarePage,
    procfs::{Processes, pss_megabytes},
    report::{Memory, MemoryRow},
    statistics::Sample,
    world::World,
};

const AIM: f64 = 1.15;
const REPETITIONS: usize = 3;
const COUNTS: [usize; 3] = [1, 2, 4];
/// The SDK goes on loading decoders after a join.
const SETTLED: Duration = Duration::from_secs(10);

/// What was weighed at each of [`COUNTS`].
type Weights = [Vec<f64>; COUNTS.len()];

pub(crate) async fn measure(world: &World, quick: bool) -> anyhow::Result<Memory> {
    let (mut bare, mut latchkey, mut server) = (Weights::default(), Weights::default(), Weights::default());
    let bare_page = BarePage::serve(&world.sdk_dir).await?;
    let mut foreign = 0;
    for _ in 0..if quick { 1 } else { REPETITIONS } {
        foreign = foreign.max(Processes::now()?.chromium().len());
        weigh_bare_pages(world, &bare_page, &mut bare).await?;
        foreign = foreign.max(Processes::now()?.chromium().len());
        weigh_bots(world, &mut latchkey, &mut server).await?;
    }
    let samples = bare.into_iter().zip(latchkey).zip(server).zip(COUNTS);
    let rows = samples.map(|(((bare, latchkey), server), bots)| {
        let (bare_mb, latchkey_mb, server_mb) = (Sample::of(bare), Sample::of(latchkey), Sample::of(server));
        MemoryRow {
            bots,
            ratio: latchkey_mb.median / bare_mb.median,
            ratio_with_server: (latchkey_mb.median + server_mb.median) / bare_mb.median,
            bare_mb,
            latchkey_mb,
            server_mb,
        }
    });
    Ok(Memory { aim_ratio: AIM, foreign_chromium_processes: foreign, rows: rows.collect() })
}

async fn weigh_bare_pages(world: &World, bare_page: &BarePage, weights: &mut Weights) -> anyhow::Result<()> {
    let browser = world.browser().await?;
    let mut pages = Vec::new();
    for (count, weights) in COUNTS.into_iter().zip(weights) {
        while pages.len() < count {
            let guest = world.guest(&format!("Bare page {}", pages.len() + 1));
            let guest: Vec<_> = guest.iter().map(|(name, value)| (*name, value.as_str())).collect();
            pages.push(bare_page.join(&browser, &guest, &world.env).await?.0);
        }
        world.env.clock.sleep(SETTLED).await;
        let weight = pss_megabytes(&Processes::now()?.chromium_of(std::process::id()))?;
        println!("memory: bare page × {count}: {weight:.0} MB");
        weights.push(weight);
    }
    drop(pages);
    browser.close().await;
    Ok(())
}

async fn weigh_bots(world: &World, weights: &mut Weights, servers: &mut Weights) -> anyhow::Result<()> {
    let server = world.serve(4).await?;
    let mut bots = Vec::new();
    for ((count, weights), servers) in COUNTS.into_iter().zip(weights).zip(servers) {
        while bots.len() < count {
            let request = json!({
                "meeting_url": world.join_url,
                "bot_name": format!("Bot {}", bots.len() + 1),
                "zoom": { "credential": world.credential },
            });
            let bot = server.send_bot(&request).await?;
            server.when(&bot, "in_call_not_recording").await?;
            bots.push(bot);
        }
        world.env.clock.sleep(SETTLED).await;
        let weight = pss_megabytes(&Processes::now()?.chromium_of(server.process.id()))?;
        let beside = pss_megabytes(&[server.process.id()])?;
        println!("memory: Latchkey × {count}: {weight:.0} MB, and {beside:.0} MB for the server");
        weights.push(weight);
        servers.push(beside);
    }
    for bot in &bots {
        server.recall(bot).await?;
    }
    server.stop().await;
    Ok(())
}
