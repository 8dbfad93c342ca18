//! An event counts once, in one transaction with its effects.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{CredentialStatus, DisconnectCause, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{
    CALLERS, Conformance, ROUNDS,
    credentials::{account, connected},
};
use store::{Credential, Disconnection, Note, Received, ReceivedEvent, ZoomEvent};

fn event(suite: &Conformance, of: &Credential) -> ZoomEvent {
    ZoomEvent {
        key: suite.env.entropy.bytes(),
        workspace: of.workspace,
        app: of.app,
        name: "app_deauthorized".into(),
        ended: None,
        received_at: suite.env.now(),
    }
}

fn disconnection(suite: &Conformance, of: &Credential) -> Disconnection {
    Disconnection {
        credential: of.id,
        cause: DisconnectCause::Deauthorized,
        unless_consented_after: None,
        note: suite.note("removed at Zoom"),
    }
}

async fn receive(suite: &Conformance, event: &ZoomEvent, disconnection: Option<Disconnection>) -> Received {
    let received = ReceivedEvent { event: event.clone(), disconnection, news: None };
    let received = suite.store.receive_zoom_events(&[received]).await.unwrap();
    assert_eq!(received.len(), 1);
    received[0]
}

/// An account of the same app in another workspace.
async fn connected_elsewhere(suite: &Conformance) -> Credential {
    let workspace = another_workspace(suite).await;
    let app = suite.app(workspace, "client-1").await;
    let made = account(suite, workspace, app.id, "user-1");
    suite.store.connect_credential(&made, &suite.note("connected")).await.unwrap();
    made
}

async fn another_workspace(suite: &Conformance) -> WorkspaceId {
    let id = WorkspaceId::generate(&suite.env);
    suite.store.add_workspace(&suite.workspace_row(id), &suite.api_key(id)).await.unwrap();
    id
}

async fn status(suite: &Conformance, of: &Credential) -> CredentialStatus {
    suite.store.credential(of.workspace, of.id).await.unwrap().unwrap().status
}

pub async fn an_event_counts_once_and_ends_the_account(suite: &Conformance) {
    let made = connected(suite).await;
    let (event, disconnection) = (event(suite, &made), disconnection(suite, &made));
    let receive = async || receive(suite, &event, Some(disconnection.clone())).await;
    assert_eq!(receive().await, Received::Ended);
    let ended = CredentialStatus::Disconnected(DisconnectCause::Deauthorized);
    assert_eq!(status(suite, &made).await, ended);
    let row = suite.store.credential(made.workspace, made.id).await.unwrap().unwrap();
    assert!(row.grant.access_token.is_none() && row.grant.refresh_token.is_none());

    suite.store.connect_credential(&made, &suite.note("again")).await.unwrap();
    assert_eq!(receive().await, Received::Known);
    assert_eq!(status(suite, &made).await, CredentialStatus::Healthy, "a repetition ends nothing");

    let expected = ZoomEvent { ended: Some(made.id), ..event.clone() };
    assert_eq!(suite.store.unfinished_zoom_events(9).await.unwrap(), [expected]);
    assert!(suite.store.finish_zoom_event(&event.key).await.unwrap());
    let ended_since = async |time| suite.store.accounts_ended_since(time).await.unwrap();
    assert_eq!(ended_since(suite.env.now()).await, [made.id], "whether finished or not");
    assert!(ended_since(suite.env.now() + Duration::from_micros(1)).await.is_empty());
    assert!(!suite.store.finish_zoom_event(&event.key).await.unwrap(), "once");
    assert!(suite.store.unfinished_zoom_events(9).await.unwrap().is_empty());
    assert_eq!(receive().await, Received::Known, "even when it is finished");
}

pub async fn an_event_that_ends_no_account_is_finished_at_once(suite: &Conformance) {
    let made = connected(suite).await;
    let receive = async |disconnection: Option<&Disconnection>| {
        receive(suite, &event(suite, &made), disconnection.cloned()).await
    };
    assert_eq!(receive(None).await, Received::Noted);
    let elsewhere = Disconnection {
        credential: model::CredentialId::generate(&suite.env),
        ..disconnection(suite, &made)
    };
    assert_eq!(receive(Some(&elsewhere)).await, Received::Noted);
    assert_eq!(receive(Some(&disconnection(suite, &made))).await, Received::Ended);
    assert_eq!(receive(Some(&disconnection(suite, &made))).await, Received::Noted, "it has already ended");
    assert_eq!(suite.store.unfinished_zoom_events(9).await.unwrap().len(), 1);
}

pub async fn an_earlier_event_does_not_end_a_later_consent(suite: &Conformance) {
    let made = connected(suite).await;
    let consented_at = made.granted_at;
    let receive = async |time: Timestamp| {
        let disconnection =
            Disconnection { unless_consented_after: Some(time), ..disconnection(suite, &made) };
        receive(suite, &event(suite, &made), Some(disconnection)).await
    };
    assert_eq!(receive(consented_at - Duration::from_micros(1)).await, Received::Noted);
    assert_eq!(status(suite, &made).await, CredentialStatus::Healthy);
    // A refresh is not a consent.
    let later = Note { at: consented_at + Duration::from_secs(9), ..suite.note("refreshed") };
    assert!(suite.store.commit_refresh(made.id, 1, &made.grant, None, &later).await.unwrap());
    assert_eq!(receive(consented_at).await, Received::Ended);
}

pub async fn one_of_several_concurrent_deliveries_counts(suite: &Conformance) {
    let made = connected(suite).await;
    for _ in 0..ROUNDS {
        suite.store.connect_credential(&made, &suite.note("again")).await.unwrap();
        let event = event(suite, &made);
        // Each caller has its own note, but only one is written.
        let received =
            (0..CALLERS).map(|_| async { receive(suite, &event, Some(disconnection(suite, &made))).await });
        let received = join_all(received).await;
        assert_eq!(received.iter().filter(|one| **one == Received::Ended).count(), 1);
        assert_eq!(received.iter().filter(|one| **one == Received::Known).count(), CALLERS - 1);
    }
    assert_eq!(suite.store.unfinished_zoom_events(2).await.unwrap().len(), 2, "never more than requested");
}

pub async fn only_finished_events_are_deleted(suite: &Conformance) {
    let made = connected(suite).await;
    let (waiting, done) = (event(suite, &made), event(suite, &made));
    receive(suite, &waiting, Some(disconnection(suite, &made))).await;
    receive(suite, &done, None).await;
    assert_eq!(suite.store.forget_zoom_events(suite.env.now()).await.unwrap(), 0, "not before");
    let later = suite.env.now() + Duration::from_micros(1);
    assert_eq!(suite.store.forget_zoom_events(later).await.unwrap(), 1);
    assert_eq!(suite.store.unfinished_zoom_events(9).await.unwrap().len(), 1);
    assert_eq!(receive(suite, &done, None).await, Received::Noted, "it is new");
}

pub async fn all_registrations_get_an_event_or_none(suite: &Conformance) {
    let (one, other) = (connected(suite).await, connected_elsewhere(suite).await);
    let of = |made: &Credential, disconnection| ReceivedEvent {
        event: event(suite, made),
        disconnection,
        news: None,
    };
    let both = [of(&one, Some(disconnection(suite, &one))), of(&other, Some(disconnection(suite, &other)))];
    let broken = ZoomEvent { workspace: WorkspaceId::generate(&suite.env), ..event(suite, &other) };
    let broken = [both[0].clone(), ReceivedEvent { event: broken, disconnection: None, news: None }];
    suite.store.receive_zoom_events(&broken).await.unwrap_err();
    assert_eq!(status(suite, &one).await, CredentialStatus::Healthy, "the transaction is atomic");

    assert_eq!(suite.store.receive_zoom_events(&both).await.unwrap(), [Received::Ended, Received::Ended]);
    for made in [&one, &other] {
        let ended = CredentialStatus::Disconnected(DisconnectCause::Deauthorized);
        assert_eq!(status(suite, made).await, ended);
    }
    let ended = suite.store.accounts_ended_since(suite.env.now()).await.unwrap();
    assert_eq!(ended.len(), 2);
    // A registration that was added after the first delivery gets the second.
    let third = connected_elsewhere(suite).await;
    let again = [both[0].clone(), of(&third, Some(disconnection(suite, &third))), both[1].clone()];
    let received = suite.store.receive_zoom_events(&again).await.unwrap();
    assert_eq!(received, [Received::Known, Received::Ended, Received::Known]);
}

pub async fn the_registrations_of_an_app_are_found_in_every_workspace(suite: &Conformance) {
    let (mine, theirs) = (suite.workspace().await, another_workspace(suite).await);
    let (app, twin) = (suite.app(mine, "client-1").await, suite.app(theirs, "client-1").await);
    suite.app(mine, "client-2").await;
    assert!(suite.store.webhook_client_id(ZoomOauthAppId::generate(&suite.env)).await.unwrap().is_none());
    assert_eq!(suite.store.webhook_client_id(app.id).await.unwrap().as_deref(), Some("client-1"));
    let ids = async || -> Vec<_> {
        let found = suite.store.registrations("client-1").await.unwrap();
        found.into_iter().map(|app| (app.workspace, app.id, app.webhook_secret)).collect()
    };
    let mut both = [&app, &twin].map(|app| (app.workspace, app.id, app.webhook_secret.clone()));
    both.sort_by_key(|(_, id, _)| id.to_string());
    assert_eq!(ids().await, both);

    suite.store.remove_zoom_oauth_app(mine, app.id, &suite.note("removed")).await.unwrap();
    assert_eq!(ids().await, [(theirs, twin.id, twin.webhook_secret.clone())]);
    let address = suite.store.webhook_client_id(app.id).await.unwrap();
    assert_eq!(address.as_deref(), Some("client-1"), "Zoom still sends events to the old address");
}

pub async fn the_validation_of_an_app_is_stored(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    assert_eq!(app.webhook_last_validation, None);
    suite.store.note_webhook_validation(app.id, suite.env.now()).await.unwrap();
    let found = suite.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap();
    assert_eq!(found.webhook_last_validation, Some(suite.env.now()));
}
