//! A panic in a background loop of what the API stands on: it is counted, the loop starts anew, and requests are answered. The
//! broker's own loops are in its tests.

use std::sync::Arc;

use metrics::Metrics;
use sealing::Provider;
use serde_json::json;
use tokio::task::yield_now;
use workers::Workers;

use crate::test_app::TestApp;

const OF_THE_APP: [&str; 12] = [
    "alarms",
    "bot_log",
    "bot_presence",
    "bot_retention",
    "bots",
    "bots_to_close",
    "connections",
    "event_retention",
    "realtime",
    "realtime_connections",
    "webhook_backlog",
    "webhooks",
];
const OF_TOKEN_LINKS: [&str; 3] = ["link_refusals", "link_uses", "used_ids"];
/// The binary's own.
const OF_THE_KEY_RING: &str = "sealing_keys";

fn panicked(metrics: &str, workers: &[&str]) -> bool {
    let line = |worker| format!("latchkey_worker_panics_total{{worker=\"{worker}\"}} 1");
    workers.iter().all(|worker| metrics.lines().any(|it| it == line(worker)))
}

#[tokio::test]
async fn a_loop_that_panics_is_counted_and_starts_anew() {
    let (app, clock) = TestApp::with_a_panicking_clock().await;
    let metrics = Metrics::default();
    let workers = Workers::new(app.env.clone(), Arc::new(metrics.clone()));
    app.links.start(&workers).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ring = || Provider::file(folder.path().join("keys.json"));
    ring().create(&app.env).await.unwrap();
    let keys = Arc::new(ring().open(&app.env).await.unwrap());
    workers.run(OF_THE_KEY_RING, move || {
        let keys = Arc::clone(&keys);
        async move { keys.run_reload_worker().await }
    });
    // The log's loop pauses once for each bot.
    let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890", "bot_name": "Notes", "join_at": "2099-01-01T00:00:00Z" });
    while clock.started_anew() < OF_THE_APP.len() + OF_TOKEN_LINKS.len() + 1 {
        app.post("/api/v1/bot/", bot.clone()).await.created();
        yield_now().await;
    }
    let text = app.get("/metrics").await.text;
    assert!(panicked(&text, &OF_THE_APP), "{text}");
    let text = metrics.text();
    assert!(panicked(&text, &OF_TOKEN_LINKS) && panicked(&text, &[OF_THE_KEY_RING]), "{text}");
}
