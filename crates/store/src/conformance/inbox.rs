//! An event counts once, together with what it ends.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{CredentialStatus, DisconnectCause, Timestamp, WorkspaceId, ZoomOauthAppId};

use super::{
    Bench, CALLERS, ROUNDS,
    credentials::{account, connected},
};
use crate::{Credential, Ending, Note, ReceivedEvent, Reception, ZoomEvent};

fn event(bench: &Bench, of: &Credential) -> ZoomEvent {
    ZoomEvent {
        key: bench.env.entropy.bytes(),
        workspace: of.workspace,
        app: of.app,
        name: "app_deauthorized".into(),
        ended: None,
        received_at: bench.env.now(),
    }
}

fn ending(bench: &Bench, of: &Credential) -> Ending {
    Ending {
        credential: of.id,
        cause: DisconnectCause::Deauthorized,
        unless_consented_after: None,
        note: bench.note("removed at Zoom"),
    }
}

async fn receive(bench: &Bench, event: &ZoomEvent, ending: Option<Ending>) -> Reception {
    let received = ReceivedEvent { event: event.clone(), ending, news: None };
    let receptions = bench.store.receive_zoom_events(&[received]).await.unwrap();
    assert_eq!(receptions.len(), 1);
    receptions[0]
}

/// An account of the same app in another workspace.
async fn connected_elsewhere(bench: &Bench) -> Credential {
    let workspace = another_workspace(bench).await;
    let app = bench.app(workspace, "client-1").await;
    let made = account(bench, workspace, app.id, "user-1");
    bench.store.connect_credential(&made, &bench.note("connected")).await.unwrap();
    made
}

async fn another_workspace(bench: &Bench) -> WorkspaceId {
    let id = WorkspaceId::generate(&bench.env);
    bench.store.add_workspace(&bench.workspace_row(id), &bench.api_key(id)).await.unwrap();
    id
}

async fn status(bench: &Bench, of: &Credential) -> CredentialStatus {
    bench.store.credential(of.workspace, of.id).await.unwrap().unwrap().status
}

pub async fn an_event_counts_once_with_what_it_ends(bench: &Bench) {
    let made = connected(bench).await;
    let (event, ending) = (event(bench, &made), ending(bench, &made));
    let receive = async || receive(bench, &event, Some(ending.clone())).await;
    assert_eq!(receive().await, Reception::Ended);
    let ended = CredentialStatus::Disconnected(DisconnectCause::Deauthorized);
    assert_eq!(status(bench, &made).await, ended);
    let row = bench.store.credential(made.workspace, made.id).await.unwrap().unwrap();
    assert!(row.grant.access_token.is_none() && row.grant.refresh_token.is_none());

    bench.store.connect_credential(&made, &bench.note("again")).await.unwrap();
    assert_eq!(receive().await, Reception::Known);
    assert_eq!(status(bench, &made).await, CredentialStatus::Healthy, "a repetition ends nothing");

    let expected = ZoomEvent { ended: Some(made.id), ..event.clone() };
    assert_eq!(bench.store.unfinished_zoom_events(9).await.unwrap(), [expected]);
    assert!(bench.store.finish_zoom_event(&event.key).await.unwrap());
    let ended_since = async |time| bench.store.accounts_ended_since(time).await.unwrap();
    assert_eq!(ended_since(bench.env.now()).await, [made.id], "finished or not");
    assert!(ended_since(bench.env.now() + Duration::from_micros(1)).await.is_empty());
    assert!(!bench.store.finish_zoom_event(&event.key).await.unwrap(), "once");
    assert!(bench.store.unfinished_zoom_events(9).await.unwrap().is_empty());
    assert_eq!(receive().await, Reception::Known, "also when it is finished");
}

pub async fn an_event_that_ends_nothing_is_done_at_once(bench: &Bench) {
    let made = connected(bench).await;
    let receive = async |ending: Option<&Ending>| receive(bench, &event(bench, &made), ending.cloned()).await;
    assert_eq!(receive(None).await, Reception::Noted);
    let elsewhere = Ending { credential: model::CredentialId::generate(&bench.env), ..ending(bench, &made) };
    assert_eq!(receive(Some(&elsewhere)).await, Reception::Noted);
    assert_eq!(receive(Some(&ending(bench, &made))).await, Reception::Ended);
    assert_eq!(receive(Some(&ending(bench, &made))).await, Reception::Noted, "it is over already");
    assert_eq!(bench.store.unfinished_zoom_events(9).await.unwrap().len(), 1);
}

pub async fn a_later_consent_outlives_an_earlier_event(bench: &Bench) {
    let made = connected(bench).await;
    let consented_at = made.granted_at;
    let receive = async |time: Timestamp| {
        let ending = Ending { unless_consented_after: Some(time), ..ending(bench, &made) };
        receive(bench, &event(bench, &made), Some(ending)).await
    };
    assert_eq!(receive(consented_at - Duration::from_micros(1)).await, Reception::Noted);
    assert_eq!(status(bench, &made).await, CredentialStatus::Healthy);
    // A refresh is no consent.
    let later = Note { at: consented_at + Duration::from_secs(9), ..bench.note("refreshed") };
    assert!(bench.store.commit_refresh(made.id, 1, &made.grant, None, &later).await.unwrap());
    assert_eq!(receive(consented_at).await, Reception::Ended);
}

pub async fn of_deliveries_at_once_one_counts(bench: &Bench) {
    let made = connected(bench).await;
    for _ in 0..ROUNDS {
        bench.store.connect_credential(&made, &bench.note("again")).await.unwrap();
        let event = event(bench, &made);
        // Each caller has a note of its own: only one of them is written.
        let receptions =
            (0..CALLERS).map(|_| async { receive(bench, &event, Some(ending(bench, &made))).await });
        let receptions = join_all(receptions).await;
        assert_eq!(receptions.iter().filter(|one| **one == Reception::Ended).count(), 1);
        assert_eq!(receptions.iter().filter(|one| **one == Reception::Known).count(), CALLERS - 1);
    }
    assert_eq!(bench.store.unfinished_zoom_events(2).await.unwrap().len(), 2, "never more than asked for");
}

pub async fn only_what_is_finished_is_forgotten(bench: &Bench) {
    let made = connected(bench).await;
    let (waiting, done) = (event(bench, &made), event(bench, &made));
    receive(bench, &waiting, Some(ending(bench, &made))).await;
    receive(bench, &done, None).await;
    assert_eq!(bench.store.forget_zoom_events(bench.env.now()).await.unwrap(), 0, "not before");
    let later = bench.env.now() + Duration::from_micros(1);
    assert_eq!(bench.store.forget_zoom_events(later).await.unwrap(), 1);
    assert_eq!(bench.store.unfinished_zoom_events(9).await.unwrap().len(), 1);
    assert_eq!(receive(bench, &done, None).await, Reception::Noted, "it is new");
}

pub async fn every_registration_is_told_at_once_or_none(bench: &Bench) {
    let (one, other) = (connected(bench).await, connected_elsewhere(bench).await);
    let of = |made: &Credential, ending| ReceivedEvent { event: event(bench, made), ending, news: None };
    let both = [of(&one, Some(ending(bench, &one))), of(&other, Some(ending(bench, &other)))];
    let broken = ZoomEvent { workspace: WorkspaceId::generate(&bench.env), ..event(bench, &other) };
    let broken = [both[0].clone(), ReceivedEvent { event: broken, ending: None, news: None }];
    bench.store.receive_zoom_events(&broken).await.unwrap_err();
    assert_eq!(status(bench, &one).await, CredentialStatus::Healthy, "all or nothing");

    assert_eq!(bench.store.receive_zoom_events(&both).await.unwrap(), [Reception::Ended, Reception::Ended]);
    for made in [&one, &other] {
        let ended = CredentialStatus::Disconnected(DisconnectCause::Deauthorized);
        assert_eq!(status(bench, made).await, ended);
    }
    let ended = bench.store.accounts_ended_since(bench.env.now()).await.unwrap();
    assert_eq!(ended.len(), 2);
    // One that was registered after the first delivery is told by the second.
    let third = connected_elsewhere(bench).await;
    let again = [both[0].clone(), of(&third, Some(ending(bench, &third))), both[1].clone()];
    let receptions = bench.store.receive_zoom_events(&again).await.unwrap();
    assert_eq!(receptions, [Reception::Known, Reception::Ended, Reception::Known]);
}

pub async fn the_registrations_of_an_app_are_found_in_every_workspace(bench: &Bench) {
    let (mine, theirs) = (bench.workspace().await, another_workspace(bench).await);
    let (app, twin) = (bench.app(mine, "client-1").await, bench.app(theirs, "client-1").await);
    bench.app(mine, "client-2").await;
    assert!(bench.store.webhook_client_id(ZoomOauthAppId::generate(&bench.env)).await.unwrap().is_none());
    assert_eq!(bench.store.webhook_client_id(app.id).await.unwrap().as_deref(), Some("client-1"));
    let ids = async || -> Vec<_> {
        let found = bench.store.registrations("client-1").await.unwrap();
        found.into_iter().map(|app| (app.workspace, app.id, app.webhook_secret)).collect()
    };
    let mut both = [&app, &twin].map(|app| (app.workspace, app.id, app.webhook_secret.clone()));
    both.sort_by_key(|(_, id, _)| id.to_string());
    assert_eq!(ids().await, both);

    bench.store.remove_zoom_oauth_app(mine, app.id, &bench.note("removed")).await.unwrap();
    assert_eq!(ids().await, [(theirs, twin.id, twin.webhook_secret.clone())]);
    let address = bench.store.webhook_client_id(app.id).await.unwrap();
    assert_eq!(address.as_deref(), Some("client-1"), "Zoom knows nothing of the removal");
}

pub async fn an_app_remembers_its_validation(bench: &Bench) {
    let workspace = bench.workspace().await;
    let app = bench.app(workspace, "client-1").await;
    assert_eq!(app.webhook_last_validation, None);
    bench.store.note_webhook_validation(app.id, bench.env.now()).await.unwrap();
    let found = bench.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap();
    assert_eq!(found.webhook_last_validation, Some(bench.env.now()));
}
