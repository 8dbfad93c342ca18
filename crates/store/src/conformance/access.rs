//! Workspaces and keys.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use futures_util::future::join_all;
use model::WorkspaceId;

use super::{Bench, CALLERS};
use crate::{ApiKey, Workspace};

pub async fn the_first_workspace_is_founded_once(bench: &Bench) {
    assert!(bench.store.workspaces().await.unwrap().is_empty());
    let first = bench.workspace().await;

    let second = Workspace {
        id: WorkspaceId::generate(&bench.env),
        name: "second".into(),
        callback_secret: bench.sealed(),
        created_at: bench.env.now(),
    };
    let key = bench.api_key(second.id);
    assert!(!bench.store.found(&second, &key).await.unwrap());
    assert!(bench.store.api_key(&key.digest).await.unwrap().is_none(), "the loser leaves nothing behind");

    let all = bench.store.workspaces().await.unwrap();
    assert_eq!(all.iter().map(|workspace| workspace.id).collect::<Vec<_>>(), [first]);
    assert_eq!(bench.store.workspace(first).await.unwrap().unwrap().name, "Zoë’s team 🗝");
    assert!(bench.store.workspace(second.id).await.unwrap().is_none());
}

pub async fn of_founders_at_once_one_founds(bench: &Bench) {
    // Whatever opens connections, so that the founders do meet: there is only one first time.
    join_all((0..CALLERS).map(|_| bench.store.workspaces())).await;
    let founders: Vec<(Workspace, ApiKey)> = (0..CALLERS).map(|_| founder(bench)).collect();
    let founded = join_all(founders.iter().map(|(workspace, key)| bench.store.found(workspace, key))).await;
    let founded: Vec<bool> = founded.into_iter().map(Result::unwrap).collect();
    assert_eq!(founded.iter().filter(|won| **won).count(), 1);
    assert_eq!(bench.store.workspaces().await.unwrap().len(), 1);
    for ((_, key), won) in founders.iter().zip(founded) {
        assert_eq!(bench.store.api_key(&key.digest).await.unwrap().is_some(), won);
    }
}

fn founder(bench: &Bench) -> (Workspace, ApiKey) {
    let workspace = Workspace {
        id: WorkspaceId::generate(&bench.env),
        name: "first".into(),
        callback_secret: bench.sealed(),
        created_at: bench.env.now(),
    };
    let key = bench.api_key(workspace.id);
    (workspace, key)
}

pub async fn keys_are_found_by_their_hash(bench: &Bench) {
    let workspace = WorkspaceId::generate(&bench.env);
    let key = bench.api_key(workspace);
    let row = Workspace {
        id: workspace,
        name: "w".into(),
        callback_secret: bench.sealed(),
        created_at: bench.env.now(),
    };
    assert!(bench.store.found(&row, &key).await.unwrap());
    let found = bench.store.api_key(&key.digest).await.unwrap().unwrap();
    assert_eq!((found.id, found.workspace), (key.id, workspace));
    assert!(bench.store.api_key(&[0; 32]).await.unwrap().is_none());
}
