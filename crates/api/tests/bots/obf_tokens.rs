//! Bots on behalf of a user who is in the meeting: `zoom.obf_token_url`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::{
    STUDIO, TIMED, codes, show, studio,
    test_app::{Plan, TestApp},
    why,
};

/// A token server that gives each of its tokens once.
pub(crate) struct Tokens {
    pub(crate) url: String,
    given: Arc<AtomicUsize>,
}

impl Tokens {
    /// The last of `tokens` is repeated.
    pub(crate) async fn serve(tokens: Vec<String>) -> Self {
        let given = Arc::new(AtomicUsize::new(0));
        let give = async |State((tokens, given)): State<(Arc<Vec<String>>, Arc<AtomicUsize>)>| {
            let next = given.fetch_add(1, Ordering::SeqCst).min(tokens.len() - 1);
            tokens[next].clone()
        };
        let routes = Router::new().route("/token", get(give));
        let routes = routes.with_state((Arc::new(tokens), Arc::clone(&given)));
        Self { url: serve(routes).await + "/token", given }
    }

    pub(crate) fn given(&self) -> usize {
        self.given.load(Ordering::SeqCst)
    }
}

/// Starts a server, and returns its address.
pub(crate) async fn serve(routes: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move { axum::serve(listener, routes).await });
    address
}

/// This many OBF tokens of a connected user.
async fn obf_tokens(app: &TestApp, account: &str, count: usize) -> Vec<String> {
    let path = format!("/api/v2/zoom-oauth-credentials/{account}/access-token/");
    let access = app.get(&path).await.ok()["token"].as_str().unwrap().to_owned();
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(app.zoom.token("/v2/users/me/token?type=onbehalf", &access).await);
    }
    tokens
}

fn outcomes(joins: &[Value]) -> Vec<&str> {
    joins.iter().map(|join| join["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_bot_waits_for_the_user_who_vouches_for_it_and_leaves_with_them() {
    let app = TestApp::build(&TIMED).await;
    let ada = app.zoom.user("ada@example.test", "Ada").await;
    let account = app.connect(&ada).await;
    let tokens = Tokens::serve(obf_tokens(&app, &account, 2).await).await;
    let meeting = app.zoom.meeting(json!({})).await;
    meeting.seat("Somebody").await;
    let zoom = json!({ "obf_token_url": tokens.url });
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Ada's notes", "zoom": zoom })).await;
    let refused =
        async || meeting.join_requests().await.pop().filter(|join| join["reason"] == "authoriser_absent");
    app.wait_for("the bot has been refused", refused).await;

    meeting.seat_user("Ada", &ada).await;
    app.pass(Duration::from_secs(15)).await;
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "joining_call", "in_call_not_recording"]);
    assert_eq!(
        why(&inside, "joining_call").0,
        "zoom_obf_user_not_in_meeting",
        "the bot reports what it waits for"
    );
    assert_eq!(tokens.given(), 2, "each join has a token of its own");
    assert_eq!(meeting.join_requests().await.len(), 2);
    assert_eq!(
        meeting.person("Ada's notes").await["user_id"],
        Value::Null,
        "the bot is not a second copy of the user"
    );

    meeting.host_does("remove", "Ada").await;
    let ended = app.until(&bot, "done").await;
    assert_eq!(codes(&ended).last_chunk(), Some(&["call_ended", "done"]));
    assert_eq!(why(&ended, "call_ended").0, "zoom_obf_user_left_meeting");
    show("vouched-for", &app.pictures(&bot).await);
    app.stop().await;
}

#[tokio::test]
async fn an_account_vouches_for_bots_by_itself() {
    let app = studio().await;
    let ada = app.zoom.user("ada@example.test", "Ada").await;
    let account = app.connect(&ada).await;
    // A meeting of another user: no bot gets in without Ada's token.
    let meeting = app.zoom.meeting(json!({ "external_rules": true })).await;
    meeting.seat_user("Ada", &ada).await;
    let mut bots = Vec::new();
    for name in ["One", "Two"] {
        let zoom = json!({ "obf_credential": account });
        bots.push(app.bot(json!({ "meeting_url": meeting.url, "bot_name": name, "zoom": zoom })).await);
    }
    for bot in &bots {
        app.until(bot, "in_call_not_recording").await;
    }
    assert_eq!(app.zoom.count("obf_mints").await, 2, "each token works once");
    assert_eq!(meeting.people().await.len(), 3);
    app.stop().await;
}

#[tokio::test]
async fn a_bot_waits_for_an_absent_user_only_until_its_timeout() {
    let app = TestApp::build(&TIMED).await;
    let ada = app.zoom.user("ada@example.test", "Ada").await;
    let account = app.connect(&ada).await;
    let tokens = Tokens::serve(obf_tokens(&app, &account, 3).await).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let request = json!({ "meeting_url": meeting.url, "zoom": { "obf_token_url": tokens.url },
                          "automatic_leave": { "waiting_room_timeout": 30 } });
    let bot = app.bot(request).await;
    let refused = async || meeting.join_requests().await.pop();
    app.wait_for("the bot has been refused", refused).await;
    app.pass(Duration::from_secs(25)).await;
    let ended = app.until(&bot, "fatal").await;
    assert_eq!(why(&ended, "fatal").0, "zoom_obf_user_not_in_meeting");
    assert!(meeting.join_requests().await.len() <= 3, "15 s apart, and a last one");
    app.stop().await;
}

#[tokio::test]
async fn a_bot_without_a_valid_token_does_not_join() {
    let app = TestApp::build(&Plan { capacity: 5, ..STUDIO }).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let servers = serve(
        Router::new()
            .route("/forbidden", get(async || StatusCode::FORBIDDEN))
            .route("/json", get(async || axum::Json(json!({ "token": "planted" })))),
    )
    .await;
    for (url, sub_code, cause) in [
        (format!("{servers}/forbidden"), "zoom_obf_callback_failed", "the answer is HTTP 403"),
        (format!("{servers}/json"), "zoom_obf_rejected", "JSON"),
    ] {
        let bot = app.bot(json!({ "meeting_url": meeting.url, "zoom": { "obf_token_url": url } })).await;
        let ended = app.until(&bot, "fatal").await;
        let (found, words) = why(&ended, "fatal");
        assert_eq!(found, sub_code, "{words}");
        assert!(words.contains("Details: zoom.obf_token_url: ") && words.contains(cause), "{words}");
        assert!(!words.contains("planted"), "{words}");
    }
    assert_eq!(app.zoom.count("join_requests").await, 0, "no bot joined anonymously");

    // Only Zoom can tell that this is not a token. It refuses it twice: the token was fetched again in between.
    let forged = Tokens::serve(vec!["not.an.obf.token.but.looks.like.one.from.afar".into()]).await;
    let bot = app.bot(json!({ "meeting_url": meeting.url, "zoom": { "obf_token_url": forged.url } })).await;
    let ended = app.until(&bot, "fatal").await;
    assert_eq!(why(&ended, "fatal").0, "zoom_obf_rejected");
    assert_eq!((forged.given(), meeting.join_requests().await.len()), (2, 2));

    // A token for another meeting is refused only once: waiting would not help.
    let ada = app.zoom.user("ada@example.test", "Ada").await;
    let account = app.connect(&ada).await;
    let path = format!("/api/v2/zoom-oauth-credentials/{account}/access-token/");
    let access = app.get(&path).await.ok()["token"].as_str().unwrap().to_owned();
    let elsewhere = "/v2/users/me/token?type=onbehalf&meeting_id=81111111111";
    let elsewhere = Tokens::serve(vec![app.zoom.token(elsewhere, &access).await]).await;
    let bot = json!({ "meeting_url": meeting.url, "zoom": { "obf_token_url": elsewhere.url } });
    let ended = app.until(&app.bot(bot).await, "fatal").await;
    assert_eq!(why(&ended, "fatal").0, "zoom_obf_rejected");
    assert_eq!(elsewhere.given(), 1);
    assert!(!outcomes(&meeting.join_requests().await).contains(&"admitted"));
    app.stop().await;
}
