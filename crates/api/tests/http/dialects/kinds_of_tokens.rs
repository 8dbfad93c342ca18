//! Every kind of token, through a link.

use std::time::Duration;

use serde_json::json;

use super::{fetch, link, with_account};
use crate::{app, test_app::CLIENT_ID};

#[tokio::test]
async fn every_fetch_of_an_obf_token_is_a_mint_for_the_links_meeting() {
    let (app, account) = with_account().await;
    let (_, path) =
        link(&app, json!({ "credential": account, "kind": "obf", "meeting": "123-4567-8901" })).await;
    let mut tokens = std::collections::HashSet::new();
    for number in 0..3 {
        let answer = fetch(&app, &path, &format!("msg_{number}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        tokens.insert(answer.text);
    }
    assert_eq!((tokens.len(), app.zoom.count("obf_mints").await), (3, 3));
    // The request may name the meeting, as long as it is this one.
    assert_eq!(fetch(&app, &format!("{path}?meeting=12345678901"), "msg_a").await.status, 200);
    let other = fetch(&app, &format!("{path}?meeting=12345678902"), "msg_b").await;
    assert_eq!(
        (other.status, other.text.split(';').next()),
        (403, Some("meeting_not_allowed: the link is for another meeting"))
    );
    let none = fetch(&app, &format!("{path}?meeting=12"), "msg_c").await;
    assert_eq!(
        (none.status, none.text.split(';').next()),
        (400, Some("request_malformed: a meeting number has 9 to 11 digits"))
    );
}

#[tokio::test]
async fn a_join_token_is_the_hosts_and_nobody_elses() {
    let app = app().await;
    let scopes = ["user:read:user", "user:read:zak", "meeting:read:local_recording_token"];
    app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), json!({ "scopes": scopes })).await;
    let account = app.connect(app.zoom.host()).await;
    let meeting = app.zoom.meeting(json!({})).await.number;
    let (_, path) =
        link(&app, json!({ "credential": account, "kind": "join_token", "meeting": meeting })).await;
    let answer = fetch(&app, &path, "msg_1").await;
    assert_eq!((answer.status, app.zoom.count("join_token_mints").await), (200, 1), "{}", answer.text);

    let stranger = app.zoom.user("eve@example.test", "Eve").await;
    let stranger = app.connect(&stranger).await;
    for (credential, meeting) in [(&stranger, meeting.as_str()), (&account, "12345678901")] {
        let asked = json!({ "credential": credential, "kind": "join_token", "meeting": meeting });
        let (_, path) = link(&app, asked).await;
        let answer = fetch(&app, &path, &format!("msg_{meeting}_{credential}")).await;
        assert_eq!((answer.status, answer.text.split(':').next()), (404, Some("token_not_available")));
    }
    let (_, nowhere) = link(&app, json!({ "credential": account, "kind": "join_token" })).await;
    let answer = fetch(&app, &nowhere, "msg_2").await;
    assert_eq!(
        answer.text.split(';').next(),
        Some("request_malformed: a join token is for one meeting, which the request must name")
    );
    let (_, unhosted) =
        link(&app, json!({ "host": true, "kind": "join_token", "meeting": "12345678901" })).await;
    assert_eq!(fetch(&app, &unhosted, "msg_3").await.status, 404, "a 404 means: join without a token");
}

#[tokio::test]
async fn an_access_token_lasts_five_minutes_more() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, json!({ "credential": account, "kind": "access_token" })).await;
    let first = fetch(&app, &path, "msg_1").await.text;
    assert_eq!(fetch(&app, &path, "msg_2").await.text, first);
    app.jump(Duration::from_secs(3600 - 301));
    app.zoom.control("POST", "clock", json!({ "advance_seconds": 3299 })).await;
    assert_eq!(fetch(&app, &path, "msg_3").await.text, first, "301 s are enough");
    app.jump(Duration::from_secs(2));
    assert_ne!(fetch(&app, &path, "msg_4").await.text, first, "299 s are not");
    assert_eq!(app.zoom.count("refreshes").await, 1);
}

#[tokio::test]
async fn one_link_gives_several_kinds_on_request() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, json!({ "credential": account, "kinds": ["obf", "zak"] })).await;
    assert_eq!(fetch(&app, &path, "msg_1").await.status, 200);
    assert_eq!(app.zoom.count("obf_mints").await, 1, "the first kind is the default");
    assert_eq!(fetch(&app, &format!("{path}?kind=zak"), "msg_2").await.status, 200);
    assert_eq!(app.zoom.count("zak_mints").await, 1);
    assert_eq!(fetch(&app, &format!("{path}?kind=access_token"), "msg_3").await.status, 422);
}
