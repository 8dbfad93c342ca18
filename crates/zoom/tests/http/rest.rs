//! The REST calls: the user of a token, that user's ZAK, and every refusal of the API.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::Timestamp;
use serde_json::{Value, json as body};
use wiremock::{
    Mock, MockServer,
    matchers::{header, method, path, query_param},
};
use zoom::{UserStatus, ZoomError};

use crate::support::{PLANTED, client_at, json, with_access, zoom_says};

#[tokio::test]
async fn the_user_of_a_token_is_read() {
    for (answer, email, name, status) in [
        (
            body!({"email": "ann@example.com", "display_name": "Ann Lee", "status": "active"}),
            Some("ann@example.com"),
            "Ann Lee",
            UserStatus::Active,
        ),
        (
            body!({"first_name": "Ann", "last_name": "Lee", "status": "inactive"}),
            None,
            "Ann Lee",
            UserStatus::Inactive,
        ),
        (
            body!({"email": "ann@example.com"}),
            Some("ann@example.com"),
            "ann@example.com",
            UserStatus::Unknown,
        ),
        (
            body!({"display_name": " ", "status": "sleeping"}),
            None,
            "KDcuGIm1QgePTO8WbOqwIQ",
            UserStatus::Unknown,
        ),
    ] {
        let mut answer = answer;
        answer["id"] = "KDcuGIm1QgePTO8WbOqwIQ".into();
        answer["account_id"] = "account".into();
        let (server, client) = zoom_says(json(200, answer)).await;
        let user = with_access(&server, async |api| client.me(api).await).await.unwrap();
        assert_eq!((user.id.as_str(), user.account_id.as_str()), ("KDcuGIm1QgePTO8WbOqwIQ", "account"));
        assert_eq!((user.email.as_deref(), user.display_name.as_str(), user.status), (email, name, status));
    }
}

#[tokio::test]
async fn only_missing_ids_make_a_user_unreadable() {
    let whole = body!({
        "id": "u", "account_id": "a", "email": "ann@example.com", "display_name": "Ann", "first_name": "Ann",
        "last_name": "Lee", "status": "active", "pmi": 5_551_234_567_i64, "another": 1,
    });
    for field in ["email", "display_name", "first_name", "last_name", "status", "pmi", "another"] {
        for odd in [body!(null), body!("odd"), body!(-7), body!([[]]), body!({"x": 1}), body!(true)] {
            let mut answer = whole.clone();
            answer[field] = odd;
            let (server, client) = zoom_says(json(200, answer.clone())).await;
            let user = with_access(&server, async |api| client.me(api).await).await;
            assert_eq!(user.unwrap_or_else(|error| panic!("{error}: {answer}")).id, "u");
        }
    }
}

#[tokio::test]
async fn a_zak_is_requested_with_its_kind_and_lifetime() {
    let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"aud":"clientsm","exp":1769864400}"#);
    let zak = format!("e30.{claims}.signature");
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v2/users/ann@example.com%2F..%2Fme/token"))
        .and(query_param("type", "zak"))
        .and(query_param("ttl", "7200"))
        .and(header("authorization", "Bearer planted-secret"))
        .respond_with(json(200, body!({ "token": zak })))
        .expect(1)
        .mount(&server)
        .await;

    let client = client_at(&server.uri());
    let ttl = Duration::from_secs(7200);
    let given =
        with_access(&server, async |api| client.zak(api, "ann@example.com/../me", ttl).await).await.unwrap();
    assert_eq!(given.token.expose(), zak);
    assert_eq!(given.expires_at, Some(Timestamp::from_second(1_769_864_400)));
}

#[tokio::test]
async fn a_zak_is_valid_for_at_most_a_year_and_its_expiry_may_be_unreadable() {
    let server = MockServer::start().await;
    Mock::given(query_param("ttl", "31536000"))
        .respond_with(json(200, body!({ "token": "opaque" })))
        .mount(&server)
        .await;
    let client = client_at(&server.uri());
    let given = with_access(&server, async |api| client.zak(api, "me", Duration::MAX).await).await.unwrap();
    assert_eq!(given.expires_at, None);
}

/// The result of a call for a ZAK that is answered with `status` and `answer`.
async fn refused(status: u16, answer: Value) -> ZoomError {
    let (server, client) = zoom_says(json(status, answer)).await;
    let error = with_access(&server, async |api| client.zak(api, "me", Duration::from_secs(60)).await)
        .await
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains(PLANTED), "{error:?}");
    error
}

#[tokio::test]
async fn every_refusal_of_the_api() {
    use ZoomError::{Malformed, MeetingUnknown, ScopeMissing, TokenRejected, Unexpected, UserUnknown};
    let what = "a body that is not the documented JSON";
    for (status, answer, error) in [
        (401, body!({"code": 124, "message": "Invalid access token."}), TokenRejected),
        (401, body!({"code": 124, "message": "Access token is expired."}), TokenRejected),
        (400, body!({"code": 124, "message": PLANTED}), TokenRejected),
        (401, body!({}), TokenRejected),
        (
            400,
            body!({"code": 4711, "message": "Invalid access token, does not contain scopes:[user:read:zak, user:read:user]."}),
            ScopeMissing { scopes: vec!["user:read:zak".into(), "user:read:user".into()] },
        ),
        (400, body!({"code": 4711, "message": format!("[{PLANTED}]")}), ScopeMissing { scopes: vec![] }),
        (400, body!({"code": 4711}), ScopeMissing { scopes: vec![] }),
        (400, body!({"code": "4711", "message": ["x"]}), ScopeMissing { scopes: vec![] }),
        (401, body!({"code": [], "message": 7}), TokenRejected),
        (404, body!({"code": 1001, "message": "User not exist."}), UserUnknown),
        (400, body!({"code": 1001, "message": PLANTED}), UserUnknown),
        (400, body!({"code": 300, "message": PLANTED}), Unexpected { status: 400, code: Some(300) }),
        (404, body!({"code": 3001, "message": "Meeting does not exist."}), MeetingUnknown),
        (400, body!({"code": 200, "message": PLANTED}), Unexpected { status: 400, code: Some(200) }),
        (400, body!("planted-secret"), Malformed { status: 400, what }),
        (200, body!({"token": null}), Malformed { status: 200, what }),
        (200, body!({"token": ""}), Malformed { status: 200, what }),
        (200, body!({"toke": PLANTED}), Malformed { status: 200, what }),
    ] {
        assert_eq!(refused(status, answer.clone()).await, error, "{status} {answer}");
    }
}
