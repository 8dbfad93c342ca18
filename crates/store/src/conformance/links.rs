//! Token links.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use model::{AccountUser, CredentialStatus, TokenKind, TokenLinkId, WorkspaceId};

use super::{Bench, credentials};
use crate::TokenLink;

async fn link(bench: &Bench) -> TokenLink {
    let workspace = bench.workspace().await;
    let app = bench.app(workspace, "client-1").await;
    let credential = credentials::account(bench, workspace, app.id, "user-1");
    credentials::connect(bench, &credential).await.unwrap();
    let link = TokenLink {
        id: TokenLinkId::generate(&bench.env),
        workspace,
        secret_digest: bench.env.entropy.bytes(),
        kind: TokenKind::Zak,
        credential: credential.id,
        user: Some("ada@example.test".parse::<AccountUser>().unwrap()),
        signing_secret: Some(bench.sealed()),
        expires_at: Some(bench.env.now() + Duration::from_micros(1)),
        created_at: bench.env.now(),
        revoked_at: None,
    };
    bench.store.add_token_link(&link).await.unwrap();
    link
}

pub async fn a_link_comes_back_whole(bench: &Bench) {
    let made = link(bench).await;
    let servable = bench.store.token_link(made.id).await.unwrap().unwrap();
    assert_eq!((servable.status, servable.epoch), (CredentialStatus::Healthy, 1));
    let found = servable.link;
    assert_eq!(found.secret_digest, made.secret_digest);
    assert_eq!((found.workspace, found.credential, found.kind), (made.workspace, made.credential, made.kind));
    assert_eq!(found.user, made.user);
    assert_eq!((found.signing_secret, found.expires_at), (made.signing_secret, made.expires_at));
    assert!(bench.store.token_link(TokenLinkId::generate(&bench.env)).await.unwrap().is_none());
    assert_eq!(bench.store.token_links(made.workspace).await.unwrap().len(), 1);
}

pub async fn revoking_is_final_and_local(bench: &Bench) {
    let made = link(bench).await;
    let (now, elsewhere) = (bench.env.now(), WorkspaceId::generate(&bench.env));
    assert!(!bench.store.revoke_token_link(elsewhere, made.id, now).await.unwrap());
    assert_eq!(bench.store.token_link(made.id).await.unwrap().unwrap().link.revoked_at, None);
    assert!(bench.store.revoke_token_link(made.workspace, made.id, now).await.unwrap());
    assert!(
        bench.store.revoke_token_link(made.workspace, made.id, now + Duration::from_secs(1)).await.unwrap()
    );
    assert_eq!(
        bench.store.token_link(made.id).await.unwrap().unwrap().link.revoked_at,
        Some(now),
        "the first time counts"
    );
}
