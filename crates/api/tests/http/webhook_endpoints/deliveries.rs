//! What an endpoint receives: each event once, in order, whatever the receiver does.

use std::time::Duration;

use serde_json::{Value, json};

use super::{HOUR, Heard, MINUTE, Mood, Receiver, app, ended_bot, endpoint, path, until_all, until_heard};

#[tokio::test]
async fn a_bots_status_changes_are_delivered_in_order_and_signed() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "svix_headers": true })).await;
    assert_eq!((&made["event_types"], &made["state"]), (&json!(["*"]), &json!("enabled")));
    let bot = ended_bot(&app).await;
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(receiver.kinds(), ["bot.call_ended", "bot.done"]);
    for (number, message) in heard.iter().enumerate() {
        assert!(message.is_signed_by(made["secret"].as_str().unwrap(), app.env.now()));
        assert_eq!(message.header("latchkey-sequence"), (number + 1).to_string());
        assert_eq!(message.header("content-type"), "application/json");
        for part in ["id", "timestamp", "signature"] {
            assert_eq!(message.header(&format!("svix-{part}")), message.header(&format!("webhook-{part}")));
        }
    }
    let body = heard[0].json();
    let at = body["data"]["data"]["updated_at"].clone();
    let expected = json!({ "event": "bot.call_ended", "data": {
        "data": { "code": "call_ended", "sub_code": "bot_received_leave_call", "updated_at": at },
        "bot": { "id": bot, "metadata": { "a": "b" } },
    }});
    assert_eq!(body, expected);

    let listed = until_all(&app, &made, "delivered").await;
    let last = &listed[0];
    assert_eq!((&last["event_type"], &last["attempts"]), (&json!("bot.done"), &json!(1)));
    assert_eq!(last["answer"]["status"], 204);
    assert_eq!(last["request"]["body"], heard[1].json());
    assert_eq!(last["request"]["headers"]["webhook-id"], heard[1].header("webhook-id"));
    let one = app.get(&path(&made, &format!("deliveries/{}/", last["event"].as_str().unwrap()))).await.ok();
    assert_eq!(one, *last);
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("latchkey_webhook_attempts_total{outcome=\"delivered\"} 2"), "{metrics}");
}

#[tokio::test]
async fn undelivered_events_are_sent_again_with_the_same_id_and_in_order() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({})).await;
    for mood in [Mood::Fails, Mood::Redirects, Mood::Hangs] {
        receiver.is(mood);
        let before = receiver.heard().len();
        ended_bot(&app).await;
        let first = until_heard(&app, &receiver, before + 1).await[before].clone();
        let what = format!("the attempt has ended: {mood:?}");
        let failed = app
            .wait_for(&what, async || {
                let listed = app.get(&path(&made, "deliveries/?state=pending")).await.ok();
                let found = listed["results"].as_array()?.iter().find(|one| one["attempts"] != 0)?.clone();
                Some(found)
            })
            .await;
        let error = failed["answer"]["error"].as_str().unwrap().to_owned();
        let expected = match mood {
            Mood::Fails => "the answer is HTTP 500",
            Mood::Redirects => "the answer is a redirect (HTTP 302), which is never followed",
            _ => "no answer within 15 s",
        };
        assert_eq!(error, expected);
        receiver.is(Mood::Fine);
        until_all(&app, &made, "delivered").await;
        let heard = receiver.heard();
        let ids: Vec<_> = heard[before..].iter().map(|heard| heard.header("webhook-id")).collect();
        assert!(ids.len() >= 3 && ids[..ids.len() - 1].iter().all(|id| *id == first.header("webhook-id")));
        assert_eq!(receiver.kinds()[receiver.kinds().len() - 2..], ["bot.call_ended", "bot.done"]);
    }
}

#[tokio::test]
async fn a_receiver_that_resets_connections_gets_every_event_once_and_in_order_later() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    receiver.is(Mood::Resets);
    let made = endpoint(&app, &url, json!({})).await;
    let bots = [ended_bot(&app).await, ended_bot(&app).await];
    let failed = app.wait_for("both were tried", async || {
        let listed = app.get(&path(&made, "deliveries/?state=pending")).await.ok();
        let tried = listed["results"].as_array()?.iter().filter(|one| one["attempts"] != 0).cloned();
        Some(tried.collect::<Vec<_>>()).filter(|tried| tried.len() == 2)
    });
    for delivery in failed.await {
        assert_eq!(delivery["answer"]["error"], "the server cannot be reached: the connection broke");
    }
    assert!(receiver.heard().is_empty());
    receiver.is(Mood::Fine);
    until_all(&app, &made, "delivered").await;
    let heard = receiver.heard();
    assert_eq!(heard.len(), 4, "each event once");
    assert!(heard.iter().all(|heard| heard.is_signed_by(made["secret"].as_str().unwrap(), app.env.now())));
    for bot in bots {
        let of_bot = heard.iter().map(Heard::json).filter(|body| body["data"]["bot"]["id"] == *bot);
        let kinds: Vec<_> = of_bot.map(|body| body["event"].clone()).collect();
        assert_eq!(kinds, ["bot.call_ended", "bot.done"]);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_sent_one_event_and_the_others_keep_their_attempts() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "event_types": ["bot.done"] })).await;
    receiver.is(Mood::Fails);
    ended_bot(&app).await;
    until_heard(&app, &receiver, 1).await;
    app.jump(6 * MINUTE);
    until_heard(&app, &receiver, 2).await;
    // It is down. Many events happen meanwhile.
    for _ in 0..10 {
        ended_bot(&app).await;
    }
    app.jump(MINUTE);
    let before = receiver.heard().len();
    until_heard(&app, &receiver, before + 1).await;
    let deliveries =
        async || app.get(&path(&made, "deliveries/")).await.ok()["results"].as_array().unwrap().clone();
    let probed = app.wait_for("the probe is written down", async || {
        let all = deliveries().await;
        let tried: u64 = all.iter().map(|delivery| delivery["attempts"].as_u64().unwrap()).sum();
        (tried >= receiver.heard().len() as u64).then_some(all)
    });
    let probed = probed.await;
    let untouched = probed.iter().filter(|delivery| delivery["attempts"] == 0).count();
    assert!(untouched >= 8, "{untouched} of 10 keep their attempts");

    // A test event on request does not wait for the next probe.
    let test = app.post(&path(&made, "test/"), json!({})).await.ok();
    let heard = app.without_time("the test is tried", async || {
        let id = format!("msg_{}", test["event"].as_str().unwrap());
        receiver.heard().iter().any(|heard| heard.header("webhook-id") == id).then_some(())
    });
    heard.await;
    receiver.is(Mood::Fine);
    app.jump(MINUTE);
    until_all(&app, &made, "delivered").await;
}

#[tokio::test]
async fn only_the_beginning_of_an_endless_answer_is_stored() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    receiver.is(Mood::Gushes);
    let made = endpoint(&app, &url, json!({ "event_types": "bot.done" })).await;
    ended_bot(&app).await;
    let [delivery] = &until_all(&app, &made, "delivered").await[..] else { panic!("one type, one event") };
    assert_eq!(delivery["answer"]["body"].as_str().unwrap().len(), 4096);
    assert_eq!(receiver.kinds(), ["bot.done"]);
}

#[tokio::test]
async fn a_receiver_that_was_down_for_a_day_gets_every_event_once_and_in_order() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    receiver.is(Mood::Fails);
    let made = endpoint(&app, &url, json!({})).await;
    let bots = [ended_bot(&app).await, ended_bot(&app).await];
    for _ in 0..12 {
        app.jump(2 * HOUR);
        let before = receiver.heard().len();
        let looked = app.env.now();
        app.wait_for("a while has passed", async || {
            (receiver.heard().len() > before || app.env.now().since(looked) > Duration::from_secs(3))
                .then_some(())
        })
        .await;
    }
    let failed = receiver.heard().len();
    receiver.is(Mood::Fine);
    app.jump(10 * HOUR);
    until_all(&app, &made, "delivered").await;
    let heard = receiver.heard().split_off(failed);
    assert_eq!(heard.len(), 4, "each event once");
    for bot in bots {
        let of_bot = heard.iter().map(Heard::json).filter(|body| body["data"]["bot"]["id"] == *bot);
        let kinds: Vec<_> = of_bot.map(|body| body["event"].clone()).collect();
        assert_eq!(kinds, ["bot.call_ended", "bot.done"]);
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_for_five_days_is_disabled_and_others_are_notified() {
    let app = app().await;
    let ((dead, dead_url), (live, live_url)) = (Receiver::start().await, Receiver::start().await);
    dead.is(Mood::Fails);
    let made = endpoint(&app, &dead_url, json!({ "event_types": ["bot.done"] })).await;
    endpoint(&app, &live_url, json!({ "event_types": ["webhook_endpoint.disabled"] })).await;
    for _ in 0..20 {
        let before = dead.heard().len();
        ended_bot(&app).await;
        app.wait_for("one of both has heard", async || {
            (dead.heard().len() > before || !live.heard().is_empty()).then_some(())
        })
        .await;
        app.jump(12 * HOUR);
    }
    let told = until_heard(&app, &live, 1).await[0].json();
    assert_eq!(told["event"], "webhook_endpoint.disabled");
    assert_eq!(told["data"]["webhook_endpoint"]["id"], made["id"]);
    let found = app.get(&path(&made, "")).await.ok();
    assert_eq!(found["state"], "failed");
    let heard = dead.heard().len();
    ended_bot(&app).await;
    app.jump(12 * HOUR);
    assert_eq!(dead.heard().len(), heard, "nothing more is sent to it");

    dead.is(Mood::Fine);
    let on = app.call_as(&app.api_key, "PATCH", &path(&made, ""), json!({ "enabled": true })).await.ok();
    assert_eq!((&on["state"], &on["failing_since"]), (&json!("enabled"), &Value::Null));
    until_heard(&app, &dead, heard + 1).await;
}
