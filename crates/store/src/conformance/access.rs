//! Workspaces and keys.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use model::WorkspaceId;

use super::Bench;
use crate::Workspace;

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
