//! The callback secret, and its rotation under load.

use std::time::Duration;

use axum::{body::Body, http::Request};
use model::Secret;
use outbound::signature::SigningKey;
use serde_json::{Value, json};

use crate::{app, test_app::TestApp};

const SECRET: &str = "/api/latchkey/v1/callback-secret/";
const ROTATE: &str = "/api/latchkey/v1/callback-secret/rotate/";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn key(answer: &Value) -> SigningKey {
    SigningKey::parse(&Secret::new(answer["secret"].as_str().unwrap())).unwrap()
}

/// Whether a link accepts the signature of `key`. Its later answer depends on Zoom, whose clock stands still.
async fn knows(app: &TestApp, link: &str, key: &SigningKey, id: &str) -> bool {
    let now = app.env.now();
    let request = Request::builder()
        .uri(app.path_of(link))
        .header("webhook-id", id)
        .header("webhook-timestamp", now.as_second())
        .header("webhook-signature", key.sign(id, now, b""));
    let answer = app.send(request.body(Body::empty()).unwrap()).await;
    assert!(answer.status != 401 || answer.text.starts_with("signature_invalid"), "{}", answer.text);
    answer.status != 401
}

#[tokio::test]
async fn both_secrets_are_valid_for_a_day() {
    let app = app().await;
    let link = app.token_link(&app.connect(&app.zoom.user("ada@example.test", "Ada").await).await).await;
    let old = app.get(SECRET).await.ok();
    assert_eq!(old["former_ends_at"], Value::Null);
    assert!(knows(&app, &link, &key(&old), "msg_1").await);

    let new = app.post(ROTATE, json!({})).await.ok();
    assert_eq!(new["former_ends_at"], (app.env.now() + DAY).to_string());
    assert_eq!(app.get(SECRET).await.ok(), new);
    // A link caches its keys for a second.
    app.jump(Duration::from_secs(1));
    assert!(knows(&app, &link, &key(&new), "msg_2").await);
    assert!(knows(&app, &link, &key(&old), "msg_3").await);

    app.jump(DAY);
    assert!(!knows(&app, &link, &key(&old), "msg_4").await);
    assert!(knows(&app, &link, &key(&new), "msg_5").await);
    assert_eq!(app.get(SECRET).await.ok()["former_ends_at"], Value::Null);
}

#[tokio::test]
async fn a_second_rotation_waits_or_ends_both() {
    let app = app().await;
    let link = app.token_link(&app.connect(&app.zoom.user("ada@example.test", "Ada").await).await).await;
    let first = app.get(SECRET).await.ok();
    let second = app.post(ROTATE, json!({ "overlap_seconds": 3600 })).await.ok();
    let refused = app.post(ROTATE, json!({})).await.refused();
    assert_eq!(refused["code"], "callback_secret_rotating");
    assert_eq!(app.get(SECRET).await.ok(), second, "nothing changed");

    let third = app.post(ROTATE, json!({ "overlap_seconds": 0 })).await.ok();
    assert_eq!(third["former_ends_at"], Value::Null);
    app.jump(Duration::from_secs(1));
    for (id, secret, counts) in [("msg_1", &first, false), ("msg_2", &second, false), ("msg_3", &third, true)]
    {
        assert_eq!(knows(&app, &link, &key(secret), id).await, counts, "{id}");
    }
    let wrong = app.post(ROTATE, json!({ "overlap_seconds": 86_401 })).await.refused();
    assert_eq!(wrong, json!({ "overlap_seconds": ["It must not be more than a day: 86400."] }));
}

#[tokio::test]
async fn concurrent_rotations_each_answer_correctly() {
    let app = app().await;
    let rotations = (0..4).map(|_| app.post(ROTATE, json!({})));
    let answers = futures_util::future::join_all(rotations).await;
    let done: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(done.len(), 1, "{answers:?}");
    assert_eq!(app.get(SECRET).await.ok(), done[0].json());
}
