//! A panic in a background loop under the API: it is counted, the loop restarts, and requests are still answered. The
//! broker's own loops are in its tests.

use std::sync::Arc;

use metrics::Metrics;
use sealing::Provider;
use serde_json::json;
use tokio::task::yield_now;
use workers::Workers;

use crate::test_app::TestApp;

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

fn all_panicked(metrics: &str) -> bool {
    panics(metrics).iter().all(|(_, count)| *count > 0)
}

#[tokio::test]
async fn every_loop_that_panics_is_counted_and_restarts() {
    let (app, clock) = TestApp::with_a_panicking_clock().await;
    let metrics = Metrics::default();
    let workers = Workers::new(app.env.clone(), Arc::new(metrics.clone()));
    app.links.start(&workers).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ring = || Provider::file(folder.path().join("keys.json"));
    ring().create(&app.env).await.unwrap();
    let keys = Arc::new(ring().open(&app.env).await.unwrap());
    workers.run("sealing_keys", move || {
        let keys = Arc::clone(&keys);
        async move { keys.run_reload_worker().await }
    });
    // The log's loop pauses once for each bot.
    let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890", "bot_name": "Notes", "join_at": "2099-01-01T00:00:00Z" });
    loop {
        app.post("/api/v1/bot/", bot.clone()).await.created();
        yield_now().await;
        let (of_the_app, of_the_others) = (app.get("/metrics").await.text, metrics.text());
        let loops = panics(&of_the_app).len() + panics(&of_the_others).len();
        if all_panicked(&of_the_app) && all_panicked(&of_the_others) && clock.started_anew() >= loops {
            assert!(loops > 15, "{of_the_app}{of_the_others}");
            return;
        }
    }
}
