//! Invitations.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::ConsentId;

use super::{Bench, CALLERS, credentials};
use crate::{Consent, Credential, StoreError};

pub(super) async fn invitation(bench: &Bench) -> Consent {
    let workspace = bench.workspace().await;
    let consent = Consent {
        id: ConsentId::generate(&bench.env),
        workspace,
        app: bench.app(workspace, "client-1").await.id,
        secret_digest: bench.env.entropy.bytes(),
        credential: None,
        connected_by: None,
        connected_at: None,
        created_at: bench.env.now(),
        expires_at: bench.env.now() + Duration::from_secs(600),
    };
    bench.store.add_consent(&consent).await.unwrap();
    consent
}

async fn complete(bench: &Bench, consent: &Consent, credential: &Credential) -> Result<bool, StoreError> {
    bench.store.complete_consent(consent.id, &[7; 32], credential, &bench.note("connected")).await
}

pub async fn an_invitation_is_used_once(bench: &Bench) {
    let consent = invitation(bench).await;
    let credential = credentials::account(bench, consent.workspace, consent.app, "user-1");
    assert!(complete(bench, &consent, &credential).await.unwrap());
    let used = bench.store.consent(consent.id).await.unwrap().unwrap();
    assert_eq!(used.credential, Some(credential.id));
    assert_eq!((used.connected_by, used.connected_at), (Some([7; 32]), Some(bench.env.now())));

    let other = credentials::account(bench, consent.workspace, consent.app, "user-2");
    assert!(!complete(bench, &consent, &other).await.unwrap());
    assert!(
        bench.store.credential(consent.workspace, other.id).await.unwrap().is_none(),
        "nothing was stored"
    );
}

pub async fn of_completions_at_once_one_connects(bench: &Bench) {
    let consent = invitation(bench).await;
    let accounts: Vec<_> = (0..CALLERS)
        .map(|user| credentials::account(bench, consent.workspace, consent.app, &format!("user-{user}")))
        .collect();
    let completions = accounts.iter().map(|account| complete(bench, &consent, account));
    let completed = join_all(completions).await;
    assert_eq!(completed.into_iter().filter(|completed| *completed.as_ref().unwrap()).count(), 1);
    let connected = bench.store.credentials(consent.workspace).await.unwrap();
    assert_eq!(connected.len(), 1, "the others stored nothing");
    assert_eq!(bench.store.consent(consent.id).await.unwrap().unwrap().credential, Some(connected[0].id));
}
