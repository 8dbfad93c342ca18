//! The callback secret, and how it is replaced while everybody goes on.

use std::time::Duration;

use axum::{body::Body, http::Request};
use broker::signature::SigningKey;
use model::Secret;
use serde_json::{Value, json};

use crate::{house::House, office};

const SECRET: &str = "/api/latchkey/v1/callback-secret/";
const ROTATE: &str = "/api/latchkey/v1/callback-secret/rotate/";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn key(answer: &Value) -> SigningKey {
    SigningKey::parse(&Secret::new(answer["secret"].as_str().unwrap())).unwrap()
}

/// Whether a link knows the signature of `key`. What it answers then is Zoom's affair, whose clock stands still.
async fn knows(house: &House, link: &str, key: &SigningKey, id: &str) -> bool {
    let now = house.env.now();
    let request = Request::builder()
        .uri(house.path_of(link))
        .header("webhook-id", id)
        .header("webhook-timestamp", now.as_second())
        .header("webhook-signature", key.sign(id, now, b""));
    let answer = house.send(request.body(Body::empty()).unwrap()).await;
    assert!(answer.status != 401 || answer.text.starts_with("signature_invalid"), "{}", answer.text);
    answer.status != 401
}

#[tokio::test]
async fn both_secrets_count_for_a_day() {
    let house = office().await;
    let link =
        house.token_link(&house.connect(&house.zoom.user("ada@example.test", "Ada").await).await).await;
    let old = house.get(SECRET).await.ok();
    assert_eq!(old["former_ends_at"], Value::Null);
    assert!(knows(&house, &link, &key(&old), "msg_1").await);

    let new = house.post(ROTATE, json!({})).await.ok();
    assert_eq!(new["former_ends_at"], (house.env.now() + DAY).to_string());
    assert_eq!(house.get(SECRET).await.ok(), new);
    // A link remembers its keys for a second.
    house.jump(Duration::from_secs(1));
    assert!(knows(&house, &link, &key(&new), "msg_2").await);
    assert!(knows(&house, &link, &key(&old), "msg_3").await);

    house.jump(DAY);
    assert!(!knows(&house, &link, &key(&old), "msg_4").await);
    assert!(knows(&house, &link, &key(&new), "msg_5").await);
    assert_eq!(house.get(SECRET).await.ok()["former_ends_at"], Value::Null);
}

#[tokio::test]
async fn a_second_rotation_waits_or_ends_both() {
    let house = office().await;
    let link =
        house.token_link(&house.connect(&house.zoom.user("ada@example.test", "Ada").await).await).await;
    let first = house.get(SECRET).await.ok();
    let second = house.post(ROTATE, json!({ "overlap_seconds": 3600 })).await.ok();
    let refused = house.post(ROTATE, json!({})).await.refused();
    assert_eq!(refused["code"], "callback_secret_rotating");
    assert_eq!(house.get(SECRET).await.ok(), second, "nothing has changed");

    let third = house.post(ROTATE, json!({ "overlap_seconds": 0 })).await.ok();
    assert_eq!(third["former_ends_at"], Value::Null);
    house.jump(Duration::from_secs(1));
    for (id, secret, counts) in [("msg_1", &first, false), ("msg_2", &second, false), ("msg_3", &third, true)]
    {
        assert_eq!(knows(&house, &link, &key(secret), id).await, counts, "{id}");
    }
    let wrong = house.post(ROTATE, json!({ "overlap_seconds": 86_401 })).await.refused();
    assert_eq!(wrong, json!({ "overlap_seconds": ["It must not be more than a day: 86400."] }));
}

#[tokio::test]
async fn of_rotations_at_once_each_answer_is_true() {
    let house = office().await;
    let rotations = (0..4).map(|_| house.post(ROTATE, json!({})));
    let answers = futures_util::future::join_all(rotations).await;
    let done: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(done.len(), 1, "{answers:?}");
    assert_eq!(house.get(SECRET).await.ok(), done[0].json());
}
