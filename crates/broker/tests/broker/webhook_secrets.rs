//! A webhook secret is replaced while Zoom's webhooks keep coming.

use std::time::Duration;

use broker::SecretsChange;
use model::{Code, Secret};
use store::ZoomOauthApps as _;
use tenants::SECRET_OVERLAP;

use crate::{harness::House, webhooks::Sender};

const ANY_EVENT: &str = r#"{"event":"something.else","event_ts":1,"payload":{}}"#;

async fn replace(house: &House, new: &str, webhook_secret_overlap: Duration) {
    let change =
        SecretsChange { client_secret: None, webhook_secret: Some(Secret::new(new)), webhook_secret_overlap };
    house.broker.change_app_secrets(house.workspace, house.app, &change).await.unwrap().unwrap();
}

/// Whether a webhook that is signed with this secret is taken.
async fn counts(house: &House, secret: &'static str) -> bool {
    match Sender::to(house).signing_with(secret).send(&house.broker, ANY_EVENT).await {
        Ok(_) => true,
        Err(failure) => {
            assert_eq!(failure.code, Code::SignatureInvalid);
            false
        }
    }
}

#[tokio::test]
async fn the_one_before_verifies_for_a_day_and_is_then_erased() {
    let house = House::start().await;
    replace(&house, "second", SECRET_OVERLAP).await;
    assert!(counts(&house, "second").await && counts(&house, "planted-webhook-secret").await);
    house.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert!(counts(&house, "planted-webhook-secret").await);
    assert_eq!(house.store.erase_former_webhook_secrets(house.env.now()).await.unwrap(), 0);
    house.clock.advance(Duration::from_secs(1));
    assert!(counts(&house, "second").await && !counts(&house, "planted-webhook-secret").await);
    assert_eq!(house.store.erase_former_webhook_secrets(house.env.now()).await.unwrap(), 1);
    assert!(counts(&house, "second").await);
}

#[tokio::test]
async fn a_wrong_one_pushes_no_right_one_out() {
    let house = House::start().await;
    replace(&house, "mistyped", SECRET_OVERLAP).await;
    replace(&house, "second", SECRET_OVERLAP).await;
    assert!(counts(&house, "second").await && counts(&house, "planted-webhook-secret").await);
    // The same again changes nothing, and gives the others no new day.
    house.clock.advance(Duration::from_secs(3600));
    replace(&house, "second", SECRET_OVERLAP).await;
    assert!(counts(&house, "planted-webhook-secret").await);
    house.clock.advance(Duration::from_secs(23 * 3600));
    assert!(counts(&house, "second").await && !counts(&house, "planted-webhook-secret").await);
}

#[tokio::test]
async fn one_that_has_leaked_counts_no_longer() {
    let house = House::start().await;
    replace(&house, "second", SECRET_OVERLAP).await;
    replace(&house, "third", Duration::ZERO).await;
    assert!(counts(&house, "third").await);
    assert!(!counts(&house, "second").await && !counts(&house, "planted-webhook-secret").await);
}
