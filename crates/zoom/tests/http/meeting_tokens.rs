//! Tokens for one join: the requests, and the meaning of refusals.

use model::{MeetingNumber, Secret};
use serde_json::json as body;
use wiremock::{
    Mock, MockServer, Request,
    matchers::{path, query_param},
};
use zoom::ZoomError;

use crate::support::{PLANTED, client_at, json, with_access, zoom_says};

fn meeting() -> MeetingNumber {
    "12345678901".parse().unwrap()
}

fn opened(secret: &Secret) -> &str {
    secret.expose()
}

#[tokio::test]
async fn an_obf_token_names_its_meeting_if_there_is_one() {
    let server = MockServer::start().await;
    let bound = Mock::given(path("/v2/users/me/token"))
        .and(query_param("type", "onbehalf"))
        .and(query_param("meeting_id", "12345678901"))
        .respond_with(json(200, body!({"token": "bound"})));
    server.register(bound).await;
    let free = Mock::given(path("/v2/users/me/token"))
        .and(|request: &Request| request.url.query() == Some("type=onbehalf"))
        .respond_with(json(200, body!({"token": "free"})));
    server.register(free).await;
    let client = client_at(&server.uri());
    let token = with_access(&server, async |api| client.obf(api, "me", Some(meeting())).await).await;
    assert_eq!(opened(&token.unwrap()), "bound");
    let token = with_access(&server, async |api| client.obf(api, "me", None).await).await;
    assert_eq!(opened(&token.unwrap()), "free");
}

#[tokio::test]
async fn a_join_token_can_bypass_the_waiting_room() {
    let server = MockServer::start().await;
    let at = "/v2/meetings/12345678901/jointoken/local_recording";
    let bypass = Mock::given(path(at))
        .and(query_param("bypass_waiting_room", "true"))
        .respond_with(json(200, body!({"token": "bypass", "expire_in": 120})));
    server.register(bypass).await;
    let plain = Mock::given(path(at))
        .and(|request: &Request| request.url.query().is_none())
        .respond_with(json(200, body!({"token": "plain", "expire_in": 120})));
    server.register(plain).await;
    let client = client_at(&server.uri());
    for (bypass, expected) in [(true, "bypass"), (false, "plain")] {
        let token = with_access(&server, async |api| client.join_token(api, meeting(), bypass).await).await;
        assert_eq!(opened(&token.unwrap()), expected);
    }
}

#[tokio::test]
async fn only_a_host_who_may_record_gets_a_join_token() {
    for (status, code, error) in [
        (400, 200, ZoomError::NotForThisMeeting),
        (400, 300, ZoomError::NotForThisMeeting),
        (400, 3000, ZoomError::NotForThisMeeting),
        (404, 3001, ZoomError::MeetingUnknown),
        (400, 124, ZoomError::TokenRejected),
        (400, 999, ZoomError::Unexpected { status: 400, code: Some(999) }),
    ] {
        let (server, client) = zoom_says(json(status, body!({"code": code, "message": PLANTED}))).await;
        let answer = with_access(&server, async |api| client.join_token(api, meeting(), false).await).await;
        assert_eq!(answer.unwrap_err(), error, "{code}");
    }
}
