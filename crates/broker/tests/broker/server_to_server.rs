//! Server-to-server apps: nothing to lose, and tokens for every user of one Zoom account.

use broker::{NewApp, ZakRequest};
use model::{AccountUser, Code, CredentialId, CredentialKind, CredentialStatus, Failure, Secret, TokenKind};
use serde_json::json;
use store::{AppKind, Credentials as _, LinkAccount, LinkSource, LinkTerms};
use token_links::NewLink;
use zoom::Zak;

use crate::{
    harness::{ACCESS_LIFE, ANY, Fixture},
    links::Platform,
    webhooks::{Sender, milliseconds},
};

const SECRET: &str = "planted-server-to-server-secret";

/// A server-to-server app of the home account, registered here.
async fn with_app(account: Option<&str>) -> (Fixture, model::ZoomOauthAppId) {
    let fixture = Fixture::start().await;
    let app = json!({"client_id": "s2s", "client_secret": SECRET, "kind": "server_to_server",
                     "scopes": ["user:read:zak:admin", "user:read:user:admin", "user:read:token:admin"]});
    let made = fixture.zoom.control("POST", "apps", app).await;
    let new = NewApp {
        kind: AppKind::ServerToServer,
        client_id: "s2s".into(),
        client_secret: Secret::new(SECRET),
        webhook_secret: Secret::new("planted-webhook-secret"),
        zoom_account_id: Some(account.unwrap_or(made["account_id"].as_str().unwrap()).to_owned()),
    };
    let app = fixture.broker.accounts.apps.register(fixture.workspace, &new).await.unwrap().unwrap().id;
    (fixture, app)
}

pub(crate) async fn connected() -> (Fixture, CredentialId) {
    let (fixture, app) = with_app(None).await;
    let id = fixture.broker.accounts.server_to_server.connect(fixture.workspace, app).await.unwrap().unwrap();
    (fixture, id)
}

async fn zak_of(fixture: &Fixture, id: CredentialId, user: &str) -> Result<audit::Audited<Zak>, Failure> {
    let user: AccountUser = user.parse().unwrap();
    fixture
        .broker
        .tokens
        .zak(fixture.workspace, id, ZakRequest { user: Some(&user), ..ANY }, fixture.requester())
        .await
}

#[tokio::test]
async fn it_is_connected_without_a_consent_and_mints_for_every_user_of_its_account() {
    let (fixture, id) = connected().await;
    let row = fixture.row(id).await;
    assert_eq!((row.kind, row.status), (CredentialKind::ServerToServer, CredentialStatus::Healthy));
    assert!(row.grant.refresh_token.is_none() && row.zoom_user_id.is_empty());

    fixture.zoom.new_user("grace@example.test").await;
    let ada = zak_of(&fixture, id, "ada@example.test").await.unwrap();
    let grace = zak_of(&fixture, id, "grace@example.test").await.unwrap();
    assert_ne!(ada.token.expose(), grace.token.expose());
    for (user, zak) in [("Ada@Example.test", &ada), ("grace@example.test", &grace)] {
        let again = zak_of(&fixture, id, user).await.unwrap();
        assert_eq!(again.token.expose(), zak.token.expose(), "{user}: cached for each of them");
    }
    assert_eq!(fixture.zoom.stats().await.zak_mints, 2);
    let by_id = fixture.zoom.user.clone();
    assert!(zak_of(&fixture, id, &by_id).await.is_ok());
    let named: Vec<_> =
        crate::audit::records(&fixture).await.into_iter().filter_map(|it| it.about.user).collect();
    let of_ada = named.iter().filter(|user| user.as_str() == "ada@example.test").count();
    assert_eq!((named.len(), of_ada), (5, 2), "the audit says whose each token was");
}

#[tokio::test]
async fn its_tokens_are_fetched_without_escrow_and_not_at_all_while_idle() {
    let (fixture, id) = connected().await;
    fixture.pass(ACCESS_LIFE).await;
    assert!(zak_of(&fixture, id, "ada@example.test").await.is_ok());
    let row = fixture.row(id).await;
    assert_eq!((row.generation, row.spent_at), (2, None));
    assert!(row.refresh_at.is_some(), "in use: ahead of time");
    assert_eq!(std::fs::read_dir(fixture.escrow()).unwrap().count(), 0);

    // A day later no token was requested: the worker fetches one more and then stops.
    for _ in 0..2 {
        fixture.pass(24 * ACCESS_LIFE).await;
        fixture.refresh_due(&fixture.broker).await;
        fixture.settle().await;
    }
    let row = fixture.row(id).await;
    assert_eq!((row.status, row.refresh_at), (CredentialStatus::Healthy, None));
    assert!(zak_of(&fixture, id, "ada@example.test").await.is_ok(), "a token is given again on request");
    assert!(fixture.row(id).await.refresh_at.is_some());
}

#[tokio::test]
async fn a_user_outside_the_account_fails_with_its_code_and_affects_no_other() {
    let (fixture, id) = connected().await;
    let stranger =
        json!({"email": "eve@elsewhere.test", "display_name": "Eve", "account_id": "another-account"});
    fixture.zoom.control("POST", "users", stranger).await;
    for user in ["eve@elsewhere.test", "nobody@example.test"] {
        for _ in 0..2 {
            assert_eq!(zak_of(&fixture, id, user).await.unwrap_err().code, Code::UserUnknown, "{user}");
        }
    }
    let row = fixture.row(id).await;
    assert_eq!((row.status, row.generation), (CredentialStatus::Healthy, 1));
    assert!(zak_of(&fixture, id, "ada@example.test").await.is_ok());
}

#[tokio::test]
async fn a_server_to_server_account_needs_a_user_and_other_accounts_take_none() {
    let (fixture, id) = connected().await;
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::TokenNotAvailable);
    let own = fixture.connect().await;
    assert_eq!(zak_of(&fixture, own, "ada@example.test").await.unwrap_err().code, Code::TokenNotAvailable);
    assert_eq!(fixture.zoom.stats().await.zak_mints, 0);
}

#[tokio::test]
async fn a_wrong_account_or_secret_is_detected_at_once() {
    let (fixture, app) = with_app(Some("another-account")).await;
    let refused = fixture.broker.accounts.server_to_server.connect(fixture.workspace, app).await.unwrap_err();
    assert_eq!(refused.code, Code::AppUnhealthy);
    let other =
        fixture.broker.accounts.server_to_server.connect(fixture.workspace, fixture.app).await.unwrap_err();
    assert_eq!(other.code, Code::RequestMalformed);
}

#[tokio::test]
async fn connecting_it_again_keeps_the_id_and_drops_minted_tokens() {
    let (fixture, id) = connected().await;
    zak_of(&fixture, id, "ada@example.test").await.unwrap();
    let app = fixture.row(id).await.app;
    let again = fixture.broker.accounts.server_to_server.connect(fixture.workspace, app).await.unwrap();
    assert_eq!(again, Some(id));
    zak_of(&fixture, id, "ada@example.test").await.unwrap();
    assert_eq!(fixture.zoom.stats().await.zak_mints, 2);
}

/// Voids the cached ZAKs, as after a refused join.
async fn forget_zaks(fixture: &Fixture, id: CredentialId) {
    fixture.store.void_tokens(fixture.workspace, id).await.unwrap();
    fixture.pass(std::time::Duration::from_secs(1)).await;
}

/// A link for one user who was named by an address.
async fn link_of(fixture: &Fixture, credential: CredentialId, address: &str) -> Platform {
    let address: AccountUser = address.parse().unwrap();
    let user = fixture.broker.users.resolve(fixture.workspace, credential, &address).await.unwrap();
    let account = LinkAccount { credential, user: Some(user), address: Some(address) };
    let terms = LinkTerms::usual(TokenKind::Zak, LinkSource::Accounts(vec![account]));
    let new = NewLink { terms, ..NewLink::usual(TokenKind::Zak, credential) };
    Platform::of(fixture, &fixture.links.manager.create(fixture.workspace, &new).await.unwrap().unwrap())
        .await
}

#[tokio::test]
async fn a_link_stays_with_its_user_when_the_address_moves_to_another() {
    let (fixture, id) = connected().await;
    let platform = link_of(&fixture, id, "ada@example.test").await;
    let fetch = async |nth: &str| platform.fetch_from(&fixture.server(), &fixture, nth).await;
    fetch("as made").await.unwrap();

    // The user gets another address, and another user gets the old one.
    fixture.zoom.change_user(json!({"email": "countess@example.test"})).await;
    let heir = fixture.zoom.new_user("ada@example.test").await;
    forget_zaks(&fixture, id).await;
    fetch("renamed").await.unwrap();
    let records = crate::audit::records(&fixture).await;
    assert!(records.iter().all(|record| record.about.user.as_ref().unwrap().as_str() == fixture.zoom.user));

    fixture.zoom.delete(&format!("users/{}", fixture.zoom.user)).await;
    forget_zaks(&fixture, id).await;
    let refused = fetch("gone").await.unwrap_err();
    assert_eq!(refused.code, Code::UserUnknown);
    let words = format!("{} no longer exists at Zoom, and the address ada@example.test", fixture.zoom.user);
    assert!(refused.detail.contains(&words), "{refused}");
    assert!(zak_of(&fixture, id, &heir).await.is_ok(), "a caller can name the other user");
}

#[tokio::test]
async fn an_address_of_an_older_version_is_resolved_to_its_id_at_the_mint() {
    let (fixture, id) = connected().await;
    let calls =
        async || fixture.zoom.control("GET", "stats", serde_json::Value::Null).await["rest_calls"].clone();
    let ada = zak_of(&fixture, id, "ada@example.test").await.unwrap();
    assert_eq!((&calls().await["read_user"], &calls().await["mint_user_token"]), (&json!(1), &json!(1)));
    let by_id = zak_of(&fixture, id, &fixture.zoom.user.clone()).await.unwrap();
    assert_ne!(ada.token.expose(), by_id.token.expose());
    assert_eq!(zak_of(&fixture, id, "nobody@example.test").await.unwrap_err().code, Code::UserUnknown);
    // For a while, the next mint needs no lookup.
    let user = "ada@example.test".parse::<AccountUser>().unwrap();
    let fresh = ZakRequest { user: Some(&user), ..crate::harness::FRESH };
    fixture.broker.tokens.zak(fixture.workspace, id, fresh, fixture.requester()).await.unwrap();
    assert_eq!(calls().await["read_user"], 2);
}

#[tokio::test]
async fn a_deleted_user_leaves_no_cached_zak() {
    let (fixture, id) = connected().await;
    let epoch = fixture.row(id).await.epoch;
    let app = fixture.row(id).await.app;
    zak_of(&fixture, id, &fixture.zoom.user.clone()).await.unwrap();
    let body = json!({ "event": "user.deleted", "event_ts": milliseconds(fixture.env.now()),
                       "payload": { "account_id": "a", "object": { "id": fixture.zoom.user } } });
    Sender::to_app(&fixture, app).taken(&body.to_string()).await;
    let row = fixture.row(id).await;
    assert_eq!((row.status, row.epoch), (CredentialStatus::Healthy, epoch + 1));
    fixture.zoom.delete(&format!("users/{}", fixture.zoom.user)).await;
    assert_eq!(zak_of(&fixture, id, &fixture.zoom.user.clone()).await.unwrap_err().code, Code::UserUnknown);
}
