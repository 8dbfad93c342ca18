//! Connecting an account: the authorization, and every way in which it must fail.

use std::time::Duration;

use broker::AuthorizationReturn;
use model::{Code, CredentialStatus, Secret};
use serde_json::json;
use store::Credentials;

use crate::harness::Fixture;

const DAY: Duration = Duration::from_secs(24 * 3600);
const JUST_UNDER_TEN_MINUTES: Duration = Duration::from_micros(599_999_999);

/// No account was connected, and no code was spent.
async fn assert_nothing_happened(fixture: &Fixture) {
    assert!(fixture.store.credentials(fixture.workspace).await.unwrap().is_empty(), "an account was stored");
    assert_eq!(fixture.zoom.stats().await.token_exchanges, 0, "a code was spent");
}

fn copy(returned: &AuthorizationReturn) -> AuthorizationReturn {
    AuthorizationReturn {
        state: returned.state.clone(),
        browser: returned.browser.clone(),
        code: returned.code.clone(),
    }
}

#[tokio::test]
async fn an_invitation_becomes_a_healthy_account() {
    let fixture = Fixture::start().await;
    let returned = fixture.travel(&fixture.invitation().await, "allow").await;
    let connected = fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap();
    assert_eq!(connected.display_name, "Ada Lovelace");
    assert!(connected.missing_scopes.is_empty());

    let row = fixture.row(connected.credential).await;
    assert_eq!((row.status, row.generation), (CredentialStatus::Healthy, 1));
    assert_eq!(row.zoom_user_id, fixture.zoom.user);
    assert!(row.spent_at.is_none());
    assert!(fixture.zak(connected.credential).await.is_ok());
}

#[tokio::test]
async fn a_user_who_declined_can_consent_later() {
    let fixture = Fixture::start().await;
    let invitation = fixture.invitation().await;
    let returned = fixture.travel(&invitation, "deny").await;
    let failure = fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap_err();
    assert_eq!(failure.code, Code::CredentialNeedsConsent);
    assert!(failure.detail.contains("declined"), "{failure}");
    assert_nothing_happened(&fixture).await;

    let returned = fixture.travel(&invitation, "allow").await;
    fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap();
}

#[tokio::test]
async fn an_invented_state_or_none_is_refused() {
    let fixture = Fixture::start().await;
    let returned = fixture.travel(&fixture.invitation().await, "allow").await;
    for state in ["", "made-up"] {
        let forged = AuthorizationReturn { state: Secret::new(state), ..copy(&returned) };
        assert_eq!(
            fixture.broker.accounts.authorizations.finish_authorization(forged).await.unwrap_err().code,
            Code::RequestMalformed
        );
    }
    assert_nothing_happened(&fixture).await;
    fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap();
}

#[tokio::test]
async fn a_code_from_another_browser_connects_nothing() {
    let fixture = Fixture::start().await;
    let returned = fixture.travel(&fixture.invitation().await, "allow").await;
    let elsewhere = fixture
        .broker
        .accounts
        .authorizations
        .begin_authorization(&fixture.invitation().await)
        .await
        .unwrap();
    for browser in [None, Some(elsewhere.browser), Some(Secret::new(""))] {
        let stranger = AuthorizationReturn { browser, ..copy(&returned) };
        assert_eq!(
            fixture.broker.accounts.authorizations.finish_authorization(stranger).await.unwrap_err().code,
            Code::RequestMalformed
        );
    }
    assert_nothing_happened(&fixture).await;
    // The attempts did not end the authorization of the browser that started it.
    fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap();
}

#[tokio::test]
async fn a_page_that_is_loaded_twice_spends_one_code_and_shows_the_same() {
    let fixture = Fixture::start().await;
    let returned = fixture.travel(&fixture.invitation().await, "allow").await;
    let other = fixture.another_broker(fixture.clock.clone()).await;
    let (first, second) = tokio::join!(
        fixture.broker.accounts.authorizations.finish_authorization(copy(&returned)),
        fixture.broker.accounts.authorizations.finish_authorization(copy(&returned))
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.credential, second.credential);
    for broker in [&fixture.broker, &other] {
        let again = broker.accounts.authorizations.finish_authorization(copy(&returned)).await.unwrap();
        assert_eq!((again.credential, &*again.display_name), (first.credential, "Ada Lovelace"));
        assert!(again.missing_scopes.is_empty());
    }
    // Only the browser that connected the account gets the result.
    for browser in [None, Some(Secret::new("made-up"))] {
        let stranger = AuthorizationReturn { browser, ..copy(&returned) };
        assert_eq!(
            fixture.broker.accounts.authorizations.finish_authorization(stranger).await.unwrap_err().code,
            Code::RequestMalformed
        );
    }
    fixture.clock.advance(JUST_UNDER_TEN_MINUTES);
    fixture.broker.accounts.authorizations.finish_authorization(copy(&returned)).await.unwrap();
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(
        fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap_err().code,
        Code::LinkExpired
    );
    assert_eq!(fixture.row(first.credential).await.generation, 1);
    assert_eq!(fixture.zoom.stats().await.token_exchanges, 1);
}

/// A browser that reloads a page closes the first connection.
#[tokio::test]
async fn a_user_whose_browser_disconnects_is_still_connected() {
    let fixture = Fixture::start().await;
    let returned = fixture.travel(&fixture.invitation().await, "allow").await;
    fixture.zoom.hold_up("token").await;
    {
        let mut first =
            std::pin::pin!(fixture.broker.accounts.authorizations.finish_authorization(copy(&returned)));
        tokio::select! {
            _ = first.as_mut() => panic!("Zoom delays the answer"),
            () = fixture.zoom.struck() => {}
        }
    }
    let connected = fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap();
    assert_eq!(fixture.zoom.stats().await.token_exchanges, 1);
    assert!(fixture.zak(connected.credential).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_connected_nothing_is_not_retried() {
    let fixture = Fixture::start().await;
    let invitation = fixture.invitation().await;
    let returned = fixture.travel(&invitation, "allow").await;
    fixture.zoom.spoil("token", "http_500", 1).await;
    fixture.broker.accounts.authorizations.finish_authorization(copy(&returned)).await.unwrap_err();
    let again = fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap_err();
    assert_eq!(again.code, Code::LinkExpired);
    assert!(again.detail.contains("open the invitation again"), "{again}");
    assert_nothing_happened(&fixture).await;
    fixture
        .broker
        .accounts
        .authorizations
        .finish_authorization(fixture.travel(&invitation, "allow").await)
        .await
        .unwrap();
}

/// Programs that follow links also open invitations: previews in chats, scanners of mails.
#[tokio::test]
async fn opening_an_invitation_does_not_affect_a_running_authorization() {
    let fixture = Fixture::start().await;
    let invitation = fixture.invitation().await;
    let early = fixture.travel(&invitation, "allow").await;
    let late = fixture.travel(&invitation, "allow").await;
    for _ in 0..3 {
        fixture.broker.accounts.authorizations.begin_authorization(&invitation).await.unwrap();
    }
    // Each answer belongs to the browser that started its authorization.
    let mixed = AuthorizationReturn { browser: late.browser.clone(), ..copy(&early) };
    assert_eq!(
        fixture.broker.accounts.authorizations.finish_authorization(mixed).await.unwrap_err().code,
        Code::RequestMalformed
    );
    assert_nothing_happened(&fixture).await;
    fixture.broker.accounts.authorizations.finish_authorization(early).await.unwrap();
    assert_eq!(
        fixture.broker.accounts.authorizations.finish_authorization(late).await.unwrap_err().code,
        Code::LinkExpired,
        "one account each"
    );
    assert_eq!(fixture.zoom.stats().await.token_exchanges, 1);
}

#[tokio::test]
async fn an_invitation_ends_after_a_day() {
    let fixture = Fixture::start().await;
    let invitation = fixture.invitation().await;
    let returned = fixture.travel(&invitation, "allow").await;
    fixture.clock.advance(DAY);
    assert_eq!(
        fixture.broker.accounts.authorizations.begin_authorization(&invitation).await.unwrap_err().code,
        Code::LinkExpired
    );
    assert_eq!(
        fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap_err().code,
        Code::LinkExpired
    );
    assert_nothing_happened(&fixture).await;
}

#[tokio::test]
async fn an_invitation_connects_one_account() {
    let fixture = Fixture::start().await;
    let invitation = fixture.invitation().await;
    let returned = fixture.travel(&invitation, "allow").await;
    let id = fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap().credential;
    assert_eq!(
        fixture.broker.accounts.authorizations.begin_authorization(&invitation).await.unwrap_err().code,
        Code::LinkExpired
    );
    assert_eq!(fixture.row(id).await.generation, 1);
}

#[tokio::test]
async fn unknown_invitations_get_the_same_answer() {
    let fixture = Fixture::start().await;
    let (one, other) = (fixture.invitation().await, fixture.invitation().await);
    let (id, _) = one.split_once('.').unwrap();
    let (_, secret) = other.split_once('.').unwrap();
    let mut said = Vec::new();
    for invitation in
        ["", ".", "nonsense", id, &format!("{id}."), &format!("{id}.{secret}"), &format!("x.{secret}")]
    {
        let failure =
            fixture.broker.accounts.authorizations.begin_authorization(invitation).await.unwrap_err();
        assert_eq!(failure.code, Code::LinkUnknown, "{invitation}");
        said.push(failure.detail);
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
}

#[tokio::test]
async fn the_same_user_keeps_the_id_and_gets_the_next_generation() {
    let (fixture, first) = Fixture::with_account().await;
    let before = fixture.row(first).await;
    let second = fixture.connect().await;
    assert_eq!(first, second);
    let after = fixture.row(first).await;
    assert_eq!((after.generation, after.status), (2, CredentialStatus::Healthy));
    assert_ne!(after.grant.refresh_token, before.grant.refresh_token);
    assert_eq!(after.created_at, before.created_at);
    assert!(fixture.zak(first).await.is_ok());
}

#[tokio::test]
async fn another_user_gets_another_account() {
    let (fixture, first) = Fixture::with_account().await;
    let user = fixture.zoom.new_user("grace@example.test").await;
    fixture.zoom.control("PUT", "signed-in", json!({"user_id": user})).await;
    let second = fixture.connect().await;
    assert_ne!(first, second);
    assert_eq!(fixture.row(second).await.zoom_user_id, user);
    assert_eq!(fixture.row(first).await.generation, 1);
}

#[tokio::test]
async fn a_scope_that_zaks_need_is_named_when_it_is_missing() {
    let fixture = Fixture::start().await;
    fixture.zoom.change_app(json!({"scopes": ["user:read:user"]})).await;
    let returned = fixture.travel(&fixture.invitation().await, "allow").await;
    let connected = fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap();
    assert_eq!(connected.missing_scopes, ["user:read:zak"]);
    assert_eq!(fixture.zak(connected.credential).await.unwrap_err().code, Code::ScopeMissing);
    assert_eq!(fixture.row(connected.credential).await.status, CredentialStatus::Healthy);

    fixture.zoom.change_app(json!({"scopes": ["user:read:user", "user:read:zak"]})).await;
    assert_eq!(fixture.connect().await, connected.credential);
    assert!(fixture.zak(connected.credential).await.is_ok());
}

#[tokio::test]
async fn a_refusal_at_the_exchange_has_its_code_and_stores_nothing() {
    let fixture = Fixture::start().await;
    let invitation = fixture.invitation().await;
    let returned = fixture.travel(&invitation, "allow").await;
    let wrong_code = AuthorizationReturn { code: Ok(Secret::new("made-up")), ..returned };
    assert_eq!(
        fixture.broker.accounts.authorizations.finish_authorization(wrong_code).await.unwrap_err().code,
        Code::CredentialNeedsConsent
    );

    let returned = fixture.travel(&invitation, "allow").await;
    fixture.zoom.change_app(json!({"client_secret": "another"})).await;
    assert_eq!(
        fixture.broker.accounts.authorizations.finish_authorization(returned).await.unwrap_err().code,
        Code::AppUnhealthy
    );
    assert_nothing_happened(&fixture).await;
}

#[tokio::test]
async fn a_consent_survives_an_odd_answer() {
    let fixture = Fixture::start().await;
    for fault in [
        json!({ "where": "users_me", "kind": "http_500", "times": 2 }),
        json!({ "where": "users_me", "kind": "drop_before" }),
        json!({ "where": "token", "kind": "odd_body", "remove": ["access_token"] }),
        json!({ "where": "token", "kind": "odd_body", "remove": ["scope"] }),
    ] {
        let returned = fixture.travel(&fixture.invitation().await, "allow").await;
        fixture.zoom.control("POST", "faults", fault.clone()).await;
        let authorizations = &fixture.broker.accounts.authorizations;
        let connected = authorizations
            .finish_authorization(returned)
            .await
            .unwrap_or_else(|error| panic!("{error} after {fault}"));
        // Unknown scopes are not missing ones.
        assert!(connected.missing_scopes.is_empty(), "{:?} after {fault}", connected.missing_scopes);
        assert!(fixture.zak(connected.credential).await.is_ok(), "{fault}");
    }
}
