//! A wrong client secret is the app's fault: no account pays for it, and it mends itself.

use std::time::Duration;

use broker::SecretsChange;
use model::{Code, CredentialStatus, Secret};
use serde_json::json;
use store::{AccountLog as _, LogFilter, ZoomOauthApps as _};

use crate::{
    harness::{CLIENT_SECRET, House},
    refresh::expired,
};

const PROBE: Duration = Duration::from_secs(30);

async fn refused_calls(house: &House) -> u64 {
    house.zoom.stats().await.clients_refused
}

async fn refused_since(house: &House) -> Option<model::Timestamp> {
    let app = house.store.zoom_oauth_app(house.workspace, house.app).await.unwrap().unwrap();
    app.refusal.map(|refusal| refusal.since)
}

#[tokio::test]
async fn a_refused_app_is_not_presented_for_every_account() {
    let (house, id) = expired().await;
    let began = house.env.now();
    house.zoom.change_app(json!({"client_secret": "rotated"})).await;
    for _ in 0..20 {
        assert_eq!(house.zak(id).await.unwrap_err().code, Code::AppUnhealthy);
    }
    assert_eq!(refused_calls(&house).await, 1, "one found out, the others were told");
    assert_eq!(refused_since(&house).await, Some(began));
    // Others on this store know it too.
    let another = house.another_broker(house.clock.clone()).await;
    let failure = another.zak(house.workspace, id, crate::harness::ANY, house.asker()).await.unwrap_err();
    assert_eq!(failure.code, Code::AppUnhealthy);
    assert!(failure.retry_after.unwrap() <= PROBE);
    assert_eq!(refused_calls(&house).await, 1);

    for probe in 2..=4 {
        house.pass(PROBE).await;
        for _ in 0..5 {
            assert_eq!(house.zak(id).await.unwrap_err().code, Code::AppUnhealthy);
        }
        assert_eq!(refused_calls(&house).await, probe, "one probe each time");
    }
    let row = house.row(id).await;
    assert_eq!((row.status, row.generation, row.failures), (CredentialStatus::Healthy, 1, 0));
    assert!(row.spent_at.is_none());
}

#[tokio::test]
async fn it_closes_by_itself_once_zoom_takes_the_app_again() {
    let (house, id) = expired().await;
    house.zoom.change_app(json!({"disabled": true})).await;
    house.zak(id).await.unwrap_err();
    house.zoom.change_app(json!({"disabled": false})).await;
    assert_eq!(house.zak(id).await.unwrap_err().code, Code::AppUnhealthy, "nobody has found out yet");
    house.pass(PROBE).await;
    // No caller is needed for that: the refresher asks.
    assert_eq!(house.broker.refresh_due().await.unwrap(), 1);
    house.settle().await;
    assert_eq!(refused_since(&house).await, None);
    assert_eq!(house.row(id).await.generation, 2);
    let log = house.store.app_log(house.workspace, &LogFilter::default(), 9).await.unwrap();
    let told: Vec<_> = log.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(told, ["Zoom takes the app again", "Zoom refuses the app's client id or secret"]);
}

#[tokio::test]
async fn a_new_secret_is_tried_at_once() {
    let (house, id) = expired().await;
    house.zoom.change_app(json!({"client_secret": "rotated at Zoom"})).await;
    house.zak(id).await.unwrap_err();
    let change = async |secret| {
        let change = SecretsChange {
            client_secret: Some(Secret::new(secret)),
            webhook_secret: None,
            webhook_secret_overlap: Duration::ZERO,
        };
        house.broker.change_app_secrets(house.workspace, house.app, &change).await.unwrap()
    };
    change("mistyped").await.unwrap();
    assert_eq!(house.zak(id).await.unwrap_err().code, Code::AppUnhealthy);
    assert_eq!(refused_calls(&house).await, 2, "it was tried");
    change("rotated at Zoom").await.unwrap();
    house.zak(id).await.unwrap();
    assert_eq!(refused_since(&house).await, None);
    house.zoom.change_app(json!({"client_secret": CLIENT_SECRET})).await;
}

#[tokio::test]
async fn valid_tokens_are_served_while_the_app_is_refused() {
    let (house, id) = House::with_account().await;
    house.zoom.change_app(json!({"client_secret": "rotated"})).await;
    house.zak(id).await.unwrap();
    let access = house
        .broker
        .access_token(house.workspace, id, Duration::from_secs(300), house.asker())
        .await
        .unwrap();
    assert_eq!(access.expires_at, house.row(id).await.grant.access_expires_at);
    // More than it has left was asked for, and Zoom gives no more: what there is will do.
    house.clock.advance(Duration::from_secs(3400));
    house.broker.access_token(house.workspace, id, Duration::from_secs(300), house.asker()).await.unwrap();
    house.clock.advance(Duration::from_secs(150));
    let failure = house
        .broker
        .access_token(house.workspace, id, Duration::from_secs(300), house.asker())
        .await
        .unwrap_err();
    assert_eq!(failure.code, Code::AppUnhealthy);
}
