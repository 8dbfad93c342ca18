//! Deliveries per second of a server with one core.

use serde_json::{Value, json};

use super::{Rate, receivers::Receivers};
use crate::{
    cores::Cores,
    installation::{Backend, Installation},
    procfs::processor_time,
    test_bed::Place,
};

/// Most endpoints of a workspace.
const ENDPOINTS_OF_A_WORKSPACE: usize = 50;
const WORKSPACES: usize = 2;
/// The default refresh rate; nothing is refreshed here.
const PACE: u32 = 10;

pub(super) async fn measure(
    place: &Place,
    store: &'static str,
    backend: Backend,
    quick: bool,
) -> anyhow::Result<Rate> {
    let cores = Cores::divide()?;
    let pids = [std::process::id(), place.simulator.id()];
    cores.keep_off(&pids)?;
    let measured = on_one_core(place, store, backend, &cores, quick).await;
    cores.give_back(&pids)?;
    measured
}

async fn on_one_core(
    place: &Place,
    store: &'static str,
    backend: Backend,
    cores: &Cores,
    quick: bool,
) -> anyhow::Result<Rate> {
    let events: u32 = if quick { 20 } else { 400 };
    let endpoints = WORKSPACES * ENDPOINTS_OF_A_WORKSPACE;
    println!("deliveries: {store}, {events} events for each of {endpoints} endpoints");
    let installation = Installation::found(place, backend, PACE).await?;
    let mut receivers = Receivers::start(endpoints - 1, true, &place.env).await?;
    let mut server = installation.serve(place).await?;
    for (number, urls) in receivers.urls.chunks(ENDPOINTS_OF_A_WORKSPACE).enumerate() {
        if number > 0 {
            server.api_key = installation.another_workspace(place)?;
        }
        for url in urls {
            server.post("/api/latchkey/v1/webhook-endpoints/", &json!({ "url": url })).await?;
        }
    }
    server.stop().await;
    for workspace in installation.store().await?.workspaces().await? {
        installation.queue(place, workspace.id, events).await?;
    }

    let server = installation.serve_on(place, cores.server, &Value::Null).await?;
    let deliveries = u64::from(events) * (endpoints as u64 - 1);
    let (first, last) = receivers.wait_for(deliveries).await?;
    let processor = processor_time(server.process.id())?;
    server.stop().await;
    let sent = f64::from(u32::try_from(deliveries)?);
    let rate = Rate {
        store,
        endpoints,
        deliveries,
        per_second: sent / last.since(first).as_secs_f64(),
        processor_us_each: processor.as_secs_f64() * 1e6 / sent,
    };
    println!(
        "deliveries: {store}: {:.0} a second, {:.0} µs of processor each",
        rate.per_second, rate.processor_us_each
    );
    Ok(rate)
}
