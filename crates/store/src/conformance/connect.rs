//! Apps and invitations.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{ConsentId, WorkspaceId};

use super::{Bench, CALLERS, ROUNDS, credentials};
use crate::{Consent, Credential, Journey, NewAppSecrets, Refusal, StoreError};

pub async fn apps_stay_in_their_workspace(bench: &Bench) {
    let workspace = bench.workspace().await;
    let app = bench.app(workspace, "client-1").await;
    let elsewhere = WorkspaceId::generate(&bench.env);
    let found = bench.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap();
    assert_eq!(found.client_secret, app.client_secret);
    assert!(bench.store.zoom_oauth_app(elsewhere, app.id).await.unwrap().is_none());
    assert!(bench.store.zoom_oauth_apps(elsewhere).await.unwrap().is_empty());
}

pub async fn one_app_per_client_id(bench: &Bench) {
    let workspace = bench.workspace().await;
    let mut app = bench.app(workspace, "client-1").await;
    app.id = model::ZoomOauthAppId::generate(&bench.env);
    assert!(matches!(bench.store.add_zoom_oauth_app(&app).await, Err(StoreError::Exists(_))));
    bench.app(workspace, "client-2").await;
    assert_eq!(bench.store.zoom_oauth_apps(workspace).await.unwrap().len(), 2);
}

async fn invitation(bench: &Bench) -> Consent {
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

pub async fn a_refused_app_is_probed_by_one_at_a_time(bench: &Bench) {
    let workspace = bench.workspace().await;
    let app = bench.app(workspace, "client-1").await;
    let (now, minute) = (bench.env.now(), Duration::from_secs(60));
    let refuse = async |note| {
        bench.store.refuse_app(app.id, &app.client_secret, now + minute, &bench.note(note)).await.unwrap()
    };
    assert!(
        !bench.store.claim_probe(app.id, now + minute, now + minute).await.unwrap(),
        "nothing is refused"
    );
    assert!(refuse("refused").await);
    assert!(!refuse("refused again").await, "it is known");
    let found = bench.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap();
    assert_eq!(found.refusal, Some(Refusal { since: now, probe_at: now + minute }));

    assert!(!bench.store.claim_probe(app.id, now, now + minute).await.unwrap(), "too early");
    for round in (1..).take(ROUNDS) {
        let (at, next) = (now + minute * round, now + minute * (round + 1));
        let claims = join_all((0..CALLERS).map(|_| bench.store.claim_probe(app.id, at, next))).await;
        assert_eq!(claims.into_iter().filter(|claim| *claim.as_ref().unwrap()).count(), 1);
    }
    assert!(bench.store.accept_app(app.id, &bench.note("accepted")).await.unwrap());
    assert!(!bench.store.accept_app(app.id, &bench.note("accepted")).await.unwrap(), "once");
    assert_eq!(bench.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap().refusal, None);
    let lines = bench.store.app_log(workspace, &crate::LogFilter::default(), 9).await.unwrap();
    assert_eq!(lines.len(), 2, "a line when it began, and one when it ended");
}

pub async fn a_refusal_of_a_replaced_secret_says_nothing(bench: &Bench) {
    let workspace = bench.workspace().await;
    let app = bench.app(workspace, "client-1").await;
    let (now, newer) = (bench.env.now(), bench.sealed());
    assert!(bench.store.refuse_app(app.id, &app.client_secret, now, &bench.note("refused")).await.unwrap());
    let secrets = NewAppSecrets { client_secret: Some(&newer), webhook_secret: None };
    let elsewhere = WorkspaceId::generate(&bench.env);
    assert!(!bench.store.change_app_secrets(elsewhere, app.id, secrets).await.unwrap());
    assert!(bench.store.change_app_secrets(workspace, app.id, secrets).await.unwrap());
    assert!(!bench.store.refuse_app(app.id, &app.client_secret, now, &bench.note("late")).await.unwrap());
    let found = bench.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap();
    assert_eq!((found.client_secret, found.refusal), (newer, None));
    assert_eq!(found.webhook_secret, app.webhook_secret, "what is not named stays");
}
