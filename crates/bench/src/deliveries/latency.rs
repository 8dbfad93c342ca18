//! Latency from a change to its receiver.

use serde_json::json;
use stage::text;

use super::{Latency, receivers::Receivers};
use crate::{
    installation::{Backend, Installation},
    test_bed::Place,
};

/// The default refresh rate; nothing is refreshed here.
const PACE: u32 = 10;

/// Disables an endpoint repeatedly: a change of state that needs no call to Zoom. Measures from the call until another
/// endpoint has the event, so the figure includes the call itself.
pub(super) async fn measure(
    place: &Place,
    store: &'static str,
    backend: Backend,
    quick: bool,
) -> anyhow::Result<Latency> {
    let changes = if quick { 20 } else { 500 };
    println!("deliveries: {store}, {changes} changes, one at a time");
    let installation = Installation::found(place, backend, PACE).await?;
    let server = installation.serve(place).await?;
    let mut receivers = Receivers::start(1, false, &place.env).await?;
    let endpoints = "/api/latchkey/v1/webhook-endpoints/";
    let hears = json!({ "url": receivers.urls[0], "event_types": ["webhook_endpoint.disabled"] });
    server.post(endpoints, &hears).await?;
    let deaf = json!({ "url": receivers.urls[0], "event_types": ["bot.done"] });
    let switched = format!("{endpoints}{}/", text(&server.post(endpoints, &deaf).await?, "id")?);

    let (switch_off, switch_on) = (json!({ "enabled": false }), json!({ "enabled": true }));
    let mut milliseconds = Vec::with_capacity(changes);
    for change in 1..=changes {
        let begun = place.env.now();
        server.patch(&switched, &switch_off).await?;
        let (_, heard_at) = receivers.wait_for(change as u64).await?;
        milliseconds.push(heard_at.since(begun).as_secs_f64() * 1e3);
        server.patch(&switched, &switch_on).await?;
    }
    server.stop().await;
    milliseconds.sort_by(f64::total_cmp);
    let of_hundred = |percent: usize| milliseconds[(changes * percent / 100).min(changes - 1)];
    let latency = Latency { store, p50_ms: of_hundred(50), p99_ms: of_hundred(99), changes };
    println!("deliveries: {store}: p50 {:.1} ms, p99 {:.1} ms", latency.p50_ms, latency.p99_ms);
    Ok(latency)
}
