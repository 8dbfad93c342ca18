//! Inside a meeting: roster, waiting room, chat, and the ways it ends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::RunningMeeting;
use crate::support::socket::{Joined, Joiner};

impl RunningMeeting {
    async fn enters(&self, name: &str) -> Joined {
        self.join(&Joiner { name, ..self.anonymous() }).await
    }

    async fn enters_as(&self, name: &str, zak: &str) -> Joined {
        self.join(&Joiner { name, zak, ..self.anonymous() }).await
    }

    async fn host_enters(&self) -> Joined {
        let zak = self.zoom.zak(&self.app, &self.host).await;
        self.join(&Joiner { name: "Host", zak: &zak, role: 1, ..self.anonymous() }).await
    }
}

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// Names in a roster's `add`.
fn added(roster: &Value) -> Vec<String> {
    let entries = roster["add"].as_array().into_iter().flatten();
    let name = |entry: &Value| STANDARD.decode(entry["dn2"].as_str().unwrap()).unwrap();
    entries.map(|entry| String::from_utf8(name(entry)).unwrap()).collect()
}

#[tokio::test]
async fn all_participants_see_who_joins_and_leaves() {
    let room = RunningMeeting::with(json!({})).await;
    let zak = room.zoom.zak(&room.app, &room.host).await;
    let mut first = room.enters_as("Ünï Bot", &zak).await;
    let own = first.socket.until(7937).await;
    assert_eq!(added(&own), ["Ünï Bot"]);
    assert_eq!(own["add"][0]["id"], first.id());
    assert_eq!(own["add"][0]["avatar"], format!("https://zoom.us/p/{}.svg", room.host));

    let mut second = room.enters("Second").await;
    assert_eq!(added(&second.socket.until(7937).await), ["Ünï Bot", "Second"]);
    assert_eq!(added(&first.socket.until(7937).await), ["Second"]);

    let meeting = room.show().await;
    let people = meeting["participants"].as_array().unwrap();
    assert_eq!((&people[0]["user_id"], &people[1]["user_id"]), (&json!(room.host), &Value::Null));
    assert_eq!(people[1]["avatar"], Value::Null);

    second.socket.say(4103, json!({})).await;
    second.socket.until(4104).await;
    second.socket.closes().await;
    assert_eq!(first.socket.until(7937).await["remove"], json!([{"id": second.id()}]));
    assert_eq!(room.names().await, ["Ünï Bot"]);
    assert_eq!(room.zoom.stat("joins").await, 2);
}

#[tokio::test]
async fn a_keep_alive_is_echoed_with_its_number() {
    let room = RunningMeeting::with(json!({})).await;
    let mut bot = room.enters("Bot").await;
    bot.socket.say(0, Value::Null).await;
    let echo = loop {
        let frame = bot.socket.hear().await.unwrap();
        if frame["evt"] == 0 {
            break frame;
        }
    };
    assert_eq!(echo, json!({"evt": 0, "seq": 1}));
}

#[tokio::test]
async fn the_waiting_room_hides_the_meeting_until_admitted() {
    let room = RunningMeeting::with(json!({"waiting_room": true})).await;
    let mut host = room.host_enters().await;
    host.socket.until(7937).await;
    let mut bot = room.enters("Bot").await;
    let own = bot.socket.until(7937).await;
    assert_eq!((added(&own), &own["add"][0]["bHold"]), (vec!["Bot".to_owned()], &json!(true)));
    assert_eq!(host.socket.until(7937).await["add"][0]["bHold"], true, "hosts see the waiting room");

    bot.socket.say(4135, json!({"text": base64("let me in"), "destNodeID": 0})).await;
    assert_eq!(bot.socket.until(4136).await["result"], 2);

    room.act(&format!("/participants/{}/admit", bot.id())).await;
    assert_eq!(bot.socket.until(7942).await["bHold"], false);
    let news = bot.socket.until(7937).await;
    assert_eq!(news["update"], json!([{"id": bot.id(), "bHold": false}]));
    assert_eq!(added(&news), ["Host"]);
    assert_eq!(host.socket.until(7937).await["remove"][0]["nUserStatus"], 1, "admit() waits for it");
    assert_eq!(host.socket.until(7937).await["add"][0]["bHold"], false);

    room.act(&format!("/participants/{}/hold", bot.id())).await;
    assert_eq!(bot.socket.until(7942).await["bHold"], true);
}

#[tokio::test]
async fn a_host_admits_removes_and_ends_from_the_sdk() {
    let room = RunningMeeting::with(json!({"waiting_room": true})).await;
    let mut host = room.host_enters().await;
    let mut bot = room.enters("Bot").await;
    let mut other = room.enters("Other").await;
    host.socket.say(4113, json!({"id": bot.id(), "bHold": false})).await;
    assert_eq!(bot.socket.until(7942).await["bHold"], false);
    bot.socket.say(4107, json!({"id": host.id()})).await;
    host.socket.say(4107, json!({"id": bot.id()})).await;
    assert_eq!(bot.socket.until(7939).await["reason"], 7);
    bot.socket.closes().await;
    assert_eq!(room.names().await, ["Host", "Other"], "a guest cannot remove anyone");
    host.socket.say(4101, json!({})).await;
    host.socket.until(4102).await;
    assert_eq!(other.socket.until(7939).await["reason"], 8);
    host.socket.closes().await;
    other.socket.closes().await;
}

#[tokio::test]
async fn the_hosts_role_can_be_passed_on() {
    let room = RunningMeeting::with(json!({})).await;
    let mut host = room.host_enters().await;
    let mut bot = room.enters("Bot").await;
    host.socket.say(4111, json!({"id": bot.id()})).await;
    assert_eq!(bot.socket.until(7940).await["bHost"], true);
    assert_eq!(host.socket.until(7940).await["bHost"], false);
}

#[tokio::test]
async fn a_removed_participant_cannot_rejoin() {
    let room = RunningMeeting::with(json!({})).await;
    let zak = room.zoom.zak(&room.app, &room.host).await;
    let mut bot = room.enters_as("Bot", &zak).await;
    room.act(&format!("/participants/{}/remove", bot.id())).await;
    assert_eq!(bot.socket.until(7939).await["reason"], 7);
    bot.socket.closes().await;
    assert_eq!(room.refused(&room.anonymous().zak(&zak)).await, 103_039);
    room.change(json!({"rejoin_after_removal": true})).await;
    drop(room.enters_as("Bot", &zak).await);
}

#[tokio::test]
async fn an_end_is_sent_to_all_participants() {
    let room = RunningMeeting::with(json!({"waiting_room": true})).await;
    let mut bots = [room.enters("A").await, room.enters("B").await];
    room.act("/end").await;
    for bot in &mut bots {
        assert_eq!(bot.socket.until(7939).await["reason"], 8);
        bot.socket.closes().await;
    }
    assert!(room.names().await.is_empty());
}

#[tokio::test]
async fn a_duplicate_is_refused_or_replaces_or_joins() {
    let room = RunningMeeting::with(json!({})).await;
    let zak = room.zoom.zak(&room.app, &room.host).await;
    let mut first = room.enters_as("First", &zak).await;
    assert_eq!(room.refused(&room.anonymous().zak(&zak)).await, 103_044);
    room.zoom.control("PATCH", "/switches", json!({"duplicate_identity": "replace"})).await;
    let second = room.enters_as("Second", &zak).await;
    assert_eq!(first.socket.until(7939).await["reason"], 17);
    first.socket.closes().await;
    room.zoom.control("PATCH", "/switches", json!({"duplicate_identity": "allow"})).await;
    let third = room.enters_as("Third", &zak).await;
    assert_eq!(room.names().await, ["Second", "Third"]);
    drop((second, third));
}

#[tokio::test]
async fn a_rejoin_continues_its_stay_and_skips_the_waiting_room() {
    let room = RunningMeeting::with(json!({"waiting_room": true})).await;
    let zak = room.zoom.zak(&room.app, &room.host).await;
    let mut bot = room.enters_as("Bot", &zak).await;
    room.act(&format!("/participants/{}/admit", bot.id())).await;
    bot.socket.until(7942).await;
    let zoom_id = bot.result["zoomID"].as_str().unwrap().to_owned();
    let joiner = Joiner { name: "Bot", zak: &zak, ..room.anonymous() };
    let mut again = room.zoom.rejoin(&joiner, &[("zoomid", &zoom_id)]).await.expect("the rejoin is admitted");
    assert_eq!(again.socket.until(7937).await["add"][0]["bHold"], false);
    bot.socket.closes().await;
    assert_eq!(room.names().await, ["Bot"]);
}

#[tokio::test]
async fn dropped_sockets_get_no_end_frame() {
    let room = RunningMeeting::with(json!({})).await;
    let mut bot = room.enters("Bot").await;
    bot.socket.until(7937).await;
    room.act("/drop-sockets").await;
    assert_eq!(bot.socket.hear().await, None);
}

/// A cut for one participant: nothing of theirs gets through, and Zoom may still show them.
#[tokio::test]
async fn a_cut_connection_lets_nothing_through() {
    let room = RunningMeeting::with(json!({})).await;
    let mut bot = room.enters("Bot").await;
    let _other = room.enters("Other").await;
    let line = format!("/meetings/{}/cut-line", room.number);
    let cut = json!({"name": "Bot", "shown_seconds": 3600});
    room.zoom.control("POST", &line, cut).await;
    bot.socket.closes().await;
    assert_eq!(room.names().await, ["Bot", "Other"], "the participant is still shown");
    assert!(room.is_cut_off("Bot").await);
    drop(room.enters("Third").await);

    room.zoom.control("DELETE", &line, Value::Null).await;
    assert!(!room.is_cut_off("Bot").await);

    room.zoom.control("POST", &line, json!({"seconds": 3600})).await;
    assert!(
        !room.names().await.contains(&"Other".to_owned()),
        "by default the participant disappears at once"
    );
    assert!(room.is_cut_off("Anybody").await);
    let refused = room.zoom.ask("POST", &line, json!({"seconds": -1})).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn chat_is_delivered_to_all_or_one() {
    let room = RunningMeeting::with(json!({})).await;
    let mut bots = [room.enters("A").await, room.enters("B").await, room.enters("C").await];
    let (to, sender) = (bots[1].id(), bots[0].id());
    bots[0].socket.say(4135, json!({"text": base64("psst"), "destNodeID": to})).await;
    assert_eq!(bots[0].socket.until(4136).await["result"], 0);
    bots[0].socket.say(4135, json!({"text": base64("hello"), "destNodeID": 0})).await;
    let psst = bots[1].socket.until(7944).await;
    assert_eq!((&psst["text"], &psst["attendeeNodeID"]), (&json!(base64("psst")), &json!(to)));
    assert_eq!(psst["destNodeID"], sender);
    let hello = bots[2].socket.until(7944).await;
    assert_eq!((&hello["text"], &hello["senderName"]), (&json!(base64("hello")), &json!(base64("A"))));

    let path = format!("/meetings/{}/chat", room.number);
    room.zoom.control("POST", &path, json!({"from": sender, "text": "said"})).await;
    assert_eq!(bots[2].socket.until(7944).await["text"], base64("said"));
    assert_eq!(room.zoom.control("GET", &path, Value::Null).await.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_camera_can_be_switched_on() {
    let room = RunningMeeting::with(json!({})).await;
    let mut bot = room.enters("Bot").await;
    assert_eq!(bot.socket.until(7938).await["bCanUnmuteVideo"], true);
    assert_eq!(bot.socket.until(16_131).await["ssrc"], bot.id());
    bot.socket.until(7937).await;
    bot.socket.say(12_307, json!({"id": bot.id(), "bOn": true})).await;
    assert_eq!(bot.socket.until(7937).await["update"][0]["bVideoConnect"], true);
    bot.socket.say(12_297, json!({"id": bot.id(), "bOn": false})).await;
    assert_eq!(bot.socket.until(7937).await["update"][0]["bVideoOn"], true);
}

#[tokio::test]
async fn an_empty_meeting_stops_unless_held_open() {
    let room = RunningMeeting::with(json!({"started": false, "join_before_host": true})).await;
    let mut bot = room.enters("Bot").await;
    bot.socket.say(4103, json!({})).await;
    bot.socket.closes().await;
    let meeting = room.show().await;
    assert_eq!((&meeting["started"], &meeting["phase"]), (&json!(false), &json!("waiting")));
}

#[tokio::test]
async fn stopping_ends_every_task() {
    let room = RunningMeeting::with(json!({})).await;
    let mut bot = room.enters("Bot").await;
    room.zoom.simulator.stop().await;
    bot.socket.closes().await;
}
