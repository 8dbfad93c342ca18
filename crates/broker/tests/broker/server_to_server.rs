//! Server-to-server apps: nothing to lose, and tokens for every user of one Zoom account.

use broker::{NewApp, WantedZak};
use model::{AccountUser, Code, CredentialId, CredentialKind, CredentialStatus, Failure, Secret, TokenKind};
use serde_json::json;
use store::{AppKind, Credentials as _, LinkAccount, LinkSource, LinkTerms};
use token_links::NewLink;
use zoom::Zak;

use crate::{
    harness::{ACCESS_LIFE, ANY, House},
    links::Platform,
    webhooks::{Sender, milliseconds},
};

const SECRET: &str = "planted-server-to-server-secret";

/// A server-to-server app of the home account, registered here.
async fn with_app(account: Option<&str>) -> (House, model::ZoomOauthAppId) {
    let house = House::start().await;
    let app = json!({"client_id": "s2s", "client_secret": SECRET, "kind": "server_to_server",
                     "scopes": ["user:read:zak:admin", "user:read:user:admin", "user:read:token:admin"]});
    let made = house.zoom.control("POST", "apps", app).await;
    let new = NewApp {
        kind: AppKind::ServerToServer,
        client_id: "s2s".into(),
        client_secret: Secret::new(SECRET),
        webhook_secret: Secret::new("planted-webhook-secret"),
        zoom_account_id: Some(account.unwrap_or(made["account_id"].as_str().unwrap()).to_owned()),
    };
    let app = house.broker.register_app(house.workspace, &new).await.unwrap().unwrap().id;
    (house, app)
}

pub(crate) async fn connected() -> (House, CredentialId) {
    let (house, app) = with_app(None).await;
    let id = house.broker.connect_server_to_server(house.workspace, app).await.unwrap().unwrap();
    (house, id)
}

async fn zak_of(house: &House, id: CredentialId, user: &str) -> Result<audit::Audited<Zak>, Failure> {
    let user: AccountUser = user.parse().unwrap();
    house.broker.zak(house.workspace, id, WantedZak { user: Some(&user), ..ANY }, house.asker()).await
}

#[tokio::test]
async fn it_is_connected_without_anybody_and_mints_for_everybody_of_its_account() {
    let (house, id) = connected().await;
    let row = house.row(id).await;
    assert_eq!((row.kind, row.status), (CredentialKind::ServerToServer, CredentialStatus::Healthy));
    assert!(row.grant.refresh_token.is_none() && row.zoom_user_id.is_empty());

    house.zoom.new_user("grace@example.test").await;
    let ada = zak_of(&house, id, "ada@example.test").await.unwrap();
    let grace = zak_of(&house, id, "grace@example.test").await.unwrap();
    assert_ne!(ada.token.expose(), grace.token.expose());
    for (user, zak) in [("Ada@Example.test", &ada), ("grace@example.test", &grace)] {
        let again = zak_of(&house, id, user).await.unwrap();
        assert_eq!(again.token.expose(), zak.token.expose(), "{user}: kept for each of them");
    }
    assert_eq!(house.zoom.stats().await.zak_mints, 2);
    let by_id = house.zoom.user.clone();
    assert!(zak_of(&house, id, &by_id).await.is_ok());
    let named: Vec<_> =
        crate::audit::records(&house).await.into_iter().filter_map(|it| it.about.user).collect();
    let of_ada = named.iter().filter(|user| user.as_str() == "ada@example.test").count();
    assert_eq!((named.len(), of_ada), (5, 2), "the audit says whose each token was");
}

#[tokio::test]
async fn its_tokens_are_fetched_anew_without_escrow_and_idle_ones_not_at_all() {
    let (house, id) = connected().await;
    house.pass(ACCESS_LIFE).await;
    assert!(zak_of(&house, id, "ada@example.test").await.is_ok());
    let row = house.row(id).await;
    assert_eq!((row.generation, row.spent_at), (2, None));
    assert!(row.refresh_at.is_some(), "in use: ahead of time");
    assert_eq!(std::fs::read_dir(house.escrow()).unwrap().count(), 0);

    // A day later nobody has asked: the refresher fetches one more and then lets it rest.
    for _ in 0..2 {
        house.pass(24 * ACCESS_LIFE).await;
        house.broker.refresh_due().await.unwrap();
        house.settle().await;
    }
    let row = house.row(id).await;
    assert_eq!((row.status, row.refresh_at), (CredentialStatus::Healthy, None));
    assert!(zak_of(&house, id, "ada@example.test").await.is_ok(), "and is there again when asked");
    assert!(house.row(id).await.refresh_at.is_some());
}

#[tokio::test]
async fn a_user_outside_the_account_is_a_typed_failure_of_that_user_alone() {
    let (house, id) = connected().await;
    let stranger =
        json!({"email": "eve@elsewhere.test", "display_name": "Eve", "account_id": "another-account"});
    house.zoom.control("POST", "users", stranger).await;
    for user in ["eve@elsewhere.test", "nobody@example.test"] {
        for _ in 0..2 {
            assert_eq!(zak_of(&house, id, user).await.unwrap_err().code, Code::UserUnknown, "{user}");
        }
    }
    let row = house.row(id).await;
    assert_eq!((row.status, row.generation), (CredentialStatus::Healthy, 1));
    assert!(zak_of(&house, id, "ada@example.test").await.is_ok());
}

#[tokio::test]
async fn nobody_is_no_user_of_it_and_other_accounts_have_only_themselves() {
    let (house, id) = connected().await;
    assert_eq!(house.zak(id).await.unwrap_err().code, Code::TokenNotAvailable);
    let own = house.connect().await;
    assert_eq!(zak_of(&house, own, "ada@example.test").await.unwrap_err().code, Code::TokenNotAvailable);
    assert_eq!(house.zoom.stats().await.zak_mints, 0);
}

#[tokio::test]
async fn a_wrong_account_or_secret_is_found_out_at_once() {
    let (house, app) = with_app(Some("another-account")).await;
    let refused = house.broker.connect_server_to_server(house.workspace, app).await.unwrap_err();
    assert_eq!(refused.code, Code::AppUnhealthy);
    let other = house.broker.connect_server_to_server(house.workspace, house.app).await.unwrap_err();
    assert_eq!(other.code, Code::RequestMalformed);
}

#[tokio::test]
async fn connecting_it_again_keeps_the_id_and_drops_what_was_minted() {
    let (house, id) = connected().await;
    zak_of(&house, id, "ada@example.test").await.unwrap();
    let app = house.row(id).await.app;
    let again = house.broker.connect_server_to_server(house.workspace, app).await.unwrap();
    assert_eq!(again, Some(id));
    zak_of(&house, id, "ada@example.test").await.unwrap();
    assert_eq!(house.zoom.stats().await.zak_mints, 2);
}

/// As after a refused join: what is in memory is void.
async fn forget_zaks(house: &House, id: CredentialId) {
    house.store.void_tokens(house.workspace, id).await.unwrap();
    house.pass(std::time::Duration::from_secs(1)).await;
}

/// A link of one user's, who was named by an address.
async fn link_of(house: &House, credential: CredentialId, address: &str) -> Platform {
    let address: AccountUser = address.parse().unwrap();
    let user = house.broker.resolve_user(house.workspace, credential, &address).await.unwrap();
    let account = LinkAccount { credential, user: Some(user), address: Some(address) };
    let terms = LinkTerms::usual(TokenKind::Zak, LinkSource::Accounts(vec![account]));
    let new = NewLink { terms, ..NewLink::usual(TokenKind::Zak, credential) };
    Platform::of(house, &house.links.create(house.workspace, &new).await.unwrap().unwrap()).await
}

#[tokio::test]
async fn a_link_stays_with_its_user_whoever_has_the_address_by_now() {
    let (house, id) = connected().await;
    let platform = link_of(&house, id, "ada@example.test").await;
    let fetch = async |nth: &str| platform.fetch_from(&house.server(), &house, nth).await;
    fetch("as made").await.unwrap();

    // She gets another address, and somebody else gets hers.
    house.zoom.change_user(json!({"email": "countess@example.test"})).await;
    let heir = house.zoom.new_user("ada@example.test").await;
    forget_zaks(&house, id).await;
    fetch("renamed").await.unwrap();
    let records = crate::audit::records(&house).await;
    assert!(records.iter().all(|record| record.about.user.as_ref().unwrap().as_str() == house.zoom.user));

    house.zoom.delete(&format!("users/{}", house.zoom.user)).await;
    forget_zaks(&house, id).await;
    let refused = fetch("gone").await.unwrap_err();
    assert_eq!(refused.code, Code::UserUnknown);
    let words = format!("{} is gone at Zoom, and the address ada@example.test", house.zoom.user);
    assert!(refused.detail.contains(&words), "{refused}");
    assert!(zak_of(&house, id, &heir).await.is_ok(), "whoever means the other says so");
}

#[tokio::test]
async fn an_address_from_before_is_minted_for_by_the_id_behind_it() {
    let (house, id) = connected().await;
    let calls =
        async || house.zoom.control("GET", "stats", serde_json::Value::Null).await["rest_calls"].clone();
    let ada = zak_of(&house, id, "ada@example.test").await.unwrap();
    assert_eq!((&calls().await["read_user"], &calls().await["mint_user_token"]), (&json!(1), &json!(1)));
    let by_id = zak_of(&house, id, &house.zoom.user.clone()).await.unwrap();
    assert_ne!(ada.token.expose(), by_id.token.expose());
    assert_eq!(zak_of(&house, id, "nobody@example.test").await.unwrap_err().code, Code::UserUnknown);
    // For a while, the next mint needs no look.
    let user = "ada@example.test".parse::<AccountUser>().unwrap();
    let fresh = WantedZak { user: Some(&user), ..crate::harness::FRESH };
    house.broker.zak(house.workspace, id, fresh, house.asker()).await.unwrap();
    assert_eq!(calls().await["read_user"], 2);
}

#[tokio::test]
async fn a_user_who_is_gone_leaves_no_zak_in_memory() {
    let (house, id) = connected().await;
    let epoch = house.row(id).await.epoch;
    let app = house.row(id).await.app;
    zak_of(&house, id, &house.zoom.user.clone()).await.unwrap();
    let body = json!({ "event": "user.deleted", "event_ts": milliseconds(house.env.now()),
                       "payload": { "account_id": "a", "object": { "id": house.zoom.user } } });
    Sender::to_app(&house, app).taken(&body.to_string()).await;
    let row = house.row(id).await;
    assert_eq!((row.status, row.epoch), (CredentialStatus::Healthy, epoch + 1));
    house.zoom.delete(&format!("users/{}", house.zoom.user)).await;
    assert_eq!(zak_of(&house, id, &house.zoom.user.clone()).await.unwrap_err().code, Code::UserUnknown);
}
