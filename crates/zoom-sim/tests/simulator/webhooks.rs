//! Webhooks.

use serde_json::{Value, json};

use crate::support::receiver::{Manners, SECRET_TOKEN};
use crate::support::scene::Scene;
use crate::support::text;

#[tokio::test]
async fn a_url_must_prove_that_it_knows_the_secret_token() {
    let scene = Scene::start().await;
    assert_eq!(scene.receiver.validations(), 1);
    scene.receiver.believe("another");
    let refused = scene.register(json!({})).await;
    assert_eq!(refused["validated"], false);
    assert_eq!(
        refused["last_validation"]["reason"],
        "encryptedToken was not computed with this secret token"
    );
    scene.change_user(json!({"active": false})).await;
    scene.receiver.believe(SECRET_TOKEN);
    let asked = scene.zoom.control("POST", &scene.hook("/validate"), Value::Null).await;
    assert_eq!((&asked["passed"], &asked["reason"]), (&json!(true), &Value::Null));
    assert!(scene.receiver.events().is_empty(), "no event is sent to a URL that has not been validated");

    let gone = json!({"url": "http://127.0.0.1:1/", "secret_token": "s"});
    let gone = scene.zoom.control("PUT", &scene.hook(""), gone).await;
    assert_eq!(gone["last_validation"]["reason"], "could not connect");
}

#[tokio::test]
async fn a_validated_url_is_validated_again_after_72_hours() {
    let scene = Scene::start().await;
    scene.zoom.advance(72 * 3600 - 60).await;
    let next = scene.zoom.control("GET", &scene.hook(""), Value::Null).await["next_validation_at"].clone();
    scene.receiver.believe("another");
    scene.zoom.advance(120).await;
    let asked = async || loop {
        let now = scene.zoom.control("GET", &scene.hook(""), Value::Null).await;
        if now["last_validation"]["passed"] == false {
            return now;
        }
    };
    let again = tokio::time::timeout(std::time::Duration::from_secs(30), asked()).await.unwrap();
    assert_eq!(scene.receiver.validations(), 2);
    assert_eq!(again["validated"], true, "one failure does not invalidate the URL");
    assert!(again["next_validation_at"].as_str() > next.as_str());
}

#[tokio::test]
async fn every_change_of_a_user_is_sent_signed_and_compact() {
    let scene = Scene::start().await;
    let changes = [
        (json!({"display_name": "Grace Höpper/\""}), "user.updated"),
        (json!({"active": false}), "user.deactivated"),
        (json!({"active": true}), "user.activated"),
    ];
    for (nth, (change, event)) in changes.into_iter().enumerate() {
        scene.change_user(change).await;
        let delivery = scene.after_attempts(1).await;
        assert_eq!((&delivery["event"], &delivery["state"]), (&json!(event), &json!("delivered")));
        let heard = scene.receiver.events()[nth].clone();
        assert!(heard.genuine);
        assert_eq!(heard.body, heard.json.to_string(), "compact, without unnecessary escapes");
        assert_eq!(heard.json["event"], event);
        assert_eq!(heard.json["payload"]["object"]["id"], scene.user.as_str());
        assert!((heard.json["event_ts"].as_i64().unwrap() / 1000 - heard.timestamp).abs() <= 2);
    }
    let updated = scene.receiver.events()[0].json["payload"].clone();
    assert_eq!(updated["object"], json!({"id": scene.user, "display_name": "Grace Höpper/\""}));
    assert_eq!(updated["old_object"], json!({"id": scene.user, "display_name": "ada"}));

    scene.zoom.control("DELETE", &format!("/users/{}", scene.user), Value::Null).await;
    let deleted = scene.after_attempts(1).await;
    assert_eq!(deleted["event"], "user.deleted");
    assert_eq!(scene.zoom.ask("GET", &format!("/users/{}", scene.user), Value::Null).await.status, 404);
}

#[tokio::test]
async fn an_app_receives_subscribed_events_of_its_own_users() {
    let scene = Scene::start().await;
    scene.register(json!({"events": ["user.deactivated"]})).await;
    let stranger = json!({"email": "s@partner.test", "account_id": "partner"});
    let stranger = text(&scene.zoom.control("POST", "/users", stranger).await, "id");
    scene.zoom.control("PATCH", &format!("/users/{stranger}"), json!({"active": false})).await;
    scene.change_user(json!({"display_name": "Grace"})).await;
    scene.change_user(json!({"active": false})).await;
    scene.after_attempts(1).await;
    let heard = scene.receiver.events();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].json["payload"]["object"]["id"], scene.user.as_str());
}

#[tokio::test]
async fn removing_an_app_ends_its_grant_and_notifies_it() {
    let scene = Scene::start().await;
    scene.register(json!({"events": []})).await;
    let tokens = scene.zoom.connect(&scene.app).await;
    let removal = format!("/users/{}/apps/{}", scene.user, scene.app.id);
    scene.zoom.control("DELETE", &removal, Value::Null).await;
    assert_eq!(scene.zoom.get("/v2/users/me", &tokens.access).await.status, 401);
    assert_eq!(scene.zoom.refresh(&scene.app, &tokens.refresh).await.body["error"], "invalid_grant");
    assert_eq!(scene.zoom.ask("DELETE", &removal, Value::Null).await.status, 404);

    scene.after_attempts(1).await;
    let heard = scene.receiver.events().pop().unwrap();
    let payload = &heard.json["payload"];
    assert!(heard.genuine);
    assert_eq!(heard.json["event"], "app_deauthorized");
    assert_eq!((&payload["client_id"], &payload["user_id"]), (&json!(scene.app.id), &json!(scene.user)));
    assert!(text(payload, "deauthorization_time").parse::<jiff::Timestamp>().is_ok());

    scene.zoom.control("PATCH", &format!("/apps/{}", scene.app.id), json!({"published": false})).await;
    scene.zoom.connect(&scene.app).await;
    scene.zoom.control("DELETE", &removal, Value::Null).await;
    scene.send("user.updated", "genuine").await;
    assert_eq!(scene.receiver.events().len(), 2, "an unpublished app is not notified");
}

#[tokio::test]
async fn a_failed_delivery_is_retried_after_5_20_and_60_minutes() {
    let scene = Scene::start().await;
    scene.receiver.behave(Manners::Answer(500));
    scene.change_user(json!({"active": false})).await;
    for (nth, minutes) in [5, 20, 60].into_iter().enumerate() {
        let waiting = scene.after_attempts(nth + 1).await;
        assert_eq!(waiting["state"], "waiting");
        let at = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let pause = at(&waiting["next_attempt_at"]) - at(&waiting["attempts"][nth]["at"]);
        assert_eq!(pause.get_seconds(), minutes * 60);
        scene.zoom.advance(minutes * 60).await;
    }
    let dropped = scene.after_attempts(4).await;
    assert_eq!((&dropped["state"], &dropped["next_attempt_at"]), (&json!("dropped"), &Value::Null));
    let heard = scene.receiver.events();
    assert!(heard.iter().all(|one| one.genuine && one.body == heard[0].body));
    assert!(heard[3].timestamp - heard[0].timestamp >= 85 * 60, "each attempt has a new signature");
}

#[tokio::test]
async fn a_late_answer_counts_as_no_answer() {
    let scene = Scene::start().await;
    scene.zoom.control("PATCH", "/switches", json!({"webhook_patience_ms": 20})).await;
    scene.receiver.behave(Manners::Silent);
    scene.change_user(json!({"active": false})).await;
    let late = scene.after_attempts(1).await;
    assert_eq!(
        (&late["state"], &late["attempts"][0]["error"]),
        (&json!("waiting"), &json!("no answer in time"))
    );
    scene.zoom.control("PATCH", "/switches", json!({"webhook_patience_ms": 3000})).await;
    scene.receiver.behave(Manners::Answer(200));
    scene.zoom.advance(300).await;
    assert_eq!(scene.after_attempts(2).await["state"], "delivered");
}

#[tokio::test]
async fn forged_stale_and_repeated_webhooks_are_sent_on_demand() {
    let scene = Scene::start().await;
    let genuine = scene.send("app_deauthorized", "genuine").await;
    scene.send("user.deleted", "forged").await;
    scene.send("user.deleted", "stale").await;
    let repeat = format!("/webhooks/{}/repeat", genuine["id"]);
    scene.zoom.control("POST", &repeat, Value::Null).await;
    let heard = scene.receiver.events();
    let genuine: Vec<bool> = heard.iter().map(|one| one.genuine).collect();
    assert_eq!(genuine, [true, false, true, true]);
    assert!(heard[0].timestamp - heard[2].timestamp >= 595);
    assert_eq!(heard[0].body, heard[3].body);
    assert_eq!(scene.zoom.stat("webhooks_taken").await, 5, "including the validation");
    assert_eq!(
        scene.zoom.get("/v2/users/me", &scene.zoom.connect(&scene.app).await.access).await.status,
        200
    );
}

#[tokio::test]
async fn the_list_of_deliveries_contains_no_secret() {
    let scene = Scene::start().await;
    scene.send("user.deleted", "forged").await;
    let list = scene.zoom.control("GET", "/webhooks", Value::Null).await.to_string();
    assert!(list.contains("user.deleted") && list.contains("forged"));
    assert!(!list.contains(SECRET_TOKEN) && !list.contains(&scene.app.secret));
}

#[tokio::test]
async fn invalid_webhook_requests_are_refused() {
    let scene = Scene::start().await;
    for url in ["https://127.0.0.1/", "http://example.test/", "http://10.0.0.1/", "nonsense"] {
        let answer = scene.zoom.ask("PUT", &scene.hook(""), json!({"url": url})).await;
        assert_eq!(answer.status, 400, "{url}");
    }
    let there = &scene.receiver.url;
    for body in
        [json!({"url": there, "events": ["moon"]}), json!({"url": there, "secret_token": ""}), json!({})]
    {
        assert_eq!(scene.zoom.ask("PUT", &scene.hook(""), body).await.status, 400);
    }
    assert_eq!(scene.zoom.ask("PUT", "/apps/none/webhook", json!({"url": there})).await.status, 404);
    assert_eq!(scene.zoom.ask("POST", "/webhooks/99/repeat", Value::Null).await.status, 404);
    scene.zoom.control("DELETE", &scene.hook(""), Value::Null).await;
    for (method, action) in [("GET", ""), ("DELETE", ""), ("POST", "/validate")] {
        assert_eq!(scene.zoom.ask(method, &scene.hook(action), Value::Null).await.status, 404);
    }
    let sent = json!({"event": "user.deleted", "user_id": "u"});
    assert_eq!(scene.zoom.ask("POST", &scene.hook("/send"), sent).await.status, 404);
}
