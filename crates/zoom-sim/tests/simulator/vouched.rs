//! Bots for which a user vouches: on-behalf-of tokens, and the host's join tokens.

use serde_json::{Value, json};

use crate::support::socket::Joiner;
use crate::support::{Answer, App, RunningMeeting, text};

const SCOPES: [&str; 5] = [
    "user:read:user",
    "user:read:token",
    "meeting:read:local_recording_token",
    "meeting:read:live_streaming_token",
    "meeting:read:local_archiving_token:admin",
];

/// A meeting of another account than the bot's app's, and grants of its participants.
struct Scene {
    room: RunningMeeting,
    guest: String,
    host: String,
}

impl Scene {
    async fn with(settings: Value) -> Self {
        let room = RunningMeeting::with(settings).await;
        let zoom = &room.zoom;
        let app = zoom.app(json!({"scopes": SCOPES})).await;
        let access = async |app: &App, user: &str| {
            zoom.control("PUT", "/signed-in", json!({"user_id": user})).await;
            zoom.connect(app).await.access
        };
        let (guest, host) = (access(&app, &room.guest).await, access(&app, &room.host).await);
        zoom.control("PATCH", &format!("/apps/{}", room.app.id), json!({"account_id": "elsewhere"})).await;
        Self { room, guest, host }
    }

    /// Mints an OBF token of the guest, with more query parameters.
    async fn obf(&self, more: &str) -> String {
        let path = format!("/v2/users/me/token?type=onbehalf{more}");
        text(&self.room.zoom.get(&path, &self.guest).await.body, "token")
    }

    async fn ask_join_token(&self, tail: &str, access: &str) -> Answer {
        let path = format!("/v2/meetings/{}/jointoken/{tail}", self.room.number);
        self.room.zoom.get(&path, access).await
    }

    /// Mints a join token of the host.
    async fn join_token(&self, tail: &str) -> String {
        let answer = self.ask_join_token(tail, &self.host).await;
        assert_eq!((answer.status, &answer.body["expire_in"]), (200, &json!(120)), "{answer:?}");
        text(&answer.body, "token")
    }

    fn people(&self) -> String {
        format!("/meetings/{}/participants", self.room.number)
    }

    /// Adds the guest to the meeting and returns their id.
    async fn guest_enters(&self) -> Value {
        let guest = json!({"name": "Guest", "user_id": self.room.guest});
        let people = self.room.zoom.control("POST", &self.people(), guest).await["participants"].clone();
        people.as_array().unwrap().last().unwrap()["id"].clone()
    }

    async fn act_on(&self, person: &Value, what: &str) {
        self.room.zoom.control("POST", &format!("{}/{person}/{what}", self.people()), Value::Null).await;
    }

    async fn switch(&self, switches: Value) {
        self.room.zoom.control("PATCH", "/switches", switches).await;
    }

    fn bot<'a>(&'a self, obf: &'a str) -> Joiner<'a> {
        Joiner { obf, ..self.room.anonymous() }
    }
}

#[tokio::test]
async fn a_participant_vouches_for_a_bot() {
    let scene = Scene::with(json!({"external_rules": true})).await;
    let (room, bound) = (&scene.room, format!("&meeting_id={}", scene.room.number));
    let (good, foreign) = (scene.obf(&bound).await, scene.obf("&meeting_id=81111111111").await);
    assert_eq!(room.refused(&scene.bot("")).await, 13_296, "an external app needs a token");
    assert_eq!(room.refused(&scene.bot("forged")).await, 13_299);
    assert_eq!(room.refused(&scene.bot(&foreign)).await, 13_300);
    assert_eq!(room.refused(&scene.bot(&good)).await, 103_041, "the authoriser is not present");

    let guest = scene.guest_enters().await;
    let mut bot = room.join(&scene.bot(&good)).await;
    assert_eq!(bot.socket.until(8029).await["relationList"][0]["parentUserID"], guest);
    assert_eq!(room.refused(&scene.bot(&good)).await, 13_299, "works once");
    scene.act_on(&guest, "remove").await;
    assert_eq!(bot.socket.until(7939).await["reason"], 21);
    bot.socket.closes().await;
    assert_eq!(room.zoom.stat("obf_mints").await, 2);
}

#[tokio::test]
async fn single_use_is_a_switch_and_an_unbound_token_is_valid_for_any_meeting() {
    let scene = Scene::with(json!({})).await;
    scene.guest_enters().await;
    let token = scene.obf("").await;
    let first = scene.room.join(&scene.bot(&token)).await;
    assert_eq!(scene.room.refused(&scene.bot(&token)).await, 13_299);
    scene.switch(json!({"obf_single_use": false})).await;
    let second = scene.room.join(&scene.bot(&token)).await;
    drop((first, second));
}

#[tokio::test]
async fn an_obf_token_lives_two_hours_or_its_ttl_and_ends_with_its_user() {
    let scene = Scene::with(json!({})).await;
    scene.guest_enters().await;
    let (usual, long) = (scene.obf("").await, scene.obf("&ttl=86400").await);
    scene.room.zoom.advance(7200).await;
    assert_eq!(scene.room.refused(&scene.bot(&usual)).await, 13_299);
    let user = format!("/users/{}", scene.room.guest);
    scene.room.zoom.control("PATCH", &user, json!({"active": false})).await;
    assert_eq!(scene.room.refused(&scene.bot(&long)).await, 13_299);
    scene.room.zoom.control("PATCH", &user, json!({"active": true})).await;
    drop(scene.room.join(&scene.bot(&long)).await);
}

#[tokio::test]
async fn a_waiting_user_cannot_vouch() {
    let scene = Scene::with(json!({})).await;
    let guest = scene.guest_enters().await;
    let mut bot = scene.room.join(&scene.bot(&scene.obf("").await)).await;
    scene.act_on(&guest, "hold").await;
    assert_eq!(bot.socket.until(7939).await["reason"], 21);
    assert_eq!(scene.room.refused(&scene.bot(&scene.obf("").await)).await, 103_041);
}

#[tokio::test]
async fn a_broken_connection_keeps_the_bot_and_its_authoriser_in_the_meeting() {
    let scene = Scene::with(json!({})).await;
    let room = &scene.room;
    let zak = room.zoom.zak(&room.app, &room.guest).await;
    let person = Joiner { name: "Guest", zak: &zak, ..room.anonymous() };
    let guest = room.join(&person).await;
    let token = scene.obf("").await;
    let bot = room.join(&scene.bot(&token)).await;

    let stay = text(&guest.result, "zoomID");
    let _guest = room.zoom.rejoin(&person, &[("zoomid", &stay)]).await.expect("the rejoin is admitted");
    assert_eq!(room.names().await, ["Bot", "Guest"], "the bot has not noticed");
    let stay = text(&bot.result, "zoomID");
    room.zoom.advance(7200).await;
    assert_eq!(room.refused(&scene.bot(&token)).await, 13_299, "a new stay needs a new token");
    let again = room.zoom.rejoin(&scene.bot(&token), &[("zoomid", &stay)]).await;
    assert!(again.is_ok(), "the same stay needs no new token");
}

#[tokio::test]
async fn only_the_host_can_issue_a_join_token() {
    let scene = Scene::with(json!({})).await;
    let zoom = &scene.room.zoom;
    for privilege in ["local_recording", "live_streaming"] {
        let answer = scene.ask_join_token(privilege, &scene.guest).await;
        let body = json!({"code": 200, "message": "No permission."});
        assert_eq!((answer.status, answer.body), (400, body), "{privilege}");
        scene.join_token(privilege).await;
    }
    scene.join_token("local_archiving").await;
    assert_eq!(zoom.stat("join_token_mints").await, 3);
    assert_eq!(scene.ask_join_token("coffee", &scene.host).await.status, 400);
    let odd = scene.ask_join_token("local_recording?bypass_waiting_room=perhaps", &scene.host).await;
    assert_eq!(odd.body["code"], 300);

    let admin = zoom.account_token(&["meeting:read:local_recording_token:admin"]).await;
    assert_eq!(
        scene.ask_join_token("local_recording", &admin).await.status,
        200,
        "an admin scope reaches the host"
    );
    let path = |number: &str| format!("/v2/meetings/{number}/jointoken/local_recording");
    assert_eq!(zoom.get(&path("89999999999"), &scene.host).await.body["code"], 3001);
    assert_eq!(zoom.get(&path("12"), &scene.host).await.body["code"], 300);
    let scopeless = zoom.account_token(&["meeting:read:meeting:admin"]).await;
    let answer = scene.ask_join_token("local_recording", &scopeless).await;
    assert_eq!(answer.body["code"], 4711);
    assert!(text(&answer.body, "message").contains("meeting_token:read:local_recording"));

    let host = format!("/users/{}", scene.room.host);
    zoom.control("PATCH", &host, json!({"local_recording": false})).await;
    let off = scene.ask_join_token("local_recording", &scene.host).await;
    assert_eq!((off.status, &off.body["code"]), (400, &json!(3000)));
    scene.join_token("live_streaming").await;
    zoom.control("PATCH", &host, json!({"plan": "basic"})).await;
    assert_eq!(scene.ask_join_token("live_streaming", &scene.host).await.body["code"], 200);
}

#[tokio::test]
async fn a_join_token_works_once_for_120_seconds_in_its_meeting() {
    let scene = Scene::with(json!({})).await;
    let room = &scene.room;
    let with = |join_token| Joiner { join_token, ..room.anonymous() };
    let (first, second) =
        (scene.join_token("local_recording").await, scene.join_token("live_streaming").await);
    assert_eq!(room.refused(&with("forged")).await, 3145);
    let other = room.zoom.meeting(json!({"host_id": room.guest, "started": true})).await;
    let elsewhere = Joiner { number: &other, ..with(&first) };
    assert_eq!(room.refused(&elsewhere).await, 3145, "the token is of another meeting");
    let _bot = room.join(&with(&first)).await;
    assert_eq!(room.show().await["participants"][0]["privilege"], "local_recording");
    assert_eq!(room.refused(&with(&first)).await, 3145, "spent");
    room.zoom.advance(120).await;
    assert_eq!(room.refused(&with(&second)).await, 3145, "expired");
}

#[tokio::test]
async fn a_join_token_skips_the_waiting_room_for_a_known_user() {
    let scene = Scene::with(json!({"waiting_room": true, "external_rules": true})).await;
    let room = &scene.room;
    let guest = scene.guest_enters().await;
    let bypass = "local_recording?bypass_waiting_room=true";
    let token = scene.join_token(bypass).await;
    let anonymous = Joiner { join_token: &token, ..room.anonymous() };
    assert_eq!(room.refused(&anonymous).await, 13_295, "a join token does not identify a user");

    let waits = async || {
        let people = room.show().await["participants"].clone();
        people.as_array().unwrap().last().unwrap()["in_waiting_room"].clone()
    };
    let (obf, plain) = (scene.obf("").await, scene.join_token("local_recording").await);
    let _waiting = room.join(&Joiner { join_token: &plain, ..scene.bot(&obf) }).await;
    assert_eq!(waits().await, true, "no bypass was requested");
    let obf = scene.obf("").await;
    let _inside = room.join(&Joiner { join_token: &token, ..scene.bot(&obf) }).await;
    assert_eq!(waits().await, false);
    let zak = room.zoom.zak(&room.app, &room.host).await;
    let token = scene.join_token(bypass).await;
    let _signed_in = room.join(&Joiner { join_token: &token, zak: &zak, ..room.anonymous() }).await;
    assert_eq!(waits().await, false);
    room.change(json!({"external_rules": false})).await;
    let token = scene.join_token(bypass).await;
    let _nameless = room.join(&Joiner { join_token: &token, ..room.anonymous() }).await;
    assert_eq!(waits().await, true);
    drop(guest);
}
