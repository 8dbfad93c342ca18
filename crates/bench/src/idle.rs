//! Processor time of a bot while nothing happens in its meeting, which allows reactions.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::{
    memory::{settled, worked},
    statistics::Sample,
    world::World,
};

const BOTS: u32 = 4;
const SPAN: Duration = Duration::from_secs(20);
const ROUNDS: usize = 3;

/// Share of a core that one bot uses, including its part of the browser.
#[derive(Serialize)]
pub(crate) struct Idle {
    pub(crate) bots: u32,
    pub(crate) aim: f64,
    pub(crate) of_a_core: Sample,
}

pub(crate) async fn measure(world: &World, quick: bool) -> anyhow::Result<Idle> {
    let server = world.serve(&json!({ "capacity": BOTS, "warm_pages": 0 })).await?;
    let mut bots = Vec::new();
    for bot in 0..BOTS {
        let zoom = json!({ "credential": world.credential });
        bots.push(world.send_bot(&server, &format!("Idle {bot}"), &zoom).await?.0);
    }
    let mut values = Vec::new();
    for _ in 0..if quick { 1 } else { ROUNDS } {
        let processes = settled(world, server.process.id()).await?;
        let before = worked(&processes);
        world.place.env.clock.sleep(SPAN).await;
        let worked = worked(&processes).saturating_sub(before);
        let of_a_core = worked.as_secs_f64() / SPAN.as_secs_f64() / f64::from(BOTS);
        println!("idle: {of_a_core:.3} of a core for each of {BOTS} bots");
        values.push(of_a_core);
    }
    for bot in &bots {
        world.recall(&server, bot).await?;
    }
    server.stop().await;
    Ok(Idle { bots: BOTS, aim: 0.05, of_a_core: Sample::of(values) })
}
