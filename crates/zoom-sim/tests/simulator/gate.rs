//! Admission to a meeting: every refusal in the order of the rules, and successful joins.

use serde_json::{Value, json};

use crate::support::socket::{Joiner, signature};
use crate::support::{App, RunningMeeting, text};

async fn last_request(room: &RunningMeeting) -> Value {
    let list = room.zoom.control("GET", "/join-requests", Value::Null).await;
    list.as_array().unwrap().last().unwrap().clone()
}

#[tokio::test]
async fn each_rule_objects_in_order() {
    let room = RunningMeeting::with(json!({
        "passcode": "right", "locked": true, "sign_in": "any", "external_rules": true, "started": false,
    }))
    .await;
    let zoom = &room.zoom;
    let guest_zak = zoom.zak(&room.app, &room.guest).await;
    zoom.control("PATCH", &format!("/apps/{}", room.app.id), json!({"account_id": "x", "published": false}))
        .await;
    let forged = App { secret: "forged".to_owned(), ..room.app.clone() };

    // Everything is wrong at first. Each fix lets the next rule object.
    let mut joiner = Joiner::new(&forged, "81234567890").zak("forged");
    joiner.passcode = "wrong";
    assert_eq!(zoom.info(&joiner).await["errorMessage"], "Invalid signature.");
    joiner.app = &room.app;
    assert_eq!(zoom.info(&joiner).await["errorMessage"], "The meeting number is not found.");
    joiner.number = &room.number;
    room.change(json!({"join_before_host": true})).await;
    let other = zoom.meeting(json!({"host_id": room.host, "started": true})).await;
    assert_eq!(room.refused(&joiner).await, 3000, "the host runs another meeting");
    zoom.control("POST", &format!("/meetings/{other}/end"), Value::Null).await;
    room.change(json!({"join_before_host": false})).await;
    assert_eq!(room.refused(&joiner).await, 12, "locked");
    room.change(json!({"locked": false})).await;
    assert_eq!(room.refused(&joiner).await, 6601, "unpublished, external");
    zoom.control("PATCH", &format!("/apps/{}", room.app.id), json!({"published": true})).await;
    joiner.zak = "";
    assert_eq!(room.refused(&joiner).await, 13_296, "external, anonymous");
    joiner.zak = "forged";
    assert_eq!(room.refused(&joiner).await, 3136, "token error");
    joiner.zak = &guest_zak;
    joiner.role = 1;
    assert_eq!(zoom.info(&joiner).await["errorMessage"], "No permission", "the ZAK is not the host's");
    joiner.role = 0;
    room.change(json!({"sign_in": "sso"})).await;
    assert_eq!(room.refused(&joiner).await, 6024);
    room.change(json!({"sign_in": "any"})).await;
    assert_eq!(room.refused(&joiner).await, 3004, "passcode");
    joiner.passcode = "right";
    assert_eq!(room.refused(&joiner).await, 3008, "not started");
    room.change(json!({"join_before_host": true})).await;
    let _inside = room.join(&joiner).await;
    assert_eq!(room.refused(&joiner).await, 103_044, "already there");
    let request = last_request(&room).await;
    assert_eq!(request["outcome"], "103044");
    assert_eq!(request["reason"], "already_present");
    assert_eq!(request["signed_in_as"], room.guest.as_str());
}

#[tokio::test]
async fn a_signature_has_limits() {
    let room = RunningMeeting::with(json!({})).await;
    let now = room.zoom.now().await;
    let good = json!({"mn": room.number, "role": 0, "iat": now - 30, "exp": now + 7200});
    let cases = [
        (json!({}), Value::Null),
        (json!({"mn": room.number.parse::<u64>().unwrap()}), Value::Null),
        (json!({"iat": now - 7200, "exp": now}), json!("The signature has expired.")),
        (json!({"exp": now - 30 + 1799}), json!("Invalid signature.")),
        (json!({"exp": now - 30 + 172_801}), json!("Invalid signature.")),
        (json!({"iat": now + 60}), json!("Invalid signature.")),
        (json!({"mn": "81111111111"}), json!("Invalid signature.")),
        (json!({"role": 2}), json!("Invalid signature.")),
        (json!({"appKey": "nobody"}), json!("The api key is wrong.")),
    ];
    for (change, message) in cases {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let signed = signature(&room.app, &claims);
        let answer = room.zoom.info_signed(&room.anonymous(), &signed).await;
        assert_eq!(answer["errorMessage"], message, "{change}");
    }
    let answer = room.zoom.info_signed(&room.anonymous(), "nonsense").await;
    assert_eq!((&answer["errorCode"], &answer["errorMessage"]), (&json!(200), &json!("Invalid signature.")));
    room.zoom.control("PATCH", &format!("/apps/{}", room.app.id), json!({"sdk": false})).await;
    assert_eq!(room.zoom.info(&room.anonymous()).await["errorMessage"], "The api key is wrong.");
}

#[tokio::test]
async fn an_invalid_number_is_reported() {
    let room = RunningMeeting::with(json!({})).await;
    let answer = room.zoom.info(&Joiner::new(&room.app, "12ab")).await;
    assert_eq!(answer["errorMessage"], "The meeting number is wrong.");
}

#[tokio::test]
async fn sign_in_rules_check_the_users_identity() {
    let room = RunningMeeting::with(json!({"sign_in": "any"})).await;
    let zoom = &room.zoom;
    let outsider = json!({"email": "o@partner.test", "account_id": "partner"});
    let outsider = text(&zoom.control("POST", "/users", outsider).await, "id");
    let outsider = zoom.zak(&room.app, &outsider).await;
    let insider = zoom.zak(&room.app, &room.guest).await;
    let (outside, inside) = (room.anonymous().zak(&outsider), room.anonymous().zak(&insider));

    assert_eq!(room.refused(&room.anonymous()).await, 3051);
    drop(room.join(&outside).await);
    room.change(json!({"sign_in": "account"})).await;
    assert_eq!(room.refused(&room.anonymous()).await, 3052);
    assert_eq!(room.refused(&outside).await, 3052);
    room.change(json!({"sign_in": "domain", "domains": ["Partner.test"]})).await;
    assert_eq!(room.refused(&inside).await, 3052);
    room.change(json!({"sign_in": "sso"})).await;
    assert_eq!(room.refused(&inside).await, 6024);
    zoom.control("PATCH", &format!("/users/{}", room.guest), json!({"sso": true})).await;
    drop(room.join(&inside).await);
}

#[tokio::test]
async fn a_zak_expires_and_is_invalidated_by_signing_out() {
    let room = RunningMeeting::with(json!({})).await;
    let zak = room.zoom.zak(&room.app, &room.guest).await;
    let joiner = room.anonymous().zak(&zak);
    drop(room.join(&joiner).await);
    room.zoom.control("POST", &format!("/users/{}/sign-out-everywhere", room.guest), Value::Null).await;
    assert_eq!(room.refused(&joiner).await, 3136);
    let zak = room.zoom.zak(&room.app, &room.guest).await;
    room.zoom.advance(7200).await;
    assert_eq!(room.refused(&room.anonymous().zak(&zak)).await, 3136);
}

#[tokio::test]
async fn the_hosts_zak_starts_the_meeting() {
    let room = RunningMeeting::with(
        json!({"started": false, "passcode": "p", "waiting_room": true, "locked": true}),
    )
    .await;
    let zak = room.zoom.zak(&room.app, &room.host).await;
    let mut joiner = room.anonymous().zak(&zak);
    joiner.role = 1;
    let info = room.zoom.info(&joiner).await;
    assert_eq!(info["result"]["isOriginHost"], "true");
    let host = room.join(&joiner).await;
    assert_eq!(host.result["role"], 1);
    let meeting = room.show().await;
    assert_eq!(meeting["started"], true);
    assert_eq!(meeting["participants"][0]["role"], "host");
    assert_eq!(meeting["participants"][0]["in_waiting_room"], false);
}

#[tokio::test]
async fn a_plan_limits_meetings_at_once() {
    let room = RunningMeeting::with(json!({})).await;
    let number = room.zoom.meeting(json!({"host_id": room.host})).await;
    let zak = room.zoom.zak(&room.app, &room.host).await;
    let mut joiner = Joiner::new(&room.app, &number).zak(&zak);
    joiner.role = 1;
    assert_eq!(room.refused(&joiner).await, 3000);
    room.zoom.control("PATCH", &format!("/users/{}", room.host), json!({"plan": "business"})).await;
    drop(room.join(&joiner).await);
}

#[tokio::test]
async fn the_socket_reports_full_and_ended_meetings() {
    let room = RunningMeeting::with(json!({"capacity": 1})).await;
    let inside = room.join(&room.anonymous()).await;
    assert_eq!(room.refused(&room.anonymous()).await, 9);
    drop(inside);
    room.act("/end").await;
    assert_eq!(room.refused(&room.anonymous()).await, 6);
}

#[tokio::test]
async fn the_socket_can_report_that_a_meeting_has_not_started() {
    let room = RunningMeeting::with(json!({"started": false, "not_started": "socket"})).await;
    assert_eq!(room.zoom.info(&room.anonymous()).await["status"], true);
    assert_eq!(room.refused(&room.anonymous()).await, 3008);
    let path = format!("/wc/rs?mn={}", room.number);
    assert_eq!(room.zoom.post(&path, &[]).await.body["errorCode"], 3008);
    room.act("/start").await;
    assert_eq!(room.zoom.post(&path, &[]).await.body["status"], true);
}

#[tokio::test]
async fn the_order_of_the_rules_is_a_switch() {
    let room = RunningMeeting::with(json!({"passcode": "right", "sign_in": "any"})).await;
    assert_eq!(room.refused(&room.anonymous()).await, 3051);
    room.zoom.control("PATCH", "/switches", json!({"rule_order": ["passcode", "sign_in"]})).await;
    assert_eq!(room.refused(&room.anonymous()).await, 3004);
    room.zoom.control("PATCH", "/switches", json!({"rule_order": []})).await;
    drop(room.join(&room.anonymous()).await);
}

#[tokio::test]
async fn the_sdk_encodes_a_passcode_twice() {
    let room = RunningMeeting::with(json!({"passcode": "a b&1"})).await;
    let joiner = Joiner { passcode: "a%20b%261", ..room.anonymous() };
    drop(room.join(&joiner).await);
}

#[tokio::test]
async fn a_socket_needs_a_join_ticket() {
    let room = RunningMeeting::with(json!({})).await;
    let info = room.zoom.info(&room.anonymous()).await;
    let (auth, mid) = (text(&info["result"], "auth"), text(&info["result"], "mid"));
    for (auth, mid) in [("stranger", &*mid), (&auth, "stranger"), (&auth, &mid)] {
        let path = format!("/wc/api/{}", room.number);
        let mut socket = room.zoom.open(&path, &[("auth", auth), ("mid", mid)]).await;
        socket.say(4301, json!({"sign": info["result"]["sign"], "mpwd": ""})).await;
        assert_eq!(socket.until(4098).await["res"], 1005, "a wrong mid has consumed the auth");
    }
}

#[tokio::test]
async fn pages_of_other_origins_can_read_the_answers() {
    let room = RunningMeeting::with(json!({})).await;
    let picture = format!("/p/{}.svg", room.host);
    for path in ["/api/v1/wc/info", "/wc/ping/81234567890", &picture, "/telemetry"] {
        let headers = room.zoom.headers("http://127.0.0.1:1234", path).await;
        assert_eq!(headers["access-control-allow-origin"], "http://127.0.0.1:1234", "{path}");
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
    }
}
