//! Activity of participants, active speakers, screens and recordings, as frames.

use serde_json::{Value, json};

use crate::support::RunningMeeting;

impl RunningMeeting {
    /// Adds a participant without a browser and returns their id.
    pub(crate) async fn seat(&self, body: Value) -> u64 {
        let path = format!("/meetings/{}/participants", self.number);
        let meeting = self.zoom.control("POST", &path, body).await;
        meeting["participants"].as_array().unwrap().last().unwrap()["id"].as_u64().unwrap()
    }

    /// Calls `method` on a path of the meeting; must succeed.
    pub(crate) async fn does(&self, method: &str, path: &str, body: Value) -> Value {
        self.zoom.control(method, &format!("/meetings/{}{path}", self.number), body).await
    }

    /// Like [`Self::does`], but must be refused: returns the status and the text.
    pub(crate) async fn refuses(&self, method: &str, path: &str, body: Value) -> (u16, String) {
        let answer = self.zoom.ask(method, &format!("/meetings/{}{path}", self.number), body).await;
        (answer.status, answer.body["error"].as_str().unwrap_or_default().to_owned())
    }
}

#[tokio::test]
async fn only_changes_are_sent_but_sharing_is_sent_whole() {
    let room = RunningMeeting::with(json!({})).await;
    let bob = room.seat(json!({"name": "Bob", "audio": "computer", "muted": false})).await;
    let mut bot = room.join(&room.anonymous()).await;
    let roster = bot.socket.until(7937).await;
    let entry = roster["add"].as_array().unwrap().iter().find(|entry| entry["id"] == bob).unwrap();
    assert_eq!((&entry["audio"], &entry["muted"]), (&json!("computer"), &json!(false)));
    let path = format!("/participants/{bob}");
    for (change, told) in [
        (json!({"muted": true}), json!({"muted": true})),
        (json!({"sharing": "on"}), json!({"bShareOn": true, "bSharePause": false})),
        (json!({"sharing": "off"}), json!({"bShareOn": false, "bSharePause": false})),
        (json!({"local_recording": "paused"}), json!({"bLocalRecordStatus": 2})),
        (json!({"name": "Rob", "raised_hand": true}), json!({"bRaiseHand": true})),
    ] {
        room.does("PATCH", &path, change).await;
        let mut told = told;
        told["id"] = json!(bob);
        assert_eq!(bot.socket.until(7937).await["update"], json!([told]));
    }
    assert_eq!(bot.socket.until(7937).await["update"][0]["dn2"], "Um9i");
    let shown = room.show().await;
    let entry = &shown["participants"][0];
    assert_eq!((&entry["name"], &entry["local_recording"]), (&json!("Rob"), &json!("paused")));
}

#[tokio::test]
async fn a_later_participant_receives_speakers_screen_and_recording() {
    let room = RunningMeeting::with(json!({"webrtc_video": true})).await;
    let bob = room.seat(json!({"name": "Bob", "sharing": "on"})).await;
    room.does("PUT", "/active-speakers", json!({"participants": [bob]})).await;
    room.does("PUT", "/recording", json!({"status": "on"})).await;
    let mut bot = room.join(&room.anonymous()).await;
    assert_eq!(bot.result["useWBVideo"], 1);
    assert_eq!(bot.socket.until(7938).await["chatPriviledge"], 1);
    assert_eq!(bot.socket.until(7938).await["cmrServerStatus"], 2);
    assert_eq!(bot.socket.until(12_033).await, json!({"asn1": bob}));
    assert_eq!(bot.socket.until(20_225).await, json!({"activeNodeID": bob, "bStatus": 1, "ssrc": bob}));
    room.does("POST", &format!("/participants/{bob}/leave"), Value::Null).await;
    assert_eq!(bot.socket.until(12_033).await, json!({}));
    assert_eq!(bot.socket.until(20_225).await["bStatus"], 0);
    let meeting = room.show().await;
    assert_eq!((&meeting["active_speakers"], &meeting["cloud_recording"]), (&json!([]), &json!("on")));
}

#[tokio::test]
async fn only_its_owner_can_start_a_camera() {
    let room = RunningMeeting::with(json!({})).await;
    let mut bot = room.join(&room.anonymous()).await;
    let path = format!("/participants/{}", bot.id());
    let (status, words) = room.refuses("PATCH", &path, json!({"video_on": true})).await;
    assert_eq!(status, 400);
    assert!(words.starts_with("video_on"), "{words}");
    bot.socket.say(12_297, json!({"id": bot.id(), "bOn": false})).await;
    bot.socket.until(7937).await;
    assert_eq!(bot.socket.until(7937).await["update"][0]["bVideoOn"], true);
    room.does("PATCH", &path, json!({"video_on": false})).await;
    assert_eq!(bot.socket.until(16_133).await, json!({"id": bot.id(), "bVideoMute": true}));
}

#[tokio::test]
async fn participants_rename_if_the_meeting_allows_it() {
    let room = RunningMeeting::with(json!({"rename_allowed": false})).await;
    let bob = room.seat(json!({"name": "Bob"})).await;
    let mut bot = room.join(&room.anonymous()).await;
    bot.socket.until(7937).await;
    bot.socket.say(4109, json!({"id": bot.id(), "dn2": "Tm90ZXM"})).await;
    room.change(json!({"rename_allowed": true})).await;
    assert_eq!(bot.socket.until(7938).await["bAllowAttendeeRename"], true);
    bot.socket.say(4109, json!({"id": bob, "dn2": "Tm90ZXM"})).await;
    bot.socket.say(4109, json!({"id": bot.id(), "dn2": "Tm90ZXM"})).await;
    let update = bot.socket.until(7937).await["update"].clone();
    assert_eq!(update, json!([{"id": bot.id(), "dn2": "Tm90ZXM="}]));
    assert_eq!(room.names().await, ["Bob", "Notes"]);
}

#[tokio::test]
async fn errors_about_participants_name_the_field() {
    let room = RunningMeeting::with(json!({})).await;
    let (ada, bob) = (room.seat(json!({"name": "Ada"})).await, room.seat(json!({"name": "Bob"})).await);
    let bot = room.join(&room.anonymous()).await;
    room.does("PATCH", &format!("/participants/{ada}"), json!({"sharing": "on"})).await;
    let of = |id: u64| format!("/participants/{id}");
    for (method, path, body, word) in [
        ("PATCH", of(bob), json!({"colour": "red"}), "colour"),
        ("PATCH", of(bob), json!({"audio": "telepathy"}), "telepathy"),
        ("PATCH", of(bob), json!({"muted": false}), "muted"),
        ("PATCH", of(bob), json!({"sharing": "on"}), "Ada"),
        ("PATCH", of(bob), json!({"name": ""}), "name"),
        ("PATCH", of(bob), json!({"name": "x".repeat(201), "raised_hand": true}), "name"),
        ("PATCH", of(bob), json!({"host": false}), "host"),
        ("POST", format!("{}/leave", of(bot.id())), Value::Null, "socket"),
        ("POST", "/participants".to_owned(), json!({"name": "Eve", "muted": false}), "muted"),
        ("POST", "/participants".to_owned(), json!({"name": "Eve", "colour": "red"}), "colour"),
        ("PUT", "/active-speakers".to_owned(), json!({"participants": [bob, 1]}), "1"),
        ("PUT", "/active-speakers".to_owned(), json!({"participant": []}), "participant"),
        ("PUT", "/recording".to_owned(), json!({"status": "maybe"}), "maybe"),
        ("POST", "/chat".to_owned(), json!({"from": 1, "text": "x"}), "from"),
        ("POST", "/chat".to_owned(), json!({"from": ada, "to": 1, "text": "x"}), "to"),
        ("POST", "/chat".to_owned(), json!({"from": ada, "text": "x".repeat(4097)}), "text"),
        ("POST", "/captions".to_owned(), json!({"from": 1, "text": "x"}), "from"),
        ("POST", "/captions".to_owned(), json!({"from": ada, "text": ""}), "text"),
        ("POST", "/captions".to_owned(), json!({"from": ada, "text": "x", "language": 501}), "language"),
        ("POST", "/captions".to_owned(), json!({"from": ada, "text": "x", "caption_id": ""}), "caption_id"),
    ] {
        let (status, words) = room.refuses(method, &path, body.clone()).await;
        assert_eq!(status, 400, "{path} {body}: {words}");
        assert!(words.contains(word), "{path} {body}: {words}");
    }
    assert_eq!(room.names().await, ["Ada", "Bob", "Bot"], "no change was applied");
    assert_eq!(room.show().await["participants"][1]["raised_hand"], false);
    assert_eq!(room.refuses("PATCH", &of(1), json!({})).await.0, 404);
}
