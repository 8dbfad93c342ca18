//! Connecting an account: the way there and back, and every way in which it must not work.

use std::time::Duration;

use broker::Arrival;
use model::{Code, CredentialStatus, Secret};
use serde_json::json;
use store::Credentials;

use crate::harness::House;

const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);

/// Nobody was connected, and no code was spent.
async fn assert_nothing_happened(house: &House) {
    assert!(house.store.credentials(house.workspace).await.unwrap().is_empty(), "an account was stored");
    assert_eq!(house.zoom.stats().await.token_exchanges, 0, "a code was spent");
}

fn copy(arrival: &Arrival) -> Arrival {
    Arrival { state: arrival.state.clone(), browser: arrival.browser.clone(), code: arrival.code.clone() }
}

#[tokio::test]
async fn an_invitation_becomes_a_healthy_account() {
    let house = House::start().await;
    let arrival = house.travel(&house.invitation().await, "allow").await;
    let connected = house.broker.arrive(arrival).await.unwrap();
    assert_eq!(connected.display_name, "Ada Lovelace");
    assert!(connected.missing_scopes.is_empty());

    let row = house.row(connected.credential).await;
    assert_eq!((row.status, row.generation), (CredentialStatus::Healthy, 1));
    assert_eq!(row.zoom_user_id, house.zoom.user);
    assert!(row.spent_at.is_none());
    assert!(house.zak(connected.credential).await.is_ok());
}

#[tokio::test]
async fn who_declines_may_think_again() {
    let house = House::start().await;
    let invitation = house.invitation().await;
    let arrival = house.travel(&invitation, "deny").await;
    let failure = house.broker.arrive(arrival).await.unwrap_err();
    assert_eq!(failure.code, Code::CredentialNeedsConsent);
    assert!(failure.detail.contains("declined"), "{failure}");
    assert_nothing_happened(&house).await;

    let arrival = house.travel(&invitation, "allow").await;
    house.broker.arrive(arrival).await.unwrap();
}

#[tokio::test]
async fn a_state_of_our_own_making_or_none_is_refused() {
    let house = House::start().await;
    let arrival = house.travel(&house.invitation().await, "allow").await;
    for state in ["", "made-up"] {
        let forged = Arrival { state: Secret::new(state), ..copy(&arrival) };
        assert_eq!(house.broker.arrive(forged).await.unwrap_err().code, Code::RequestMalformed);
    }
    assert_nothing_happened(&house).await;
    house.broker.arrive(arrival).await.unwrap();
}

#[tokio::test]
async fn a_code_that_was_started_in_another_browser_connects_nothing() {
    let house = House::start().await;
    let arrival = house.travel(&house.invitation().await, "allow").await;
    let elsewhere = house.broker.depart(&house.invitation().await).await.unwrap();
    for browser in [None, Some(elsewhere.browser), Some(Secret::new(""))] {
        let stranger = Arrival { browser, ..copy(&arrival) };
        assert_eq!(house.broker.arrive(stranger).await.unwrap_err().code, Code::RequestMalformed);
    }
    assert_nothing_happened(&house).await;
    // The attempts did not end the trip of the browser that is still on it.
    house.broker.arrive(arrival).await.unwrap();
}

#[tokio::test]
async fn a_page_that_is_loaded_twice_spends_one_code_and_says_the_same() {
    let house = House::start().await;
    let arrival = house.travel(&house.invitation().await, "allow").await;
    let other = house.another_broker(house.clock.clone()).await;
    let (first, second) =
        tokio::join!(house.broker.arrive(copy(&arrival)), house.broker.arrive(copy(&arrival)));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.credential, second.credential);
    for broker in [&house.broker, &other] {
        let again = broker.arrive(copy(&arrival)).await.unwrap();
        assert_eq!((again.credential, &*again.display_name), (first.credential, "Ada Lovelace"));
        assert!(again.missing_scopes.is_empty());
    }
    // It is the browser that connected it which hears of it.
    for browser in [None, Some(Secret::new("made-up"))] {
        let stranger = Arrival { browser, ..copy(&arrival) };
        assert_eq!(house.broker.arrive(stranger).await.unwrap_err().code, Code::RequestMalformed);
    }
    house.clock.advance(10 * MINUTE);
    house.broker.arrive(copy(&arrival)).await.unwrap();
    house.clock.advance(Duration::from_micros(1));
    assert_eq!(house.broker.arrive(arrival).await.unwrap_err().code, Code::LinkExpired);
    assert_eq!(house.row(first.credential).await.generation, 1);
    assert_eq!(house.zoom.stats().await.token_exchanges, 1);
}

/// A browser that loads a page again hangs up on the first.
#[tokio::test]
async fn whoever_hangs_up_is_connected_all_the_same() {
    let house = House::start().await;
    let arrival = house.travel(&house.invitation().await, "allow").await;
    house.zoom.hold_up("token").await;
    {
        let mut first = std::pin::pin!(house.broker.arrive(copy(&arrival)));
        tokio::select! {
            _ = first.as_mut() => panic!("Zoom holds it up"),
            () = house.zoom.struck() => {}
        }
    }
    let connected = house.broker.arrive(arrival).await.unwrap();
    assert_eq!(house.zoom.stats().await.token_exchanges, 1);
    assert!(house.zak(connected.credential).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_connected_nothing_is_not_tried_again() {
    let house = House::start().await;
    let invitation = house.invitation().await;
    let arrival = house.travel(&invitation, "allow").await;
    house.zoom.spoil("token", "http_500", 1).await;
    house.broker.arrive(copy(&arrival)).await.unwrap_err();
    let again = house.broker.arrive(arrival).await.unwrap_err();
    assert_eq!(again.code, Code::LinkExpired);
    assert!(again.detail.contains("open the invitation again"), "{again}");
    assert_nothing_happened(&house).await;
    house.broker.arrive(house.travel(&invitation, "allow").await).await.unwrap();
}

/// Whatever follows links opens invitations, too: previews in chats, scanners of mails.
#[tokio::test]
async fn opening_an_invitation_changes_nothing_for_who_is_on_the_way() {
    let house = House::start().await;
    let invitation = house.invitation().await;
    let early = house.travel(&invitation, "allow").await;
    let late = house.travel(&invitation, "allow").await;
    for _ in 0..3 {
        house.broker.depart(&invitation).await.unwrap();
    }
    // Each answer belongs to the browser that left for it.
    let mixed = Arrival { browser: late.browser.clone(), ..copy(&early) };
    assert_eq!(house.broker.arrive(mixed).await.unwrap_err().code, Code::RequestMalformed);
    assert_nothing_happened(&house).await;
    house.broker.arrive(early).await.unwrap();
    assert_eq!(house.broker.arrive(late).await.unwrap_err().code, Code::LinkExpired, "one account each");
    assert_eq!(house.zoom.stats().await.token_exchanges, 1);
}

#[tokio::test]
async fn an_invitation_ends_after_a_day() {
    let house = House::start().await;
    let invitation = house.invitation().await;
    let arrival = house.travel(&invitation, "allow").await;
    house.clock.advance(DAY);
    assert_eq!(house.broker.depart(&invitation).await.unwrap_err().code, Code::LinkExpired);
    assert_eq!(house.broker.arrive(arrival).await.unwrap_err().code, Code::LinkExpired);
    assert_nothing_happened(&house).await;
}

#[tokio::test]
async fn an_invitation_connects_one_account() {
    let house = House::start().await;
    let invitation = house.invitation().await;
    let arrival = house.travel(&invitation, "allow").await;
    let id = house.broker.arrive(arrival).await.unwrap().credential;
    assert_eq!(house.broker.depart(&invitation).await.unwrap_err().code, Code::LinkExpired);
    assert_eq!(house.row(id).await.generation, 1);
}

#[tokio::test]
async fn unknown_invitations_look_alike() {
    let house = House::start().await;
    let (one, other) = (house.invitation().await, house.invitation().await);
    let (id, _) = one.split_once('.').unwrap();
    let (_, secret) = other.split_once('.').unwrap();
    let mut said = Vec::new();
    for invitation in
        ["", ".", "nonsense", id, &format!("{id}."), &format!("{id}.{secret}"), &format!("x.{secret}")]
    {
        let failure = house.broker.depart(invitation).await.unwrap_err();
        assert_eq!(failure.code, Code::LinkUnknown, "{invitation}");
        said.push(failure.detail);
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
}

#[tokio::test]
async fn the_same_user_keeps_the_id_and_gets_the_next_generation() {
    let (house, first) = House::with_account().await;
    let before = house.row(first).await;
    let second = house.connect().await;
    assert_eq!(first, second);
    let after = house.row(first).await;
    assert_eq!((after.generation, after.status), (2, CredentialStatus::Healthy));
    assert_ne!(after.grant.refresh_token, before.grant.refresh_token);
    assert_eq!(after.created_at, before.created_at);
    assert!(house.zak(first).await.is_ok());
}

#[tokio::test]
async fn another_user_gets_another_account() {
    let (house, first) = House::with_account().await;
    let user = house.zoom.new_user("grace@example.test").await;
    house.zoom.control("PUT", "signed-in", json!({"user_id": user})).await;
    let second = house.connect().await;
    assert_ne!(first, second);
    assert_eq!(house.row(second).await.zoom_user_id, user);
    assert_eq!(house.row(first).await.generation, 1);
}

#[tokio::test]
async fn a_scope_that_zaks_need_is_named_when_it_is_missing() {
    let house = House::start().await;
    house.zoom.change_app(json!({"scopes": ["user:read:user"]})).await;
    let arrival = house.travel(&house.invitation().await, "allow").await;
    let connected = house.broker.arrive(arrival).await.unwrap();
    assert_eq!(connected.missing_scopes, ["user:read:zak"]);
    assert_eq!(house.zak(connected.credential).await.unwrap_err().code, Code::ScopeMissing);
    assert_eq!(house.row(connected.credential).await.status, CredentialStatus::Healthy);

    house.zoom.change_app(json!({"scopes": ["user:read:user", "user:read:zak"]})).await;
    assert_eq!(house.connect().await, connected.credential);
    assert!(house.zak(connected.credential).await.is_ok());
}

#[tokio::test]
async fn what_zoom_refuses_at_the_exchange_is_typed_and_stores_nothing() {
    let house = House::start().await;
    let invitation = house.invitation().await;
    let arrival = house.travel(&invitation, "allow").await;
    let wrong_code = Arrival { code: Ok(Secret::new("made-up")), ..arrival };
    assert_eq!(house.broker.arrive(wrong_code).await.unwrap_err().code, Code::CredentialNeedsConsent);

    let arrival = house.travel(&invitation, "allow").await;
    house.zoom.change_app(json!({"client_secret": "another"})).await;
    assert_eq!(house.broker.arrive(arrival).await.unwrap_err().code, Code::AppUnhealthy);
    assert_nothing_happened(&house).await;
}
