//! A webhook secret is replaced while Zoom's webhooks keep coming.

use std::time::Duration;

use broker::SecretsChange;
use model::{Code, Secret};
use store::ZoomOauthApps as _;
use tenants::SECRET_OVERLAP;

use crate::{harness::Fixture, webhooks::Sender};

const ANY_EVENT: &str = r#"{"event":"something.else","event_ts":1,"payload":{}}"#;

async fn replace(fixture: &Fixture, new: &str, webhook_secret_overlap: Duration) {
    let change =
        SecretsChange { client_secret: None, webhook_secret: Some(Secret::new(new)), webhook_secret_overlap };
    fixture
        .broker
        .accounts
        .apps
        .change_secrets(fixture.workspace, fixture.app, &change)
        .await
        .unwrap()
        .unwrap();
}

/// Whether a webhook that is signed with this secret is accepted.
async fn counts(fixture: &Fixture, secret: &'static str) -> bool {
    match Sender::to(fixture).signing_with(secret).send(&fixture.broker, ANY_EVENT).await {
        Ok(_) => true,
        Err(failure) => {
            assert_eq!(failure.code, Code::SignatureInvalid);
            false
        }
    }
}

#[tokio::test]
async fn the_former_secret_verifies_for_a_day_and_is_then_erased() {
    let fixture = Fixture::start().await;
    replace(&fixture, "second", SECRET_OVERLAP).await;
    assert!(counts(&fixture, "second").await && counts(&fixture, "planted-webhook-secret").await);
    fixture.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert!(counts(&fixture, "planted-webhook-secret").await);
    assert_eq!(fixture.store.erase_former_webhook_secrets(fixture.env.now()).await.unwrap(), 0);
    fixture.clock.advance(Duration::from_secs(1));
    assert!(counts(&fixture, "second").await && !counts(&fixture, "planted-webhook-secret").await);
    assert_eq!(fixture.store.erase_former_webhook_secrets(fixture.env.now()).await.unwrap(), 1);
    assert!(counts(&fixture, "second").await);
}

#[tokio::test]
async fn a_wrong_secret_does_not_displace_a_right_one() {
    let fixture = Fixture::start().await;
    replace(&fixture, "mistyped", SECRET_OVERLAP).await;
    replace(&fixture, "second", SECRET_OVERLAP).await;
    assert!(counts(&fixture, "second").await && counts(&fixture, "planted-webhook-secret").await);
    // Setting the same secret again changes nothing, and does not extend the former ones.
    fixture.clock.advance(Duration::from_secs(3600));
    replace(&fixture, "second", SECRET_OVERLAP).await;
    assert!(counts(&fixture, "planted-webhook-secret").await);
    fixture.clock.advance(Duration::from_secs(23 * 3600));
    assert!(counts(&fixture, "second").await && !counts(&fixture, "planted-webhook-secret").await);
}

#[tokio::test]
async fn a_leaked_secret_is_no_longer_accepted() {
    let fixture = Fixture::start().await;
    replace(&fixture, "second", SECRET_OVERLAP).await;
    replace(&fixture, "third", Duration::ZERO).await;
    assert!(counts(&fixture, "third").await);
    assert!(!counts(&fixture, "second").await && !counts(&fixture, "planted-webhook-secret").await);
}
