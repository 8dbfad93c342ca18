//! A grant of Zoom is written to the disk before any other step.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

use model::{CredentialId, CredentialStatus, Sealed};
use store::{Credential, Credentials, Grant};
use tokio::sync::Semaphore;

use crate::{
    harness::{ANY, Fixture, Meanwhile},
    refresh::{expired, run},
};

/// A fixture whose broker died after Zoom had rotated, while the store was unavailable: its first wait never ends.
pub(crate) async fn died_before_the_commit() -> (Fixture, CredentialId) {
    let (fixture, id) = expired().await;
    let path = fixture.database();
    run(&path, "CREATE TRIGGER away BEFORE UPDATE OF generation ON credentials BEGIN SELECT RAISE(ABORT, 'away'); END")
        .await;
    let died = Arc::new(Semaphore::new(0));
    let dying = Arc::clone(&died);
    let clock = Meanwhile::new(&fixture.clock, move || {
        dying.add_permits(1);
        Box::pin(std::future::pending())
    });
    let (broker, workspace, requester) =
        (fixture.another_broker(clock).await, fixture.workspace, fixture.requester());
    fixture.tasks.spawn(async move { broker.tokens.zak(workspace, id, ANY, requester).await });
    died.acquire().await.unwrap().forget();
    run(&path, "DROP TRIGGER away").await;
    (fixture, id)
}

pub(crate) fn deposits(fixture: &Fixture) -> Vec<PathBuf> {
    let files = fs::read_dir(fixture.escrow()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

#[tokio::test]
async fn a_crash_before_the_commit_costs_no_consent() {
    let (fixture, id) = died_before_the_commit().await;
    assert_eq!(fixture.row(id).await.generation, 1, "the store knows only the dead token");

    let next = fixture.another_broker(fixture.clock.clone()).await;
    assert_eq!(next.accounts.grants.replay().await.unwrap(), 1);
    assert!(deposits(&fixture).is_empty());
    let row = fixture.row(id).await;
    assert_eq!((row.generation, row.status, row.spent_at), (2, CredentialStatus::Healthy, None));
    next.tokens.zak(fixture.workspace, id, ANY, fixture.requester()).await.unwrap();
    assert_eq!(fixture.zoom.stats().await.refreshes, 1, "the grant in escrow is valid");
}

#[tokio::test]
async fn an_outdated_grant_is_deleted_and_changes_nothing() {
    let (fixture, id) = died_before_the_commit().await;
    let before = fixture.row(id).await;
    let newer = Grant { refresh_token: Some(Sealed(b"newer".to_vec())), ..before.grant.clone() };
    fixture.store.connect_credential(&Credential { grant: newer, ..before }, &fixture.note()).await.unwrap();

    assert_eq!(fixture.broker.accounts.grants.replay().await.unwrap(), 1);
    assert!(deposits(&fixture).is_empty());
    assert_eq!(fixture.row(id).await.grant.refresh_token, Some(Sealed(b"newer".to_vec())));
}

#[tokio::test]
async fn a_failed_replay_keeps_the_grant() {
    let (fixture, id) = died_before_the_commit().await;
    run(
        &fixture.database(),
        "CREATE TRIGGER away BEFORE UPDATE ON credentials BEGIN SELECT RAISE(ABORT, 'away'); END",
    )
    .await;
    assert!(fixture.broker.accounts.grants.replay().await.is_err());
    assert_eq!(deposits(&fixture).len(), 1);
    run(&fixture.database(), "DROP TRIGGER away").await;
    fixture.broker.accounts.grants.replay().await.unwrap();
    assert_eq!(fixture.row(id).await.generation, 2);
}

#[tokio::test]
async fn a_file_that_is_not_a_grant_stays() {
    let (fixture, id) = died_before_the_commit().await;
    let stray = fixture.escrow().join("0.json");
    fs::write(&stray, "{").unwrap();
    assert_eq!(fixture.broker.accounts.grants.replay().await.unwrap(), 1, "the grant next to it is settled");
    assert_eq!(deposits(&fixture), [stray]);
    assert_eq!(fixture.row(id).await.generation, 2);
}

#[tokio::test]
async fn a_complete_file_without_its_final_name_is_settled_and_a_torn_one_is_not() {
    let (fixture, id) = died_before_the_commit().await;
    let whole = deposits(&fixture).remove(0);
    let half = fs::read(&whole).unwrap();
    fs::write(fixture.escrow().join("torn.part"), &half[..half.len() / 2]).unwrap();
    fs::rename(&whole, whole.with_extension("part")).unwrap();
    assert_eq!(fixture.broker.accounts.grants.replay().await.unwrap(), 1);
    assert_eq!(fixture.row(id).await.generation, 2);
    assert_eq!(fs::read_dir(fixture.escrow()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_ordinary_refresh_leaves_no_file_and_files_are_private() {
    let (fixture, id) = expired().await;
    fixture.zak(id).await.unwrap();
    assert!(deposits(&fixture).is_empty());
    assert_eq!(fixture.broker.accounts.grants.replay().await.unwrap(), 0);

    let (fixture, _) = died_before_the_commit().await;
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(fixture.escrow()), 0o700);
    assert_eq!(mode(deposits(&fixture).remove(0)), 0o600);
}
