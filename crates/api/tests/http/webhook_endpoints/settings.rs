//! Endpoints as their owner sees them: secrets, tests, disabling, refusals.

use model::EventId;
use serde_json::{Value, json};
use store::NewEvent;

use super::{
    ENDPOINTS, EVENTS, HOUR, Mood, Receiver, app, ended_bot, endpoint, path, until_all, until_heard,
};

#[tokio::test]
async fn other_endpoints_are_notified_who_disabled_an_endpoint() {
    let app = app().await;
    let ((quiet, quiet_url), (witness, witness_url)) = (Receiver::start().await, Receiver::start().await);
    let made = endpoint(&app, &quiet_url, json!({ "description": "ours" })).await;
    endpoint(&app, &witness_url, json!({ "event_types": ["webhook_endpoint.disabled"] })).await;
    for _ in 0..2 {
        let off =
            app.call_as(&app.api_key, "PATCH", &path(&made, ""), json!({ "enabled": false })).await.ok();
        assert_eq!(off["state"], "disabled");
    }
    let told = until_heard(&app, &witness, 1).await[0].json()["data"].clone();
    assert_eq!(told["webhook_endpoint"], json!({ "id": made["id"], "description": "ours" }));
    let keys = app.get("/api/latchkey/v1/api-keys/").await.ok();
    assert_eq!(told["switched_off_by"]["api_key"], keys["results"][0]["id"]);
    ended_bot(&app).await;
    let listed = app.get(&format!("{EVENTS}?event_type=webhook_endpoint.disabled")).await.ok();
    assert_eq!(listed["results"].as_array().unwrap().len(), 1, "once");
    assert!(quiet.heard().is_empty());
}

#[tokio::test]
async fn each_message_verifies_during_rotations_under_load() {
    const EVENTS_BETWEEN: usize = 60;
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "event_types": ["bot.done"] })).await;
    let workspace = app.workspace().await;
    let happens = async |count: usize| {
        for _ in 0..count {
            let (id, data) = (EventId::generate(&app.env), json!({}));
            let event = NewEvent::other(id, workspace, ("bot.done", &id), &data, app.env.now());
            app.store.add_event(&event).await.unwrap();
        }
    };
    let mut secrets = vec![made["secret"].as_str().unwrap().to_owned()];
    let mut heard_before = Vec::new();
    for _ in 0..4 {
        let rotation = path(&made, "rotate-secret/");
        let ((), rotated) =
            tokio::join!(happens(EVENTS_BETWEEN), app.post(&rotation, json!({ "overlap_seconds": 3600 })));
        heard_before.push(receiver.heard().len());
        secrets.push(rotated.ok()["secret"].as_str().unwrap().to_owned());
        happens(EVENTS_BETWEEN / 4).await;
    }
    until_all(&app, &made, "delivered").await;
    let heard = receiver.heard();
    assert_eq!(heard.len(), 4 * (EVENTS_BETWEEN + EVENTS_BETWEEN / 4), "each event once");
    for (number, message) in heard.iter().enumerate() {
        // A receiver knows the secret from before the last rotation, and the new one.
        let newest = heard_before.iter().filter(|before| number >= **before).count().max(1);
        let has = &secrets[newest - 1..=newest];
        assert!(has.iter().any(|secret| message.is_signed_by(secret, app.env.now())), "message {number}");
    }
}

#[tokio::test]
async fn both_secrets_sign_while_one_replaces_the_other() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "event_types": ["bot.done"] })).await;
    let old = made["secret"].as_str().unwrap().to_owned();
    let rotated = app.post(&path(&made, "rotate-secret/"), json!({})).await.ok();
    let new = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(rotated["former_secrets_end_at"], json!([(app.env.now() + 24 * HOUR).to_string()]));
    assert_eq!(app.get(&path(&made, "")).await.ok()["secret"], "********");

    ended_bot(&app).await;
    let heard = until_heard(&app, &receiver, 1).await;
    assert!(heard[0].is_signed_by(&old, app.env.now()) && heard[0].is_signed_by(&new, app.env.now()));
    app.jump(24 * HOUR);
    ended_bot(&app).await;
    let heard = until_heard(&app, &receiver, 2).await;
    assert!(!heard[1].is_signed_by(&old, app.env.now()) && heard[1].is_signed_by(&new, app.env.now()));

    // A rotation without overlap ends a leaked secret at once.
    let own = "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDE=";
    let body = json!({ "overlap_seconds": 0, "secret": own });
    let rotated = app.post(&path(&made, "rotate-secret/"), body).await.ok();
    assert_eq!((&rotated["secret"], &rotated["former_secrets_end_at"]), (&json!(own), &json!([])));
    ended_bot(&app).await;
    let heard = until_heard(&app, &receiver, 3).await;
    assert!(!heard[2].is_signed_by(&new, app.env.now()) && heard[2].is_signed_by(own, app.env.now()));
}

#[tokio::test]
async fn an_endpoint_is_tested_and_events_are_replayed() {
    let app = app().await;
    ended_bot(&app).await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "event_types": ["bot.done"] })).await;
    let test = app.post(&path(&made, "test/"), json!({})).await.ok();
    let heard = until_heard(&app, &receiver, 1).await;
    assert_eq!(heard[0].header("webhook-id"), format!("msg_{}", test["event"].as_str().unwrap()));
    assert_eq!(heard[0].json()["event"], "webhook_endpoint.test");

    // The first bot's events were never sent to it.
    let since = (app.env.now() - HOUR).to_string();
    let replayed = app.post(&path(&made, "replay/"), json!({ "since": since })).await.ok();
    assert_eq!(replayed["events"], 1);
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(heard[1].json()["event"], "bot.done");
    until_all(&app, &made, "delivered").await;
    let event = heard[1].header("webhook-id").strip_prefix("msg_").unwrap().to_owned();
    let retried = app.post(&path(&made, &format!("deliveries/{event}/retry/")), json!({})).await.ok();
    assert_eq!(retried["state"], "pending");
    let heard = until_heard(&app, &receiver, 3).await;
    assert_eq!(heard[2].body, heard[1].body);

    let wrong = json!({ "since": since, "until": since });
    let refused = app.post(&path(&made, "replay/"), wrong).await.refused();
    assert_eq!(refused, json!({ "until": ["It must be later than since."] }));
}

#[tokio::test]
async fn errors_of_an_endpoint_are_reported() {
    let app = app().await;
    let refused = async |body: Value| app.post(ENDPOINTS, body).await.refused();
    let closed = "This address may not be called: a public one needs https, a private one an entry in callbacks.allow_networks.";
    let no_url = "It must be an http or https URL without user and password.";
    for (url, words) in [
        ("ftp://example.com/", no_url),
        ("nonsense", no_url),
        ("https://ada:secret@example.com/", no_url),
        ("https://10.0.0.1/", closed),
        ("http://192.168.1.1/", closed),
    ] {
        assert_eq!(refused(json!({ "url": url })).await, json!({ "url": [words] }), "{url}");
    }
    let url = "http://127.0.0.1:9/";
    let wrong = refused(json!({ "url": url, "event_types": ["bot.don", "bot.ready"] })).await;
    let words = wrong["event_types"].as_array().unwrap();
    assert!(
        words[0].as_str().unwrap().contains("did you mean bot.done? The types are: bot.joining_call, "),
        "{wrong}"
    );
    assert_eq!(words.len(), 2);
    let wrong = refused(json!({ "url": url, "event_types": ["*", "bot.done"] })).await;
    assert_eq!(wrong["event_types"][0], "\"*\" stands for all types: give it alone.");
    let wrong = refused(json!({ "url": url, "secret": "whsec_c2hvcnQ=" })).await;
    assert_eq!(wrong["secret"][0], "It must be whsec_ and the Base64 of 24 to 64 random bytes.");
    for _ in 0..50 {
        endpoint(&app, url, json!({ "enabled": false })).await;
    }
    let one_more = refused(json!({ "url": url })).await;
    assert_eq!(one_more["code"], "too_many_webhook_endpoints");

    let listed = app.get(ENDPOINTS).await.ok();
    let first = &listed["results"][0];
    let (masked, first) = (json!({ "url": "http://127.0.0.1/?********" }), path(first, ""));
    let wrong = app.call_as(&app.api_key, "PATCH", &first, masked).await.refused();
    assert!(wrong["url"][0].as_str().unwrap().starts_with("Give the complete address"), "{wrong}");
}

#[tokio::test]
async fn no_secret_is_shown_or_stored() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let secret = "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC0wMDAwMDAwMQ==";
    let made = endpoint(&app, &url, json!({ "secret": secret, "event_types": ["bot.done"] })).await;
    receiver.is(Mood::Echoes);
    // The receiver's answer repeats its secret.
    let body = json!({ "meeting_url": "https://zoom.us/j/123456789", "metadata": { "s": &secret[6..] } });
    let bot = app.bot(body).await;
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    let deliveries = until_all(&app, &made, "delivered").await;
    let answer = deliveries[0]["answer"].to_string();
    assert!(answer.contains("********") && !answer.contains(&secret[6..]), "{answer}");
    let shown = app.get(ENDPOINTS).await.text + &app.get(&path(&made, "")).await.text;
    assert!(shown.contains("?********") && !shown.contains("planted"), "{shown}");
    let stored = app.bytes_of_the_store();
    let stored = String::from_utf8_lossy(&stored);
    assert!(!stored.contains("planted-in-the-query") && !stored.contains(secret));
}
