//! Invitations.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::ConsentId;

use super::{CALLERS, Conformance, credentials};
use crate::{Consent, Credential, StoreError};

pub(super) async fn invitation(suite: &Conformance) -> Consent {
    let workspace = suite.workspace().await;
    let consent = Consent {
        id: ConsentId::generate(&suite.env),
        workspace,
        app: suite.app(workspace, "client-1").await.id,
        secret_digest: suite.env.entropy.bytes(),
        credential: None,
        connected_by: None,
        connected_at: None,
        created_at: suite.env.now(),
        expires_at: suite.env.now() + Duration::from_secs(600),
    };
    suite.store.add_consent(&consent).await.unwrap();
    consent
}

async fn complete(
    suite: &Conformance,
    consent: &Consent,
    credential: &Credential,
) -> Result<bool, StoreError> {
    suite.store.complete_consent(consent.id, &[7; 32], credential, &suite.note("connected")).await
}

pub async fn an_invitation_is_used_once(suite: &Conformance) {
    let consent = invitation(suite).await;
    let credential = credentials::account(suite, consent.workspace, consent.app, "user-1");
    assert!(complete(suite, &consent, &credential).await.unwrap());
    let used = suite.store.consent(consent.id).await.unwrap().unwrap();
    assert_eq!(used.credential, Some(credential.id));
    assert_eq!((used.connected_by, used.connected_at), (Some([7; 32]), Some(suite.env.now())));

    let other = credentials::account(suite, consent.workspace, consent.app, "user-2");
    assert!(!complete(suite, &consent, &other).await.unwrap());
    assert!(
        suite.store.credential(consent.workspace, other.id).await.unwrap().is_none(),
        "no account was stored"
    );
}

pub async fn of_completions_at_once_one_connects(suite: &Conformance) {
    let consent = invitation(suite).await;
    let accounts: Vec<_> = (0..CALLERS)
        .map(|user| credentials::account(suite, consent.workspace, consent.app, &format!("user-{user}")))
        .collect();
    let completions = accounts.iter().map(|account| complete(suite, &consent, account));
    let completed = join_all(completions).await;
    assert_eq!(completed.into_iter().filter(|completed| *completed.as_ref().unwrap()).count(), 1);
    let connected = suite.store.credentials(consent.workspace).await.unwrap();
    assert_eq!(connected.len(), 1, "the others stored nothing");
    assert_eq!(suite.store.consent(consent.id).await.unwrap().unwrap().credential, Some(connected[0].id));
}
