//! Lists of meetings and users.

use serde_json::{Value, json as body};
use wiremock::{
    Mock, MockServer,
    matchers::{header, method, path, query_param, query_param_is_missing},
};
use zoom::{Label, Listed, ListedMeeting, ListedUser, ZoomError};

use crate::support::{PLANTED, client_at, json, with_access, with_access_to, zoom_says};

const TOKEN: &str = "w7587w4eiwfsudgf & more";

/// A Zoom that returns two pages at `at`.
async fn two_pages(at: &str, first: Value, second: Value) -> MockServer {
    let server = MockServer::start().await;
    let page = || {
        Mock::given(method("GET"))
            .and(path(at))
            .and(query_param("page_size", "300"))
            .and(header("authorization", "Bearer planted-secret"))
    };
    let (first, second) = (json(200, first), json(200, second));
    page().and(query_param_is_missing("next_page_token")).respond_with(first).expect(1).mount(&server).await;
    page().and(query_param("next_page_token", TOKEN)).respond_with(second).expect(1).mount(&server).await;
    server
}

fn meeting(number: i64, host: Option<&str>) -> ListedMeeting {
    ListedMeeting { number: number.try_into().unwrap(), host_id: host.map(str::to_owned) }
}

#[tokio::test]
async fn meetings_are_read_page_by_page_by_number_and_host() {
    let first = body!({ "page_size": 300, "next_page_token": TOKEN, "meetings": [
        { "id": 81_234_567_890_i64, "host_id": "ann", "topic": PLANTED, "type": 8 },
        { "id": "812 3456 7891", "host_id": "bob" },
        { "id": 81_234_567_890_i64, "host_id": "ann" },
        { "id": 7, "host_id": "nobody" },
        { "id": null },
    ] });
    let second = body!({ "next_page_token": "", "meetings": [{ "id": 81_234_567_892_i64, "host_id": "" }] });
    let server = two_pages("/v2/users/ann@example.com/meetings", first, second).await;
    let client = client_at(&server.uri());
    let list = async |after: Option<&str>| {
        with_access_to(&server, Label::Medium, async |api| {
            client.meetings(api, "ann@example.com", after).await
        })
        .await
        .unwrap()
    };
    let ann = meeting(81_234_567_890, Some("ann"));
    let rows = vec![ann.clone(), meeting(81_234_567_891, Some("bob")), ann];
    assert_eq!(list(None).await, Listed { rows, next: Some(TOKEN.into()) });
    assert_eq!(list(Some(TOKEN)).await, Listed { rows: vec![meeting(81_234_567_892, None)], next: None });
    let queries = server.received_requests().await.unwrap();
    assert!(queries.iter().all(|request| request.url.query().unwrap().starts_with("type=scheduled&")));
}

#[tokio::test]
async fn users_are_read_page_by_page_with_their_rooms() {
    let first = body!({ "next_page_token": TOKEN, "users": [
        { "id": "ann", "email": PLANTED, "pmi": 5_551_234_567_i64 }, { "id": "bob", "pmi": "none" } ] });
    let server = two_pages("/v2/users", first, body!({ "users": [{ "id": "eve" }] })).await;
    let client = client_at(&server.uri());
    let list = async |after: Option<&str>| {
        with_access_to(&server, Label::Medium, async |api| client.users(api, after).await).await.unwrap()
    };
    let user = |id: &str, personal_room| ListedUser { id: id.into(), personal_room, personal_name: None };
    let rows = vec![user("ann", Some(5_551_234_567.try_into().unwrap())), user("bob", None)];
    assert_eq!(list(None).await, Listed { rows, next: Some(TOKEN.into()) });
    assert_eq!(list(Some(TOKEN)).await, Listed { rows: vec![user("eve", None)], next: None });
}

#[tokio::test]
async fn a_missing_scope_is_named_and_an_odd_body_is_not_quoted() {
    let what = "a body that is not the documented JSON";
    let message = "Invalid access token, does not contain scopes:[meeting:read:list_meetings].";
    let scopes = vec!["meeting:read:list_meetings".to_owned()];
    for (status, answer, expected) in [
        (400, body!({ "code": 4711, "message": message }), ZoomError::ScopeMissing { scopes }),
        (404, body!({ "code": 1001, "message": PLANTED }), ZoomError::UserUnknown),
        (200, body!({ "meetings": PLANTED }), ZoomError::Malformed { status: 200, what }),
        (200, body!({}), ZoomError::Malformed { status: 200, what }),
    ] {
        let (server, client) = zoom_says(json(status, answer)).await;
        let listed =
            with_access_to(&server, Label::Medium, async |api| client.meetings(api, "me", None).await).await;
        assert_eq!(listed.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn the_user_of_a_token_has_a_personal_room() {
    for (pmi, room) in [
        (body!(5_551_234_567_i64), Some(5_551_234_567.try_into().unwrap())),
        (body!("5551234567"), Some(5_551_234_567.try_into().unwrap())),
        (body!(null), None),
        (body!(12), None),
    ] {
        let (server, client) =
            zoom_says(json(200, body!({ "id": "ann", "account_id": "a", "pmi": pmi }))).await;
        let user = with_access(&server, async |api| client.me(api).await).await.unwrap();
        assert_eq!(user.personal_room, room);
    }
}
