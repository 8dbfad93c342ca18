//! Each background loop is a task of its own: a panic in it is logged and counted, and the loop restarts.

use std::{sync::Arc, time::Duration};

use model::{Environment, PanickingClock};
use tokio::task::yield_now;
use workers::Workers;

use crate::harness::Fixture;

/// The background loops of a broker.
const WORKERS: [&str; 11] = [
    "refresh",
    "escrow",
    "received_events",
    "meeting_sync",
    "gone_meetings",
    "parked_consents",
    "zoom_limits",
    "audit_journal",
    "audit_upkeep",
    "expiry",
    "zoom_clock",
];

#[tokio::test]
async fn a_worker_that_panics_is_counted_and_starts_anew() {
    let fixture = Fixture::start().await;
    let clock = Arc::new(PanickingClock::new(fixture.clock.clone()));
    let env = Environment { clock: clock.clone(), entropy: fixture.env.entropy.clone() };
    let parts = fixture.parts(env.clone()).await;
    let metrics = parts.metrics.clone();
    let workers = Workers::new(env, Arc::new(metrics.clone()));
    let running = broker::Broker::start(parts, &workers, Duration::from_secs(3600)).await.unwrap();
    while clock.started_anew() < WORKERS.len() {
        yield_now().await;
    }
    let text = metrics.text();
    for worker in WORKERS {
        let line = format!("latchkey_worker_panics_total{{worker=\"{worker}\"}} 1");
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    // Whatever has happened to the workers, tokens are given.
    let id = fixture.connect().await;
    fixture.zak(id).await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn a_stop_ends_every_worker_and_task() {
    let fixture = Fixture::start().await;
    let parts = fixture.parts(fixture.env.clone()).await;
    let workers = Workers::new(fixture.env.clone(), Arc::new(parts.metrics.clone()));
    let tasks = parts.tasks.clone();
    let running = broker::Broker::start(parts, &workers, Duration::from_secs(3600)).await.unwrap();
    let broker = Arc::clone(running.broker());
    running.stop().await;
    assert!(tasks.is_closed() && tasks.is_empty());
    assert_eq!(Arc::strong_count(&broker), 1, "no worker holds it any more");
}
