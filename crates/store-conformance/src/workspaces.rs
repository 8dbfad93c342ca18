//! Workspaces and keys.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{num::NonZeroU32, time::Duration};

use futures_util::future::join_all;
use model::{ApiScope, WorkspaceId};

use crate::{CALLERS, Conformance, ROUNDS};
use store::{
    ApiKey, FormerSecret, IgnoredFields, SecondAuthorization, StoreError, Workspace, WorkspaceChange,
};

pub async fn the_first_workspace_is_created_once(suite: &Conformance) {
    assert!(suite.store.workspaces().await.unwrap().is_empty());
    let first = suite.workspace().await;

    let second = suite.workspace_row(WorkspaceId::generate(&suite.env));
    let key = suite.api_key(second.id);
    assert!(!suite.store.create_first_workspace(&second, &key).await.unwrap());
    assert!(suite.store.api_key(&key.digest).await.unwrap().is_none(), "the other callers stored nothing");

    let all = suite.store.workspaces().await.unwrap();
    assert_eq!(all.iter().map(|workspace| workspace.id).collect::<Vec<_>>(), [first]);
    assert_eq!(suite.store.workspace(first).await.unwrap().unwrap().name, "Zoë’s team 🗝");
    assert!(suite.store.workspace(second.id).await.unwrap().is_none());
}

pub async fn concurrent_starts_create_one_workspace(suite: &Conformance) {
    // Opens the connections first, so that the callers really run concurrently: there is only one first start.
    join_all((0..CALLERS).map(|_| suite.store.workspaces())).await;
    let founders: Vec<(Workspace, ApiKey)> = (0..CALLERS).map(|_| founder(suite)).collect();
    let founded =
        join_all(founders.iter().map(|(workspace, key)| suite.store.create_first_workspace(workspace, key)))
            .await;
    let founded: Vec<bool> = founded.into_iter().map(Result::unwrap).collect();
    assert_eq!(founded.iter().filter(|won| **won).count(), 1);
    assert_eq!(suite.store.workspaces().await.unwrap().len(), 1);
    for ((_, key), won) in founders.iter().zip(founded) {
        assert_eq!(suite.store.api_key(&key.digest).await.unwrap().is_some(), won);
    }
}

fn founder(suite: &Conformance) -> (Workspace, ApiKey) {
    let workspace = suite.workspace_row(WorkspaceId::generate(&suite.env));
    let key = suite.api_key(workspace.id);
    (workspace, key)
}

pub async fn keys_are_found_by_their_hash(suite: &Conformance) {
    let workspace = WorkspaceId::generate(&suite.env);
    let key = suite.api_key(workspace);
    let row = suite.workspace_row(workspace);
    assert!(suite.store.create_first_workspace(&row, &key).await.unwrap());
    let found = suite.store.api_key(&key.digest).await.unwrap().unwrap();
    assert_eq!((found.id, found.workspace), (key.id, workspace));
    assert!(suite.store.api_key(&[0; 32]).await.unwrap().is_none());
}

pub async fn a_key_is_read_back_unchanged(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let key = ApiKey {
        name: "Zoë’s 🗝".into(),
        scopes: [ApiScope::Read, ApiScope::Operator].into_iter().collect(),
        per_minute: NonZeroU32::new(u32::MAX),
        expires_at: Some(suite.env.now() + Duration::from_micros(1)),
        ..suite.api_key(workspace)
    };
    suite.store.add_api_key(&key).await.unwrap();
    assert_eq!(suite.store.api_key(&key.digest).await.unwrap().unwrap(), key);
    assert_eq!(suite.store.api_keys(workspace).await.unwrap()[0], key, "the newest comes first");
    assert_eq!(suite.store.api_keys(workspace).await.unwrap().len(), 2);
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(suite.store.api_keys(elsewhere).await.unwrap().is_empty());
    let twice = suite.store.add_api_key(&key).await;
    assert!(matches!(twice, Err(StoreError::Exists(_))), "{twice:?}");
}

pub async fn a_further_workspace_is_stored_with_its_key(suite: &Conformance) {
    let first = suite.workspace().await;
    let (second, key) = founder(suite);
    suite.store.add_workspace(&second, &key).await.unwrap();
    let all = suite.store.workspaces().await.unwrap();
    assert_eq!(all.iter().map(|workspace| workspace.id).collect::<Vec<_>>(), [first, second.id]);
    assert_eq!(suite.store.api_key(&key.digest).await.unwrap().unwrap().workspace, second.id);

    // The digest of this key is taken, so the workspace is not stored either.
    let third = suite.workspace_row(WorkspaceId::generate(&suite.env));
    let taken = ApiKey { digest: key.digest, ..suite.api_key(third.id) };
    assert!(suite.store.add_workspace(&third, &taken).await.is_err());
    assert!(suite.store.workspace(third.id).await.unwrap().is_none());
}

pub async fn revoking_a_key_is_final_and_only_in_its_workspace(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let key = suite.api_key(workspace);
    suite.store.add_api_key(&key).await.unwrap();
    let (now, elsewhere) = (suite.env.now(), WorkspaceId::generate(&suite.env));
    assert!(!suite.store.revoke_api_key(elsewhere, key.id, now).await.unwrap());
    assert_eq!(suite.store.api_key(&key.digest).await.unwrap().unwrap().revoked_at, None);
    assert!(suite.store.revoke_api_key(workspace, key.id, now).await.unwrap());
    assert!(suite.store.revoke_api_key(workspace, key.id, now + Duration::from_secs(1)).await.unwrap());
    let revoked = suite.store.api_key(&key.digest).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(now), "the first time counts");
}

pub async fn the_time_of_the_last_use_only_increases(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let key = suite.api_key(workspace);
    suite.store.add_api_key(&key).await.unwrap();
    let now = suite.env.now();
    for at in [now, now + Duration::from_secs(60), now + Duration::from_secs(30)] {
        suite.store.note_use_of_api_key(key.id, at).await.unwrap();
    }
    let used = suite.store.api_key(&key.digest).await.unwrap().unwrap();
    assert_eq!(used.last_used_at, Some(now + Duration::from_secs(60)));
}

pub async fn a_callback_secret_is_rotated_by_a_caller_that_knows_it(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let first = suite.store.workspace(workspace).await.unwrap().unwrap().callback_secret;
    let (second, third) = (suite.sealed(), suite.sealed());
    let ends_at = suite.env.now() + Duration::from_micros(1);
    let former = Some(FormerSecret { sealed: suite.sealed(), ends_at });
    let store = &suite.store;
    let wrong = store.rotate_callback_secret(workspace, &third, &second, former.as_ref()).await;
    assert!(!wrong.unwrap(), "it is not the current secret");
    assert!(store.rotate_callback_secret(workspace, &first, &second, former.as_ref()).await.unwrap());
    let row = store.workspace(workspace).await.unwrap().unwrap();
    assert_eq!((&row.callback_secret, &row.former_callback_secret), (&second, &former));
    assert!(store.rotate_callback_secret(workspace, &second, &third, None).await.unwrap());
    let row = store.workspace(workspace).await.unwrap().unwrap();
    assert_eq!((row.callback_secret, row.former_callback_secret), (third, None));
}

pub async fn one_of_several_concurrent_rotations_succeeds(suite: &Conformance) {
    let workspace = suite.workspace().await;
    for _ in 0..ROUNDS {
        let current = suite.store.workspace(workspace).await.unwrap().unwrap().callback_secret;
        let new: Vec<_> = (0..CALLERS).map(|_| suite.sealed()).collect();
        let rotations =
            new.iter().map(|new| suite.store.rotate_callback_secret(workspace, &current, new, None));
        let rotated: Vec<bool> = join_all(rotations).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(rotated.iter().filter(|won| **won).count(), 1);
        let winner = rotated.iter().position(|won| *won).unwrap();
        let row = suite.store.workspace(workspace).await.unwrap().unwrap();
        assert_eq!(row.callback_secret, new[winner]);
    }
}

pub async fn former_secrets_are_erased_once_they_have_expired(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let first = suite.store.workspace(workspace).await.unwrap().unwrap().callback_secret;
    let ends_at = suite.env.now() + Duration::from_secs(5);
    let (second, former) = (suite.sealed(), FormerSecret { sealed: suite.sealed(), ends_at });
    suite.store.rotate_callback_secret(workspace, &first, &second, Some(&former)).await.unwrap();
    let just_before = ends_at - Duration::from_micros(1);
    assert_eq!(suite.store.erase_former_callback_secrets(just_before).await.unwrap(), 0);
    assert_eq!(suite.store.erase_former_callback_secrets(ends_at).await.unwrap(), 1);
    let row = suite.store.workspace(workspace).await.unwrap().unwrap();
    assert_eq!((row.callback_secret, row.former_callback_secret), (second, None));
    assert_eq!(suite.store.erase_former_callback_secrets(ends_at).await.unwrap(), 0);
}

pub async fn settings_of_a_workspace_change_alone(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let other = WorkspaceId::generate(&suite.env);
    let limited = Workspace { bot_limit: Some(7), ..suite.workspace_row(other) };
    suite.store.add_workspace(&limited, &suite.api_key(other)).await.unwrap();
    let settings = async |id| {
        let Workspace { bot_limit, second_authorization, ignored_fields, .. } =
            suite.store.workspace(id).await.unwrap().unwrap();
        (bot_limit, second_authorization, ignored_fields)
    };
    let (replace, conflict) = (SecondAuthorization::Replace, SecondAuthorization::Conflict);
    let (name, refuse) = (IgnoredFields::Name, IgnoredFields::Refuse);
    assert_eq!(settings(workspace).await, (None, replace, name));
    let change = async |id, change| suite.store.change_workspace(id, &change).await.unwrap();
    let none = WorkspaceChange::default();
    assert!(change(workspace, WorkspaceChange { bot_limit: Some(Some(2)), ..none }).await);
    assert!(change(workspace, WorkspaceChange { ignored_fields: Some(refuse), ..none }).await);
    assert_eq!(settings(workspace).await, (Some(2), replace, refuse));
    let rest = WorkspaceChange {
        bot_limit: Some(None),
        second_authorization: Some(conflict),
        ignored_fields: Some(name),
    };
    assert!(change(workspace, rest).await && change(workspace, none).await);
    assert_eq!(settings(workspace).await, (None, conflict, name));
    assert_eq!(settings(other).await, (Some(7), replace, name));
    assert!(!change(WorkspaceId::generate(&suite.env), rest).await);
}
