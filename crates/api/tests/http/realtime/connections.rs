//! WebSockets that are refused, or have a broken receiver.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Mood, Receiver, Running, app, endpoint, until_numbers, until_state};

/// The bot's only endpoint, as the API shows it.
async fn shown(running: &Running<'_>) -> Value {
    let path = format!("/api/latchkey/v1/bot/{}/realtime-endpoints/", running.bot.id);
    running.app.get(&path).await.ok()["results"][0].clone()
}

#[tokio::test]
async fn refused_and_corrupted_connections_are_retried_and_nothing_is_lost() {
    let app = app().await;
    for mood in [Mood::Fails, Mood::Garbles, Mood::Shouts] {
        let (receiver, host) = Receiver::start().await;
        receiver.is(mood);
        let mut running =
            Running::start(&app, json!([endpoint("websocket", &host, &["participant_events.join"])])).await;
        let began = app.env.now();
        for id in 1..=3 {
            running.join(id).await;
        }
        let what = format!("it was retried: {mood:?}");
        app.wait_for(&what, async || (receiver.with(|inner| inner.connections) >= 2).then_some(())).await;
        let failing = app
            .wait_for("the failure is written down", async || {
                let shown = shown(&running).await;
                (shown["failures"].as_u64() >= Some(1)).then_some(shown)
            })
            .await;
        assert_eq!((&failing["state"], &failing["told"]), (&json!("waiting"), &json!(0)), "{mood:?}");
        assert!(failing["failing_since"].as_str().unwrap().parse::<model::Timestamp>().unwrap() >= began);
        assert!(receiver.numbers().is_empty(), "{mood:?}");
        receiver.is(Mood::Fine);
        app.jump(Duration::from_secs(60));
        until_numbers(&app, &receiver, &[1, 2, 3]).await;
        until_state(&running, "running").await;
        assert_eq!(shown(&running).await["failing_since"], Value::Null);
        running.ends().await;
        until_state(&running, "done").await;
    }
}
