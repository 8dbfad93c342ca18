//! Many bots requested at once, each in a meeting of its own: how long the last one waits compared with the first.

use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::json;

use crate::{statistics::Sample, world::World};

const BOTS: usize = 16;
const ROUNDS: usize = 3;
/// Target: largest ratio of the last join request to the first.
pub(crate) const AIM: f64 = 6.0;

/// Medians over the rounds, in milliseconds from the first request.
#[derive(Serialize)]
pub(crate) struct BurstRow {
    pub(crate) who: &'static str,
    pub(crate) bots: usize,
    pub(crate) first_join_request_ms: Sample,
    pub(crate) last_join_request_ms: Sample,
    /// Ratio of each round.
    pub(crate) ratio: Sample,
}

pub(crate) async fn measure(world: &World, quick: bool) -> anyhow::Result<Vec<BurstRow>> {
    let mut rows = Vec::new();
    for (who, warm_pages) in
        [("no warm page", 0), ("one warm page, as shipped", 1), ("a warm page for each", BOTS)]
    {
        let (mut first, mut last, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
        for round in 1..=if quick { 1 } else { ROUNDS } {
            let (soonest, latest) = burst(world, warm_pages, round).await?;
            println!("burst {round}: {BOTS} bots, {who}: join requests after {soonest:.0} to {latest:.0} ms");
            first.push(soonest);
            last.push(latest);
            ratio.push(latest / soonest);
        }
        rows.push(BurstRow {
            who,
            bots: BOTS,
            first_join_request_ms: Sample::of(first),
            last_join_request_ms: Sample::of(last),
            ratio: Sample::of(ratio),
        });
    }
    Ok(rows)
}

/// Times of the first and the last join request.
async fn burst(world: &World, warm_pages: usize, round: usize) -> anyhow::Result<(f64, f64)> {
    let server = world.serve(&json!({ "capacity": BOTS, "warm_pages": warm_pages })).await?;
    world.until_warm(&server, warm_pages).await?;
    let zoom = json!({ "credential": world.credential });
    // A server's first bot requests the ZAK from Zoom; this one puts it into the cache.
    let (before, _) = world.send_bot(&server, "Before the burst", &zoom).await?;
    world.recall(&server, &before).await?;
    world.until_warm(&server, warm_pages).await?;
    let name = |bot: usize| format!("Burst {warm_pages}-{round}-{bot}");
    let names: Vec<_> = (0..BOTS).map(name).collect();
    let meetings = try_join_all(names.iter().map(|_| world.another_meeting())).await?;
    let wished_at = world.place.env.now();
    let (server_of_all, zoom_of_all) = (&server, &zoom);
    let sending = names.iter().zip(&meetings);
    let sending = sending.map(|(name, meeting)| world.send_bot_to(meeting, server_of_all, name, zoom_of_all));
    let bots = try_join_all(sending).await?;
    let mut asked = Vec::new();
    for name in &names {
        let at = world.place.simulator.join_requests(name).await?;
        let at = at.first().copied().unwrap_or_default();
        asked.push(model::Timestamp::from_microsecond(at * 1000).since(wished_at).as_secs_f64() * 1000.0);
    }
    for (bot, _) in bots {
        world.recall(&server, &bot).await?;
    }
    server.stop().await;
    let bound = |of: fn(f64, f64) -> f64| asked.iter().copied().reduce(of).unwrap_or(f64::NAN);
    Ok((bound(f64::min), bound(f64::max)))
}
