//! Registration, webinars and the checks for robots, at both steps of a join.

use serde_json::{Value, json};

use crate::support::socket::Joiner;
use crate::support::{RunningMeeting, text};

#[tokio::test]
async fn a_tk_is_required_at_both_steps() {
    let room = RunningMeeting::with(json!({"registration": true, "passcode": "p"})).await;
    let anonymous = Joiner { passcode: "p", ..room.anonymous() };
    assert_eq!(room.refused(&anonymous).await, 3099);
    assert_eq!(room.refused(&Joiner { tk: "forged", ..anonymous.clone() }).await, 3099);
    let ada = json!({"email": "ada@example.test", "name": "Ada"});
    let registrant = room.does("POST", "/registrants", ada.clone()).await;
    let tk = text(&registrant, "tk");
    assert_eq!(registrant["join_url"], format!("https://zoom.us/j/{}?tk={tk}&pwd=p", room.number));
    let joiner = Joiner { tk: &tk, ..anonymous };
    assert_eq!(room.zoom.info(&joiner).await["result"]["tk"], tk.as_str());
    drop(room.join(&joiner).await);

    let again = text(&room.does("POST", "/registrants", ada).await, "tk");
    assert_eq!(room.refused(&joiner).await, 3099, "the newer tk has replaced it");
    drop(room.join(&Joiner { tk: &again, ..joiner }).await);
    let zak = room.zoom.zak(&room.app, &room.host).await;
    drop(room.join(&Joiner { zak: &zak, role: 1, ..room.anonymous() }).await);
    assert_eq!(room.does("GET", "/registrants", Value::Null).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_webinar_distinguishes_attendees_and_panelists() {
    let room = RunningMeeting::with(json!({"webinar": true, "registration": true})).await;
    let panelist = json!({"email": "pat@example.test", "panelist": true});
    let panelist = text(&room.does("POST", "/registrants", panelist).await, "tk");
    let attendee = room.does("POST", "/registrants", json!({"email": "ann@example.test"})).await;
    assert!(text(&attendee, "join_url").starts_with("https://zoom.us/w/"));
    let attendee = text(&attendee, "tk");
    let case = |email, tk| Joiner { email, tk, ..room.anonymous() };
    assert_eq!(room.refused(&case("", "")).await, 3000);
    assert_eq!(room.refused(&case("new@example.test", "")).await, 3099);
    assert_eq!(room.refused(&case("PAT@example.test", "")).await, 3135);
    assert_eq!(room.refused(&case("pat@example.test", &attendee)).await, 3032);
    assert_eq!(room.refused(&case("Host@example.test", &attendee)).await, 3027);
    assert_eq!(room.zoom.info(&case("ann@example.test", &attendee)).await["result"]["isWebinar"], "1");
    drop(room.join(&case("ann@example.test", &attendee)).await);
    drop(room.join(&case("pat@example.test", &panelist)).await);
}

#[tokio::test]
async fn a_robot_is_always_refused() {
    let room = RunningMeeting::with(json!({})).await;
    let zak = room.zoom.zak(&room.app, &room.host).await;
    for (check, code) in [("captcha", 3110), ("frequent_join", 3634), ("blocked", 13_301)] {
        room.change(json!({"bot_check": check})).await;
        assert_eq!(room.refused(&room.anonymous()).await, code);
        assert_eq!(room.refused(&room.anonymous().zak(&zak)).await, code, "a ZAK does not help");
    }
    assert!(room.names().await.is_empty());
}

#[tokio::test]
async fn invalid_registrants_get_400() {
    let room = RunningMeeting::with(json!({})).await;
    for body in [json!({}), json!({"email": "nobody"}), json!({"email": "a@b", "colour": "red"})] {
        assert_eq!(room.refuses("POST", "/registrants", body).await.0, 400);
    }
    assert_eq!(room.zoom.ask("POST", "/meetings/1/registrants", json!({"email": "a@b"})).await.status, 404);
}
