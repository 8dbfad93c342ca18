//! Webhooks end accounts on every server, once, and only with a valid signature.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use broker::{Broker, WebhookAnswer, WebhookRequest};
use model::{
    Class, Code, CredentialId, CredentialStatus, DisconnectCause, Failure, Timestamp, TokenKind,
    ZoomOauthAppId,
};
use serde_json::json;
use store::{Disconnection, Received, ReceivedEvent, ReceivedEvents, ZoomEvent, ZoomOauthApps as _};
use token_links::NewLink;
use zoom::WebhookHeaders;

use crate::{
    escrow::{deposits, died_before_the_commit},
    harness::{ANY, FRESH, Fixture},
    links::Platform,
    refresh::run,
};

const SECRET: &str = "planted-webhook-secret";
pub(crate) const GONE: CredentialStatus = CredentialStatus::Disconnected(DisconnectCause::Deauthorized);

fn hex_hmac(secret: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, text.as_bytes());
    tag.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The sender of Zoom's webhooks to one app.
pub(crate) struct Sender<'h> {
    fixture: &'h Fixture,
    app: ZoomOauthAppId,
    secret: &'static str,
    sent_at: Timestamp,
}

impl<'h> Sender<'h> {
    pub(crate) fn to(fixture: &'h Fixture) -> Self {
        Self { fixture, app: fixture.app, secret: SECRET, sent_at: fixture.env.now() }
    }

    /// The sender of webhooks to another app that has the same secret.
    pub(crate) fn to_app(fixture: &'h Fixture, app: ZoomOauthAppId) -> Self {
        Self { app, ..Self::to(fixture) }
    }

    /// The same sender, signing with another secret.
    pub(crate) fn signing_with(self, secret: &'static str) -> Self {
        Self { secret, ..self }
    }

    pub(crate) async fn send(&self, broker: &Arc<Broker>, body: &str) -> Result<WebhookAnswer, Failure> {
        let timestamp = self.sent_at.as_second().to_string();
        let signature = format!("v0={}", hex_hmac(self.secret, &format!("v0:{timestamp}:{body}")));
        let headers = Some(WebhookHeaders { signature: &signature, timestamp: &timestamp });
        broker
            .accounts
            .webhooks
            .receive(WebhookRequest { app: self.app, headers, body: body.as_bytes() })
            .await
    }

    pub(crate) async fn taken(&self, body: &str) {
        assert_eq!(self.send(&self.fixture.broker, body).await.unwrap(), WebhookAnswer::Taken);
    }

    pub(crate) async fn refused(&self, body: &str) -> Code {
        self.send(&self.fixture.broker, body).await.unwrap_err().code
    }
}

pub(crate) fn milliseconds(time: Timestamp) -> i64 {
    time.as_microsecond() / 1000
}

pub(crate) fn removal(fixture: &Fixture) -> String {
    removal_at(fixture, fixture.env.now())
}

fn removal_at(fixture: &Fixture, time: Timestamp) -> String {
    let payload =
        json!({ "account_id": "a", "user_id": fixture.zoom.user, "client_id": "client-of-the-tests" });
    json!({ "event": "app_deauthorized", "event_ts": milliseconds(time), "payload": payload }).to_string()
}

fn of_user(fixture: &Fixture, event: &str, user: &str) -> String {
    let payload = json!({ "account_id": "a", "object": { "id": user } });
    json!({ "event": event, "event_ts": milliseconds(fixture.env.now()), "payload": payload }).to_string()
}

#[tokio::test]
async fn a_validation_is_answered_and_recorded() {
    let fixture = Fixture::start().await;
    let body = r#"{"event":"endpoint.url_validation","event_ts":1,"payload":{"plainToken":"plain"}}"#;
    let answer = Sender::to(&fixture).send(&fixture.broker, body).await.unwrap();
    let encrypted_token = hex_hmac(SECRET, "plain");
    assert_eq!(answer, WebhookAnswer::Validation { plain_token: "plain".into(), encrypted_token });
    let app = fixture.store.zoom_oauth_app(fixture.workspace, fixture.app).await.unwrap().unwrap();
    assert_eq!(app.webhook_last_validation, Some(fixture.env.now()));
}

#[tokio::test]
async fn an_unverified_webhook_ends_no_account() {
    let (fixture, id) = Fixture::with_account().await;
    let (body, sender) = (removal(&fixture), Sender::to(&fixture));
    let forged = Sender { secret: "another", ..Sender::to(&fixture) };
    assert_eq!(forged.refused(&body).await, Code::SignatureInvalid);
    let unknown = Sender { app: ZoomOauthAppId::generate(&fixture.env), ..Sender::to(&fixture) };
    assert_eq!(unknown.refused(&body).await, Code::SignatureInvalid);
    for off in [301, 100_000] {
        let (early, late) =
            (sender.sent_at - Duration::from_secs(off), sender.sent_at + Duration::from_secs(off));
        for sent_at in [early, late] {
            let stale = Sender { sent_at, ..Sender::to(&fixture) };
            assert_eq!(stale.refused(&body).await, Code::SignatureStale);
        }
    }
    let bare = WebhookRequest { app: fixture.app, headers: None, body: body.as_bytes() };
    assert_eq!(
        fixture.broker.accounts.webhooks.receive(bare).await.unwrap_err().code,
        Code::SignatureMissing
    );
    assert_eq!(sender.refused("{").await, Code::RequestMalformed);
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);
    fixture.zak(id).await.unwrap();
}

#[tokio::test]
async fn an_authentic_webhook_is_accepted_when_our_clock_is_known_to_be_wrong() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.clock.set(fixture.env.now() + Duration::from_secs(900));
    let (true_time, body) = (fixture.zoom.now().await, removal(&fixture));
    let sender = Sender { sent_at: true_time, ..Sender::to(&fixture) };
    assert_eq!(sender.refused(&body).await, Code::SignatureStale, "Zoom's time is not known yet");
    fixture.broker.tokens.zak(fixture.workspace, id, FRESH, fixture.requester()).await.unwrap();
    let body = removal_at(&fixture, true_time);
    sender.taken(&body).await;
    assert_eq!(fixture.row(id).await.status, GONE);
}

#[tokio::test]
async fn webhooks_that_are_not_about_an_account_of_this_app_change_nothing() {
    let (fixture, id) = Fixture::with_account().await;
    let sender = Sender::to(&fixture);
    sender.taken(&of_user(&fixture, "user.deleted", "nobody-we-know")).await;
    sender.taken(&of_user(&fixture, "user.updated", &fixture.zoom.user)).await;
    sender.taken(&of_user(&fixture, "user.activated", &fixture.zoom.user)).await;
    sender.taken(&removal(&fixture).replace("client-of-the-tests", "another-client")).await;
    let other = fixture.another_app("another-client").await;
    let other = Sender { app: other, ..Sender::to(&fixture) };
    other.taken(&of_user(&fixture, "user.deleted", &fixture.zoom.user)).await;
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);
    fixture.zak(id).await.unwrap();
}

#[tokio::test]
async fn a_removal_ends_the_account_and_a_new_consent_restores_it() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.zak(id).await.unwrap();
    let before = fixture.row(id).await;
    let body = removal(&fixture);
    Sender::to(&fixture).taken(&body).await;
    let row = fixture.row(id).await;
    assert_eq!((row.status, row.generation, row.epoch), (GONE, before.generation + 1, before.epoch + 1));
    assert!(row.grant.access_token.is_none() && row.grant.refresh_token.is_none());
    assert_eq!((row.zoom_user_id, row.status_since), (before.zoom_user_id, fixture.env.now()), "a tombstone");
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::CredentialDisconnected);
    fixture.settle().await;
    assert!(fixture.store.unfinished_zoom_events(9).await.unwrap().is_empty());

    fixture.pass(Duration::from_secs(60)).await;
    assert_eq!(fixture.connect().await, id, "the same account");
    fixture.zak(id).await.unwrap();
    // Zoom did not get our answer, and sends the same bytes again.
    Sender::to(&fixture).taken(&body).await;
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);
    fixture.zak(id).await.unwrap();
}

#[tokio::test]
async fn a_late_removal_does_not_end_a_newer_consent() {
    let (fixture, id) = Fixture::with_account().await;
    let removed_at = fixture.env.now();
    fixture.pass(Duration::from_secs(1200)).await;
    assert_eq!(fixture.connect().await, id);
    Sender::to(&fixture).taken(&removal_at(&fixture, removed_at)).await;
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);

    // Our own clock does not matter: the age of an event is the difference of Zoom's two times.
    fixture.clock.advance(Duration::from_secs(250));
    let sent_at = fixture.env.now() - Duration::from_secs(250);
    let sender = Sender { sent_at, ..Sender::to(&fixture) };
    sender.taken(&removal_at(&fixture, sent_at)).await;
    assert_eq!(fixture.row(id).await.status, GONE);
}

#[tokio::test]
async fn the_end_of_a_user_ends_the_account() {
    for (event, cause) in [
        ("user.deactivated", DisconnectCause::UserDeactivated),
        ("user.deleted", DisconnectCause::UserDeleted),
    ] {
        let (fixture, id) = Fixture::with_account().await;
        Sender::to(&fixture).taken(&of_user(&fixture, event, &fixture.zoom.user)).await;
        assert_eq!(fixture.row(id).await.status, CredentialStatus::Disconnected(cause));
    }
}

/// A link to the account, and a platform that fetches from it.
async fn platform(fixture: &Fixture, id: CredentialId) -> Platform {
    let (kind, credential) = (TokenKind::Zak, id);
    let new = NewLink::usual(kind, credential);
    let link = fixture.links.manager.create(fixture.workspace, &new).await.unwrap().unwrap();
    Platform::of(fixture, &link).await
}

#[tokio::test]
async fn another_process_refuses_within_a_second() {
    let (fixture, id) = Fixture::with_account().await;
    let platform = platform(&fixture, id).await;
    let (here, other) = (fixture.server(), fixture.another_server(fixture.clock.clone()).await);
    for (nth, server) in [&here, &other].into_iter().enumerate() {
        platform.fetch_from(server, &fixture, &format!("before-{nth}")).await.unwrap();
    }
    assert_eq!(fixture.zoom.stats().await.zak_mints, 2, "each process has cached one");

    Sender::to(&fixture).taken(&removal(&fixture)).await;
    let refused = async |server, id| platform.fetch_from(server, &fixture, id).await.unwrap_err().code;
    assert_eq!(refused(&here, "here").await, Code::CredentialDisconnected, "at once");
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(refused(&other, "there").await, Code::CredentialDisconnected);
    assert_eq!(
        other.broker.tokens.zak(fixture.workspace, id, ANY, fixture.requester()).await.unwrap_err().code,
        Code::CredentialDisconnected
    );

    // The same user consents again: the other process still has a cached ZAK of the old grant.
    fixture.connect().await;
    fixture.clock.advance(Duration::from_secs(1));
    platform.fetch_from(&other, &fixture, "again").await.unwrap();
    assert_eq!(fixture.zoom.stats().await.zak_mints, 3, "a new one");
}

#[tokio::test]
async fn a_consent_takes_effect_at_once_on_every_process() {
    let (fixture, id) = Fixture::with_account().await;
    let platform = platform(&fixture, id).await;
    let (here, other) = (fixture.server(), fixture.another_server(fixture.clock.clone()).await);
    let fetch = async |server, id| platform.fetch_from(server, &fixture, id).await.map(drop);
    for (server, id) in [(&here, "one"), (&other, "two")] {
        fetch(server, id).await.unwrap();
    }
    Sender::to(&fixture).taken(&removal(&fixture)).await;
    fixture.pass(Duration::from_secs(1)).await;
    for (server, id) in [(&here, "three"), (&other, "four")] {
        let refused = fetch(server, id).await.unwrap_err();
        assert_eq!(refused.code, Code::CredentialDisconnected, "and each process has just read it");
    }
    fixture.connect().await;
    fetch(&here, "here").await.unwrap();
    fetch(&other, "there").await.unwrap();
}

#[tokio::test]
async fn a_refusal_without_the_store_is_not_final() {
    let (fixture, id) = Fixture::with_account().await;
    let platform = platform(&fixture, id).await;
    Sender::to(&fixture).taken(&removal(&fixture)).await;
    let refused = async |id| platform.fetch_from(&fixture.server(), &fixture, id).await.unwrap_err();
    assert_eq!(refused("one").await.class(), Class::PersonMustAct);
    run(&fixture.database(), "ALTER TABLE credentials RENAME TO away").await;
    assert_ne!(refused("two").await.class(), Class::PersonMustAct, "the store could not be read");
    run(&fixture.database(), "ALTER TABLE away RENAME TO credentials").await;
    assert_eq!(refused("three").await.class(), Class::PersonMustAct);
}

#[tokio::test]
async fn a_concurrent_refresh_loses_and_leaves_nothing_behind() {
    let (fixture, id) = died_before_the_commit().await;
    assert_eq!(deposits(&fixture).len(), 1);
    Sender::to(&fixture).taken(&removal(&fixture)).await;
    // The cancelled task is still tracked, so only the stored event shows that the rest is done.
    while !fixture.store.unfinished_zoom_events(1).await.unwrap().is_empty() {}
    assert!(deposits(&fixture).is_empty(), "the grant in escrow was deleted");
    let row = fixture.row(id).await;
    assert_eq!(row.status, GONE);
    assert!(row.grant.refresh_token.is_none());
}

#[tokio::test]
async fn events_that_a_crash_left_unfinished_are_finished_by_the_next_process() {
    let (fixture, id) = died_before_the_commit().await;
    let event = ZoomEvent {
        key: [7; 32],
        workspace: fixture.workspace,
        app: fixture.app,
        name: "app_deauthorized".into(),
        ended: None,
        received_at: fixture.env.now(),
    };
    let cause = DisconnectCause::Deauthorized;
    let disconnection =
        Disconnection { credential: id, cause, unless_consented_after: None, note: fixture.note() };
    let received = ReceivedEvent { event, disconnection: Some(disconnection), news: None };
    assert_eq!(fixture.store.receive_zoom_events(&[received]).await.unwrap(), [Received::Ended]);

    let next = fixture.another_broker(fixture.clock.clone()).await;
    assert_eq!(next.accounts.webhooks.replay().await.unwrap(), 1);
    assert!(deposits(&fixture).is_empty());
    assert_eq!(next.accounts.webhooks.replay().await.unwrap(), 0);
}

#[tokio::test]
async fn one_of_many_concurrent_deliveries_counts() {
    let (fixture, id) = Fixture::with_account().await;
    let (body, generation) = (removal(&fixture), fixture.row(id).await.generation);
    let other = fixture.another_broker(fixture.clock.clone()).await;
    let sender = Sender::to(&fixture);
    let (one, two, three) = tokio::join!(
        sender.send(&fixture.broker, &body),
        sender.send(&other, &body),
        sender.send(&fixture.broker, &body)
    );
    for answer in [one, two, three] {
        assert_eq!(answer.unwrap(), WebhookAnswer::Taken);
    }
    assert_eq!(fixture.row(id).await.generation, generation + 1);
}

#[tokio::test]
async fn the_database_contains_neither_the_body_nor_tokens() {
    let (fixture, id) = Fixture::with_account().await;
    let grant = fixture.row(id).await.grant;
    let marked = removal(&fixture).replace(r#""account_id":"a""#, r#""account_id":"planted-account""#);
    Sender::to(&fixture).taken(&marked).await;
    fixture.settle().await;
    let row = fixture.row(id).await;
    assert!(
        row.grant.access_token.is_none()
            && row.grant.refresh_token.is_none()
            && row.grant.scopes == Some(Vec::new())
    );
    let bytes = fixture.bytes_of_the_store();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(fixture.zoom.user.as_bytes()), "the tombstone is there");
    assert!(!holds(b"planted-account"));
    for token in [grant.access_token.unwrap(), grant.refresh_token.unwrap()] {
        assert!(!token.0.chunks_exact(16).any(holds), "no piece of its ciphertext is left");
    }
}
