//! Meetings played from a script.

use serde_json::{Value, json};

use crate::support::{RunningMeeting, Zoom, text};

const WEEKLY: &str = include_str!("weekly.toml");

impl Zoom {
    /// Sends a script to the simulator.
    async fn script(&self, query: &str, script: &str) -> (u16, Value) {
        let answer = self.ask("POST", &format!("/scripts{query}"), Value::String(script.to_owned())).await;
        (answer.status, answer.body)
    }

    /// Waits until the only script has been played, and returns it.
    async fn played(&self) -> Value {
        loop {
            let scripts = self.control("GET", "/scripts", Value::Null).await;
            if scripts[0]["state"] == "done" {
                return scripts[0].clone();
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn the_readmes_example_can_be_played() {
    assert!(include_str!("../../README.md").contains(WEEKLY));
    let zoom = Zoom::start().await;
    let (status, playing) = zoom.script("", WEEKLY).await;
    assert_eq!(status, 201, "{playing}");
    assert_eq!(playing["join_url"], "https://zoom.us/j/81234567890?pwd=abc123");
    // Skips an hour, so that the test does not wait.
    zoom.advance(3600).await;
    let played = zoom.played().await;
    assert_eq!((&played["failures"], &played["steps"]), (&json!([]), &json!(11)));
    let meeting = zoom.control("GET", "/meetings/81234567890", Value::Null).await;
    assert_eq!((&meeting["phase"], &meeting["cloud_recording"]), (&json!("ended"), &json!("off")));
    let chat = zoom.control("GET", "/meetings/81234567890/chat", Value::Null).await;
    assert_eq!(
        (&chat[0]["sender"], &chat[0]["text"]),
        (&json!("Grace"), &json!("The agenda: https://example.test/agenda"))
    );
}

#[tokio::test]
async fn a_script_waits_for_a_bot_and_sends_it_everything() {
    let room = RunningMeeting::with(json!({})).await;
    let script = r#"
        wait_for = "Bot"
        bots = ["Nobody"]
        [[step]]
        at = 0
        do = "join"
        who = "Ada"
        email = "ada@example.test"
        host = true
        [[step]]
        at = 1.5
        do = "talk"
        who = "Ada"
        text = "Good morning, everybody."
        [[step]]
        at = 1
        do = "chat"
        who = "Ada"
        to = "Bot"
        text = "for you"
        [[step]]
        at = 30
        do = "chat"
        who = "Ada"
        to = "Nobody"
        text = "for nobody"
    "#;
    let (status, playing) = room.zoom.script(&format!("?meeting_number={}", room.number), script).await;
    assert_eq!((status, &playing["state"]), (201, &json!("waiting")), "{playing}");
    let mut bot = room.join(&room.anonymous()).await;
    bot.socket.say(4285, Value::Null).await;
    bot.socket.until(7985).await;
    room.zoom.advance(60).await;
    assert_eq!(bot.socket.until(7944).await["attendeeNodeID"], bot.id());
    assert!(bot.socket.until(12_033).await["asn1"].is_number());
    let mut kinds = Vec::new();
    while kinds.last() != Some(&json!(1)) {
        kinds.push(bot.socket.until(7983).await["msgType"].clone());
    }
    assert_eq!(kinds, [2, 3, 1]);
    assert_eq!(bot.socket.until(12_033).await, json!({}));
    let played = room.zoom.played().await;
    assert_eq!(played["failures"][0]["error"], "no participant named \"Nobody\" is in the meeting");
    let ada = &room.show().await["participants"][1];
    assert_eq!(
        (&ada["role"], &ada["muted"], &ada["audio"]),
        (&json!("host"), &json!(false), &json!("computer"))
    );
    assert!(!text(ada, "user_id").is_empty());
}

#[tokio::test]
async fn an_error_names_its_line_and_field() {
    let zoom = Zoom::start().await;
    let with = |step: &str| {
        format!("[meeting]\n\n[[step]]\nat = 0\ndo = \"join\"\nwho = \"Ada\"\n\n[[step]]\n{step}\n")
    };
    for (script, line, words) in [
        ("= 1".to_owned(), 1, "key"),
        ("[meeting]\ncolour = \"red\"".to_owned(), 1, "colour"),
        ("[meeting]\n\nhost_email = \"nobody\"".to_owned(), 1, "host_email"),
        ("\n\nwhen = 1\n".to_owned(), 3, "when"),
        ("[[step]]\nat = 0\ndo = \"end\"".to_owned(), 1, "meeting"),
        (with("do = \"end\""), 8, "at is missing"),
        (with("at = -1\ndo = \"end\""), 8, "at must be"),
        (with("at = \"soon\"\ndo = \"end\""), 8, "at must be"),
        (with("at = 1"), 8, "do is missing"),
        (with("at = 1\ndo = \"dance\""), 8, "dance"),
        (with("at = 1\ndo = \"end\"\nwho = \"Ada\""), 8, "who"),
        (with("at = 1\ndo = \"chat\"\nwho = \"Ada\""), 8, "text"),
        (with("at = 1\ndo = \"chat\"\nwho = \"Ada\"\ntext = \"x\"\ntxt = \"y\""), 8, "txt"),
        (with("at = 1\ndo = \"chat\"\nwho = \"Ada\"\ntext = \"x\"\nto = \"Adda\""), 8, "Adda"),
        (with("at = 1\ndo = \"leave\"\nwho = \"Adda\""), 8, "Adda"),
        (with("at = 1\ndo = \"talk\"\nwho = \"Ada\"\ntext = \" \""), 8, "text"),
        (with("at = 1\ndo = \"talk\"\nwho = \"Ada\"\ntext = \"x\"\nseconds = 601"), 8, "seconds"),
        (with("at = 1\ndo = \"change\"\nwho = \"Ada\"\nsharing = \"maybe\""), 8, "maybe"),
        (with("at = 1\ndo = \"change\"\nwho = \"Ada\"\ncolour = \"red\""), 8, "colour"),
        (with("at = 1\ndo = \"change\"\nwho = \"Ada\"\nname = \"\""), 8, "name"),
        (with("at = 1\ndo = \"record\"\nstatus = 1"), 8, ""),
        ("[[step]]\n".repeat(1001), 1002, "1000"),
    ] {
        let (status, answer) = zoom.script("", &script).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(
            status == 400 && error.starts_with(&format!("line {line}: ")) && error.contains(words),
            "{script}\n{answer}"
        );
    }
    assert_eq!(zoom.script("?meeting_number=812345678", "").await.0, 400, "there is no such meeting");
    assert_eq!(zoom.script("?meeting=812345678", "").await.0, 400);
    assert_eq!(zoom.control("GET", "/scripts", Value::Null).await, json!([]));
}
