//! A wrong client secret is the app's fault: no account is marked as failed, and the app recovers by itself.

use std::time::Duration;

use broker::SecretsChange;
use model::{Code, CredentialStatus, Secret};
use serde_json::json;
use store::{AccountLog as _, LogFilter, ZoomOauthApps as _};

use crate::{
    harness::{CLIENT_SECRET, Fixture},
    refresh::expired,
};

const PROBE: Duration = Duration::from_secs(30);

async fn refused_calls(fixture: &Fixture) -> u64 {
    fixture.zoom.stats().await.clients_refused
}

async fn refused_since(fixture: &Fixture) -> Option<model::Timestamp> {
    let app = fixture.store.zoom_oauth_app(fixture.workspace, fixture.app).await.unwrap().unwrap();
    app.refusal.map(|refusal| refusal.since)
}

#[tokio::test]
async fn a_refused_app_is_not_tried_for_every_account() {
    let (fixture, id) = expired().await;
    let began = fixture.env.now();
    fixture.zoom.change_app(json!({"client_secret": "rotated"})).await;
    for _ in 0..20 {
        assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::AppUnhealthy);
    }
    assert_eq!(refused_calls(&fixture).await, 1, "one account was tried, the others were refused here");
    assert_eq!(refused_since(&fixture).await, Some(began));
    // Others on this store know it too.
    let another = fixture.another_broker(fixture.clock.clone()).await;
    let failure = another
        .tokens
        .zak(fixture.workspace, id, crate::harness::ANY, fixture.requester())
        .await
        .unwrap_err();
    assert_eq!(failure.code, Code::AppUnhealthy);
    assert!(failure.retry_after.unwrap() <= PROBE);
    assert_eq!(refused_calls(&fixture).await, 1);

    for probe in 2..=4 {
        fixture.pass(PROBE).await;
        for _ in 0..5 {
            assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::AppUnhealthy);
        }
        assert_eq!(refused_calls(&fixture).await, probe, "one probe each time");
    }
    let row = fixture.row(id).await;
    assert_eq!((row.status, row.generation, row.failures), (CredentialStatus::Healthy, 1, 0));
    assert!(row.spent_at.is_none());
}

#[tokio::test]
async fn it_closes_by_itself_once_zoom_accepts_the_app_again() {
    let (fixture, id) = expired().await;
    fixture.zoom.change_app(json!({"disabled": true})).await;
    fixture.zak(id).await.unwrap_err();
    fixture.zoom.change_app(json!({"disabled": false})).await;
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::AppUnhealthy, "no probe has been made yet");
    fixture.pass(PROBE).await;
    // No caller is needed for the probe: the refresh worker makes it.
    assert_eq!(fixture.refresh_due(&fixture.broker).await, 1);
    fixture.settle().await;
    assert_eq!(refused_since(&fixture).await, None);
    assert_eq!(fixture.row(id).await.generation, 2);
    let log = fixture.store.app_log(fixture.workspace, &LogFilter::default(), 9).await.unwrap();
    let told: Vec<_> = log.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(told, ["Zoom accepts the app again", "Zoom refuses the app's client id or secret"]);
}

#[tokio::test]
async fn a_new_secret_is_used_at_once() {
    let (fixture, id) = expired().await;
    fixture.zoom.change_app(json!({"client_secret": "rotated at Zoom"})).await;
    fixture.zak(id).await.unwrap_err();
    let change = async |secret| {
        let change = SecretsChange {
            client_secret: Some(Secret::new(secret)),
            webhook_secret: None,
            webhook_secret_overlap: Duration::ZERO,
        };
        fixture.broker.accounts.apps.change_secrets(fixture.workspace, fixture.app, &change).await.unwrap()
    };
    change("mistyped").await.unwrap();
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::AppUnhealthy);
    assert_eq!(refused_calls(&fixture).await, 2, "the new secret was used");
    change("rotated at Zoom").await.unwrap();
    fixture.zak(id).await.unwrap();
    assert_eq!(refused_since(&fixture).await, None);
    fixture.zoom.change_app(json!({"client_secret": CLIENT_SECRET})).await;
}

#[tokio::test]
async fn valid_tokens_are_served_while_the_app_is_refused() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.zoom.change_app(json!({"client_secret": "rotated"})).await;
    fixture.zak(id).await.unwrap();
    let access = fixture
        .broker
        .tokens
        .access_token(fixture.workspace, id, Duration::from_secs(300), fixture.requester())
        .await
        .unwrap();
    assert_eq!(access.expires_at, fixture.row(id).await.grant.access_expires_at);
    // A longer lifetime than is left was requested, but Zoom gives no new token: the current one is enough.
    fixture.clock.advance(Duration::from_secs(3400));
    fixture
        .broker
        .tokens
        .access_token(fixture.workspace, id, Duration::from_secs(300), fixture.requester())
        .await
        .unwrap();
    fixture.clock.advance(Duration::from_secs(150));
    let failure = fixture
        .broker
        .tokens
        .access_token(fixture.workspace, id, Duration::from_secs(300), fixture.requester())
        .await
        .unwrap_err();
    assert_eq!(failure.code, Code::AppUnhealthy);
}
