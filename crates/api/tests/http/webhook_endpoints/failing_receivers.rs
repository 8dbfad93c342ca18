//! A receiver that fails in every way during a day; one workspace whose receivers all hang.

use serde_json::json;

use super::{
    ENDPOINTS, HOUR, Heard, MINUTE, Mood, Receiver, app, ended_bot, endpoint, until_all, until_heard,
};

#[tokio::test]
async fn after_a_day_of_every_failure_each_event_has_arrived_once_in_order_and_signed() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({})).await;
    let mut bots = Vec::new();
    let moods = [Mood::Fails, Mood::Redirects, Mood::Hangs, Mood::Resets];
    for mood in moods.into_iter().cycle().take(3 * moods.len()) {
        receiver.is(mood);
        bots.push(ended_bot(&app).await);
        let before = receiver.taken();
        app.jump(2 * HOUR);
        let what = format!("an attempt was made: {mood:?}");
        app.wait_for(&what, async || (receiver.taken() > before).then_some(())).await;
        // The attempt ends, even if there is no answer.
        app.pass(MINUTE / 3).await;
    }
    let failed = receiver.heard().len();
    assert!(failed >= moods.len(), "only {failed} requests came");
    // An answer of 10 MB is an answer, too.
    receiver.is(Mood::Gushes);
    app.jump(10 * HOUR);
    until_all(&app, &made, "delivered").await;
    let heard = receiver.heard();
    assert!(heard.iter().all(|heard| heard.is_from_a_time_and_signed_by(made["secret"].as_str().unwrap())));
    let arrived = &heard[failed..];
    let mut ids: Vec<_> = arrived.iter().map(|heard| heard.header("webhook-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((arrived.len(), ids.len()), (2 * bots.len(), 2 * bots.len()), "each event once");
    for bot in bots {
        let of_bot = arrived.iter().map(Heard::json).filter(|body| body["data"]["bot"]["id"] == *bot);
        let kinds: Vec<_> = of_bot.map(|body| body["event"].clone()).collect();
        assert_eq!(kinds, ["bot.call_ended", "bot.done"]);
    }
}

/// Twice as many receivers as a workspace may have slots, each at its own host; then another workspace with one.
#[tokio::test]
async fn a_workspace_with_hanging_receivers_uses_only_its_share_of_slots() {
    const HANGING: usize = 40;
    let app = app().await;
    let mut hanging = Vec::new();
    for _ in 0..HANGING {
        let (receiver, url) = Receiver::start().await;
        receiver.is(Mood::Hangs);
        endpoint(&app, &url, json!({ "event_types": ["bot.done"] })).await;
        hanging.push(receiver);
    }
    let other = app.another_workspace().await;
    let (lively, url) = Receiver::start().await;
    let body = json!({ "url": url, "event_types": ["webhook_endpoint.disabled"] });
    let made = app.call_as(&other, "POST", ENDPOINTS, body).await.created();
    ended_bot(&app).await;
    let asked = || hanging.iter().filter(|receiver| !receiver.heard().is_empty()).count();
    app.without_time("some hang", async || (asked() >= 16).then_some(())).await;
    // Another workspace's event is sent immediately, while no hanging request has ended: the clock stands still.
    let test = format!("{ENDPOINTS}{}/test/", made["id"].as_str().unwrap());
    app.call_as(&other, "POST", &test, json!({})).await.ok();
    app.without_time("the other is told", async || (!lively.heard().is_empty()).then_some(())).await;
    assert!(asked() < 32, "{} endpoints of one workspace hang at once", asked());
    // The other receivers get their turn after these.
    let all = async || {
        app.jump(MINUTE / 60);
        (asked() == HANGING).then_some(())
    };
    app.wait_for("all were asked", all).await;
    until_heard(&app, &lively, 1).await;
}
