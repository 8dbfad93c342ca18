//! A grant that Zoom gave is on the disk before anything else happens to it.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

use model::{CredentialId, CredentialStatus, Sealed};
use store::{Credential, Credentials, Grant};
use tokio::sync::Semaphore;

use crate::{
    harness::{ANY, House, Meanwhile},
    refresh::{expired, run},
};

/// A house whose broker died after Zoom had rotated, while the store was away: its first wait never ends.
pub(crate) async fn died_before_the_commit() -> (House, CredentialId) {
    let (house, id) = expired().await;
    let path = house.database();
    run(&path, "CREATE TRIGGER away BEFORE UPDATE OF generation ON credentials BEGIN SELECT RAISE(ABORT, 'away'); END")
        .await;
    let died = Arc::new(Semaphore::new(0));
    let dying = Arc::clone(&died);
    let clock = Meanwhile::new(&house.clock, move || {
        dying.add_permits(1);
        Box::pin(std::future::pending())
    });
    let (broker, workspace, asker) = (house.another_broker(clock).await, house.workspace, house.asker());
    house.tasks.spawn(async move { broker.zak(workspace, id, ANY, asker).await });
    died.acquire().await.unwrap().forget();
    run(&path, "DROP TRIGGER away").await;
    (house, id)
}

pub(crate) fn deposits(house: &House) -> Vec<PathBuf> {
    let files = fs::read_dir(house.escrow()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

#[tokio::test]
async fn a_crash_before_the_commit_costs_no_consent() {
    let (house, id) = died_before_the_commit().await;
    assert_eq!(house.row(id).await.generation, 1, "the store knows only the dead token");

    let next = house.another_broker(house.clock.clone()).await;
    assert_eq!(next.replay_escrow().await.unwrap(), 1);
    assert!(deposits(&house).is_empty());
    let row = house.row(id).await;
    assert_eq!((row.generation, row.status, row.spent_at), (2, CredentialStatus::Healthy, None));
    next.zak(house.workspace, id, ANY, house.asker()).await.unwrap();
    assert_eq!(house.zoom.stats().await.refreshes, 1, "what was in escrow is alive");
}

#[tokio::test]
async fn what_is_outdated_is_taken_off_and_changes_nothing() {
    let (house, id) = died_before_the_commit().await;
    let before = house.row(id).await;
    let newer = Grant { refresh_token: Some(Sealed(b"newer".to_vec())), ..before.grant.clone() };
    house.store.connect_credential(&Credential { grant: newer, ..before }, &house.note()).await.unwrap();

    assert_eq!(house.broker.replay_escrow().await.unwrap(), 1);
    assert!(deposits(&house).is_empty());
    assert_eq!(house.row(id).await.grant.refresh_token, Some(Sealed(b"newer".to_vec())));
}

#[tokio::test]
async fn a_replay_that_fails_keeps_what_it_has() {
    let (house, id) = died_before_the_commit().await;
    run(
        &house.database(),
        "CREATE TRIGGER away BEFORE UPDATE ON credentials BEGIN SELECT RAISE(ABORT, 'away'); END",
    )
    .await;
    assert!(house.broker.replay_escrow().await.is_err());
    assert_eq!(deposits(&house).len(), 1);
    run(&house.database(), "DROP TRIGGER away").await;
    house.broker.replay_escrow().await.unwrap();
    assert_eq!(house.row(id).await.generation, 2);
}

#[tokio::test]
async fn what_is_no_grant_is_left_where_it_is() {
    let (house, id) = died_before_the_commit().await;
    let stray = house.escrow().join("0.json");
    fs::write(&stray, "{").unwrap();
    assert_eq!(house.broker.replay_escrow().await.unwrap(), 1, "the one beside it is settled");
    assert_eq!(deposits(&house), [stray]);
    assert_eq!(house.row(id).await.generation, 2);
}

#[tokio::test]
async fn a_whole_file_that_a_crash_left_without_its_name_is_settled_and_a_torn_one_is_not() {
    let (house, id) = died_before_the_commit().await;
    let whole = deposits(&house).remove(0);
    let half = fs::read(&whole).unwrap();
    fs::write(house.escrow().join("torn.part"), &half[..half.len() / 2]).unwrap();
    fs::rename(&whole, whole.with_extension("part")).unwrap();
    assert_eq!(house.broker.replay_escrow().await.unwrap(), 1);
    assert_eq!(house.row(id).await.generation, 2);
    assert_eq!(fs::read_dir(house.escrow()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_ordinary_refresh_leaves_nothing_behind_and_files_are_private() {
    let (house, id) = expired().await;
    house.zak(id).await.unwrap();
    assert!(deposits(&house).is_empty());
    assert_eq!(house.broker.replay_escrow().await.unwrap(), 0);

    let (house, _) = died_before_the_commit().await;
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(house.escrow()), 0o700);
    assert_eq!(mode(deposits(&house).remove(0)), 0o600);
}
