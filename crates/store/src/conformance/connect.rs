//! Invitations.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::ConsentId;

use super::{Bench, CALLERS, ROUNDS, credentials};
use crate::{Consent, Credential, Journey, StoreError};

pub(super) async fn invitation(bench: &Bench) -> Consent {
    let workspace = bench.workspace().await;
    let consent = Consent {
        id: ConsentId::generate(&bench.env),
        workspace,
        app: bench.app(workspace, "client-1").await.id,
        secret_digest: bench.env.entropy.bytes(),
        journey: None,
        credential: None,
        created_at: bench.env.now(),
        expires_at: bench.env.now() + Duration::from_secs(600),
    };
    bench.store.add_consent(&consent).await.unwrap();
    consent
}

fn journey(bench: &Bench) -> Journey {
    Journey {
        state_digest: bench.env.entropy.bytes(),
        browser_digest: bench.env.entropy.bytes(),
        code_verifier: bench.sealed(),
    }
}

async fn complete(bench: &Bench, consent: &Consent, credential: &Credential) -> Result<bool, StoreError> {
    bench.store.complete_consent(consent.id, credential, &bench.note("connected")).await
}

pub async fn an_invitation_is_used_once(bench: &Bench) {
    let consent = invitation(bench).await;
    let trip = journey(bench);
    assert!(bench.store.begin_journey(consent.id, &trip).await.unwrap());
    let found = bench.store.consent_by_state(&trip.state_digest).await.unwrap().unwrap();
    assert_eq!(found.id, consent.id);
    assert_eq!(found.journey.unwrap().code_verifier, trip.code_verifier);

    assert!(bench.store.end_journey(consent.id, &trip.state_digest).await.unwrap());
    assert!(!bench.store.end_journey(consent.id, &trip.state_digest).await.unwrap(), "a state works once");
    assert!(bench.store.consent_by_state(&trip.state_digest).await.unwrap().is_none());

    let credential = credentials::account(bench, consent.workspace, consent.app, "user-1");
    assert!(complete(bench, &consent, &credential).await.unwrap());
    assert_eq!(bench.store.consent(consent.id).await.unwrap().unwrap().credential, Some(credential.id));
    assert!(!bench.store.begin_journey(consent.id, &journey(bench)).await.unwrap(), "it is used");

    let other = credentials::account(bench, consent.workspace, consent.app, "user-2");
    assert!(!complete(bench, &consent, &other).await.unwrap());
    assert!(
        bench.store.credential(consent.workspace, other.id).await.unwrap().is_none(),
        "nothing was stored"
    );
}

pub async fn a_new_journey_ends_the_one_before(bench: &Bench) {
    let consent = invitation(bench).await;
    let (first, second) = (journey(bench), journey(bench));
    assert!(bench.store.begin_journey(consent.id, &first).await.unwrap());
    assert!(bench.store.begin_journey(consent.id, &second).await.unwrap());
    assert!(bench.store.consent_by_state(&first.state_digest).await.unwrap().is_none());
    assert!(!bench.store.end_journey(consent.id, &first.state_digest).await.unwrap());
    assert!(bench.store.end_journey(consent.id, &second.state_digest).await.unwrap());
}

pub async fn of_callbacks_at_once_one_ends_the_journey(bench: &Bench) {
    let consent = invitation(bench).await;
    for _ in 0..ROUNDS {
        let trip = journey(bench);
        assert!(bench.store.begin_journey(consent.id, &trip).await.unwrap());
        let callbacks = (0..CALLERS).map(|_| bench.store.end_journey(consent.id, &trip.state_digest));
        let ended = join_all(callbacks).await;
        assert_eq!(ended.into_iter().filter(|ended| *ended.as_ref().unwrap()).count(), 1);
    }
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
