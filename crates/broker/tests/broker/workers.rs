//! Each background loop is a separate task: a panic in it is logged and counted, and the loop restarts.

use std::{sync::Arc, time::Duration};

use model::{Environment, PanickingClock};
use tokio::task::yield_now;
use workers::Workers;

use crate::harness::Fixture;

/// The series of panics, one for each loop that was started. The audit's writer is a task for each batch, and no loop.
fn panics(metrics: &str) -> Vec<(&str, u32)> {
    let series =
        metrics.lines().filter_map(|line| line.strip_prefix("latchkey_worker_panics_total{worker=\""));
    let counts = series.map(|line| line.split_once("\"} ").unwrap());
    counts
        .filter(|(worker, _)| *worker != "audit")
        .map(|(worker, count)| (worker, count.parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn every_loop_that_panics_is_counted_and_restarts() {
    let fixture = Fixture::start().await;
    let clock = Arc::new(PanickingClock::new(fixture.clock.clone()));
    let env = Environment { clock: clock.clone(), entropy: fixture.env.entropy.clone() };
    let parts = fixture.parts(env.clone()).await;
    let metrics = parts.metrics.clone();
    let workers = Workers::new(env, Arc::new(metrics.clone()));
    let running = broker::Broker::start(parts, &workers, Duration::from_secs(3600)).await.unwrap();
    let mut text = metrics.text();
    while panics(&text).iter().any(|(_, count)| *count == 0) || clock.started_anew() < panics(&text).len() {
        yield_now().await;
        text = metrics.text();
    }
    assert!(panics(&text).len() > 10 && panics(&text).iter().all(|(_, count)| *count == 1), "{text}");
    // Tokens are given even after the workers' panics.
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
    assert_eq!(Arc::strong_count(&broker), 1, "no worker uses it any more");
}
