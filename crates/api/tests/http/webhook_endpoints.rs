//! Endpoints that are told of events: a receiver on loopback that keeps what it is sent, and answers as it is told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    serve::Listener,
};
use futures_util::StreamExt as _;
use model::{EventId, PoolId, SeatId, Secret, Timestamp};
use outbound::signature::{SignatureHeaders, SigningKey, verify};
use serde_json::{Value, json};
use store::{NewEvent, SeatRequest};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::{
    PLAN,
    test_app::{Plan, TestApp},
};

const ENDPOINTS: &str = "/api/latchkey/v1/webhook-endpoints/";
const EVENTS: &str = "/api/latchkey/v1/events/";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// How a receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Fine,
    Fails,
    Redirects,
    Hangs,
    Gushes,
    Echoes,
    /// Each new connection.
    Resets,
}

#[derive(Debug, Clone)]
struct Heard {
    headers: HeaderMap,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn is_signed_by(&self, secret: &str, now: Timestamp) -> bool {
        let headers = SignatureHeaders {
            id: self.header("webhook-id"),
            timestamp: self.header("webhook-timestamp"),
            signature: self.header("webhook-signature"),
        };
        let key = SigningKey::parse(&Secret::new(secret)).unwrap();
        verify(&[key], headers, self.body.as_bytes(), now).is_ok()
    }
}

/// Resets connections, or takes them.
struct Moody {
    listener: TcpListener,
    receiver: Receiver,
}

impl Listener for Moody {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let (stream, from) = self.listener.accept().await.unwrap();
            if self.receiver.mood() != Mood::Resets {
                return (stream, from);
            }
            // What was sent is there: it is not the connection that fails, but what comes after it.
            stream.readable().await.unwrap();
            stream.set_zero_linger().unwrap();
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[derive(Clone)]
struct Receiver(Arc<Mutex<(Mood, Vec<Heard>)>>);

impl Receiver {
    /// A receiver that answers 204, and its address.
    async fn start() -> (Self, String) {
        let receiver = Self(Arc::new(Mutex::new((Mood::Fine, Vec::new()))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook?token=planted-in-the-query", listener.local_addr().unwrap());
        let router = Router::new().fallback(Self::hear).with_state(receiver.clone());
        let listener = Moody { listener, receiver: receiver.clone() };
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        (receiver, address)
    }

    fn mood(&self) -> Mood {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    async fn hear(State(receiver): State<Self>, headers: HeaderMap, body: String) -> Response {
        let mood = {
            let mut inner = receiver.0.lock().unwrap_or_else(PoisonError::into_inner);
            inner.1.push(Heard { headers, body: body.clone() });
            inner.0
        };
        match mood {
            Mood::Fine => StatusCode::NO_CONTENT.into_response(),
            Mood::Fails => (StatusCode::INTERNAL_SERVER_ERROR, "käse").into_response(),
            Mood::Redirects => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
            Mood::Hangs => std::future::pending().await,
            Mood::Gushes => (StatusCode::OK, vec![b'x'; 10_000_000]).into_response(),
            Mood::Resets => unreachable!("no request comes so far"),
            Mood::Echoes => (StatusCode::OK, [("x-secret", body.clone())], body).into_response(),
        }
    }

    fn is(&self, mood: Mood) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = mood;
    }

    fn heard(&self) -> Vec<Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// The types of what was heard, in their order.
    fn kinds(&self) -> Vec<String> {
        self.heard().iter().map(|heard| heard.json()["event"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) async fn app() -> TestApp {
    TestApp::build(&Plan { networks: &["127.0.0.0/8"], ..PLAN }).await
}

async fn endpoint(app: &TestApp, url: &str, more: Value) -> Value {
    let mut body = json!({ "url": url });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.post(ENDPOINTS, body).await.created()
}

fn path(endpoint: &Value, rest: &str) -> String {
    format!("{ENDPOINTS}{}/{rest}", endpoint["id"].as_str().unwrap())
}

/// A bot that is told to leave before it joins: it ends without a browser.
async fn ended_bot(app: &TestApp) -> String {
    let bot =
        app.bot(json!({ "meeting_url": "https://zoom.us/j/123456789", "metadata": { "a": "b" } })).await;
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    app.until(&bot, "done").await;
    bot
}

async fn until_heard(app: &TestApp, receiver: &Receiver, count: usize) -> Vec<Heard> {
    app.wait_for("the receiver has heard it", async || {
        let heard = receiver.heard();
        (heard.len() >= count).then_some(heard)
    })
    .await
}

/// The deliveries of an endpoint, as soon as all of them are in this state.
async fn until_all(app: &TestApp, endpoint: &Value, state: &str) -> Vec<Value> {
    app.wait_for("deliveries are so far", async || {
        let listed = app.get(&path(endpoint, "deliveries/")).await.ok();
        let all = listed["results"].as_array().unwrap().clone();
        (!all.is_empty() && all.iter().all(|delivery| delivery["state"] == state)).then_some(all)
    })
    .await
}

#[tokio::test]
async fn a_bots_steps_are_told_in_their_order_and_signed() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "svix_headers": true })).await;
    assert_eq!((&made["event_types"], &made["state"]), (&json!(["*"]), &json!("enabled")));
    let bot = ended_bot(&app).await;
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(receiver.kinds(), ["bot.call_ended", "bot.done"]);
    for (number, message) in heard.iter().enumerate() {
        assert!(message.is_signed_by(made["secret"].as_str().unwrap(), app.env.now()));
        assert_eq!(message.header("latchkey-sequence"), (number + 1).to_string());
        assert_eq!(message.header("content-type"), "application/json");
        for part in ["id", "timestamp", "signature"] {
            assert_eq!(message.header(&format!("svix-{part}")), message.header(&format!("webhook-{part}")));
        }
    }
    let body = heard[0].json();
    let at = body["data"]["data"]["updated_at"].clone();
    let expected = json!({ "event": "bot.call_ended", "data": {
        "data": { "code": "call_ended", "sub_code": "bot_received_leave_call", "updated_at": at },
        "bot": { "id": bot, "metadata": { "a": "b" } },
    }});
    assert_eq!(body, expected);

    let listed = until_all(&app, &made, "delivered").await;
    let last = &listed[0];
    assert_eq!((&last["event_type"], &last["attempts"]), (&json!("bot.done"), &json!(1)));
    assert_eq!(last["answer"]["status"], 204);
    assert_eq!(last["request"]["body"], heard[1].json());
    assert_eq!(last["request"]["headers"]["webhook-id"], heard[1].header("webhook-id"));
    let one = app.get(&path(&made, &format!("deliveries/{}/", last["event"].as_str().unwrap()))).await.ok();
    assert_eq!(one, *last);
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("latchkey_webhook_attempts_total{outcome=\"delivered\"} 2"), "{metrics}");
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again_with_the_same_id_and_in_order() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({})).await;
    for mood in [Mood::Fails, Mood::Redirects, Mood::Hangs] {
        receiver.is(mood);
        let before = receiver.heard().len();
        ended_bot(&app).await;
        let first = until_heard(&app, &receiver, before + 1).await[before].clone();
        let what = format!("the attempt has ended: {mood:?}");
        let failed = app
            .wait_for(&what, async || {
                let listed = app.get(&path(&made, "deliveries/?state=pending")).await.ok();
                let found = listed["results"].as_array()?.iter().find(|one| one["attempts"] != 0)?.clone();
                Some(found)
            })
            .await;
        let error = failed["answer"]["error"].as_str().unwrap().to_owned();
        let expected = match mood {
            Mood::Fails => "the answer is HTTP 500",
            Mood::Redirects => "the answer is a redirect (HTTP 302), which is never followed",
            _ => "no answer within 15 s",
        };
        assert_eq!(error, expected);
        receiver.is(Mood::Fine);
        until_all(&app, &made, "delivered").await;
        let heard = receiver.heard();
        let ids: Vec<_> = heard[before..].iter().map(|heard| heard.header("webhook-id")).collect();
        assert!(ids.len() >= 3 && ids[..ids.len() - 1].iter().all(|id| *id == first.header("webhook-id")));
        assert_eq!(receiver.kinds()[receiver.kinds().len() - 2..], ["bot.call_ended", "bot.done"]);
    }
}

#[tokio::test]
async fn a_receiver_that_resets_connections_hears_everything_once_and_in_order_afterwards() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    receiver.is(Mood::Resets);
    let made = endpoint(&app, &url, json!({})).await;
    let bots = [ended_bot(&app).await, ended_bot(&app).await];
    let failed = app.wait_for("both were tried", async || {
        let listed = app.get(&path(&made, "deliveries/?state=pending")).await.ok();
        let tried = listed["results"].as_array()?.iter().filter(|one| one["attempts"] != 0).cloned();
        Some(tried.collect::<Vec<_>>()).filter(|tried| tried.len() == 2)
    });
    for delivery in failed.await {
        assert_eq!(delivery["answer"]["error"], "the server cannot be reached");
    }
    assert!(receiver.heard().is_empty());
    receiver.is(Mood::Fine);
    until_all(&app, &made, "delivered").await;
    let heard = receiver.heard();
    assert_eq!(heard.len(), 4, "each once");
    assert!(heard.iter().all(|heard| heard.is_signed_by(made["secret"].as_str().unwrap(), app.env.now())));
    for bot in bots {
        let of_bot = heard.iter().map(Heard::json).filter(|body| body["data"]["bot"]["id"] == *bot);
        let kinds: Vec<_> = of_bot.map(|body| body["event"].clone()).collect();
        assert_eq!(kinds, ["bot.call_ended", "bot.done"]);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_sent_one_event_and_the_others_keep_their_attempts() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "event_types": ["bot.done"] })).await;
    receiver.is(Mood::Fails);
    ended_bot(&app).await;
    until_heard(&app, &receiver, 1).await;
    app.jump(6 * MINUTE);
    until_heard(&app, &receiver, 2).await;
    // Down. Many things happen meanwhile.
    for _ in 0..10 {
        ended_bot(&app).await;
    }
    app.jump(MINUTE);
    let before = receiver.heard().len();
    until_heard(&app, &receiver, before + 1).await;
    let deliveries =
        async || app.get(&path(&made, "deliveries/")).await.ok()["results"].as_array().unwrap().clone();
    let probed = app.wait_for("the probe is written down", async || {
        let all = deliveries().await;
        let tried: u64 = all.iter().map(|delivery| delivery["attempts"].as_u64().unwrap()).sum();
        (tried >= receiver.heard().len() as u64).then_some(all)
    });
    let probed = probed.await;
    let untouched = probed.iter().filter(|delivery| delivery["attempts"] == 0).count();
    assert!(untouched >= 8, "{untouched} of 10 keep their attempts");

    // A person who asks does not wait for the next probe.
    let test = app.post(&path(&made, "test/"), json!({})).await.ok();
    let heard = app.without_time("the test is tried", async || {
        let id = format!("msg_{}", test["event"].as_str().unwrap());
        receiver.heard().iter().any(|heard| heard.header("webhook-id") == id).then_some(())
    });
    heard.await;
    receiver.is(Mood::Fine);
    app.jump(MINUTE);
    until_all(&app, &made, "delivered").await;
}

#[tokio::test]
async fn who_switches_an_endpoint_off_is_told_to_the_others() {
    let app = app().await;
    let ((quiet, quiet_url), (witness, witness_url)) = (Receiver::start().await, Receiver::start().await);
    let made = endpoint(&app, &quiet_url, json!({ "description": "ours" })).await;
    endpoint(&app, &witness_url, json!({ "event_types": ["webhook_endpoint.disabled"] })).await;
    for _ in 0..2 {
        let off =
            app.call_as(&app.api_key, "PATCH", &path(&made, ""), json!({ "enabled": false })).await.ok();
        assert_eq!(off["state"], "disabled");
    }
    let told = until_heard(&app, &witness, 1).await[0].json()["data"].clone();
    assert_eq!(told["webhook_endpoint"], json!({ "id": made["id"], "description": "ours" }));
    let keys = app.get("/api/latchkey/v1/api-keys/").await.ok();
    assert_eq!(told["switched_off_by"]["api_key"], keys["results"][0]["id"]);
    ended_bot(&app).await;
    let listed = app.get(&format!("{EVENTS}?event_type=webhook_endpoint.disabled")).await.ok();
    assert_eq!(listed["results"].as_array().unwrap().len(), 1, "once");
    assert!(quiet.heard().is_empty());
}

#[tokio::test]
async fn while_secrets_are_replaced_under_load_one_of_two_verifies_each_message() {
    const EVENTS_BETWEEN: usize = 60;
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "event_types": ["bot.done"] })).await;
    let workspace = app.workspace().await;
    let happens = async |count: usize| {
        for _ in 0..count {
            let (id, data) = (EventId::generate(&app.env), json!({}));
            let event = NewEvent::other(id, workspace, ("bot.done", &id), &data, app.env.now());
            app.store.add_event(&event).await.unwrap();
        }
    };
    let mut secrets = vec![made["secret"].as_str().unwrap().to_owned()];
    let mut heard_before = Vec::new();
    for _ in 0..4 {
        let rotation = path(&made, "rotate-secret/");
        let ((), rotated) =
            tokio::join!(happens(EVENTS_BETWEEN), app.post(&rotation, json!({ "overlap_seconds": 3600 })));
        heard_before.push(receiver.heard().len());
        secrets.push(rotated.ok()["secret"].as_str().unwrap().to_owned());
        happens(EVENTS_BETWEEN / 4).await;
    }
    until_all(&app, &made, "delivered").await;
    let heard = receiver.heard();
    assert_eq!(heard.len(), 4 * (EVENTS_BETWEEN + EVENTS_BETWEEN / 4), "each once");
    for (number, message) in heard.iter().enumerate() {
        // A receiver has the secret from before the last rotation, and the one that it made.
        let newest = heard_before.iter().filter(|before| number >= **before).count().max(1);
        let has = &secrets[newest - 1..=newest];
        assert!(has.iter().any(|secret| message.is_signed_by(secret, app.env.now())), "message {number}");
    }
}

#[tokio::test]
async fn a_token_link_that_refuses_is_told_once_with_how_often() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    endpoint(&app, &url, json!({ "event_types": ["token_link.refused"] })).await;
    let account = app.connect(app.zoom.host()).await;
    let link = app.path_of(&app.token_link(&account).await);
    let unsigned = async |path: &str| assert!(app.get(path).await.status >= 400);
    for _ in 0..3 {
        unsigned(&link).await;
    }
    // Who does not have the whole address causes nothing.
    unsigned(&format!("{}x", &link[..link.len() - 1])).await;
    app.links.refusals.tell().await;
    let told = until_heard(&app, &receiver, 1).await[0].json()["data"].clone();
    assert_eq!((&told["count"], &told["data"]["sub_code"]), (&json!(3), &json!("signature_missing")));
    assert!(link.contains(told["token_link"]["id"].as_str().unwrap()), "{told}");
    assert!(told["message"].as_str().unwrap().contains("webhook-*"), "{told}");

    for _ in 0..5 {
        unsigned(&link).await;
        app.links.refusals.tell().await;
    }
    // Another server, or this one after a start, has a memory of its own, and the same store.
    let another = app.another(&Plan { networks: &["127.0.0.0/8"], ..PLAN }).await;
    assert!(another.get(&link).await.status >= 400);
    another.links.refusals.tell().await;
    app.jump(11 * MINUTE);
    app.links.refusals.tell().await;
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[1].json()["data"]["count"], 5);
}

#[tokio::test]
async fn of_an_endless_answer_the_beginning_is_kept() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    receiver.is(Mood::Gushes);
    let made = endpoint(&app, &url, json!({ "event_types": "bot.done" })).await;
    ended_bot(&app).await;
    let [delivery] = &until_all(&app, &made, "delivered").await[..] else { panic!("one type, one event") };
    assert_eq!(delivery["answer"]["body"].as_str().unwrap().len(), 4096);
    assert_eq!(receiver.kinds(), ["bot.done"]);
}

#[tokio::test]
async fn a_receiver_that_was_down_for_a_day_hears_everything_once_and_in_order() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    receiver.is(Mood::Fails);
    let made = endpoint(&app, &url, json!({})).await;
    let bots = [ended_bot(&app).await, ended_bot(&app).await];
    for _ in 0..12 {
        app.jump(2 * HOUR);
        let before = receiver.heard().len();
        let looked = app.env.now();
        app.wait_for("a while has passed", async || {
            (receiver.heard().len() > before || app.env.now().since(looked) > Duration::from_secs(3))
                .then_some(())
        })
        .await;
    }
    let failed = receiver.heard().len();
    receiver.is(Mood::Fine);
    app.jump(10 * HOUR);
    until_all(&app, &made, "delivered").await;
    let heard = receiver.heard().split_off(failed);
    assert_eq!(heard.len(), 4, "each once");
    for bot in bots {
        let of_bot = heard.iter().map(Heard::json).filter(|body| body["data"]["bot"]["id"] == *bot);
        let kinds: Vec<_> = of_bot.map(|body| body["event"].clone()).collect();
        assert_eq!(kinds, ["bot.call_ended", "bot.done"]);
    }
}

#[tokio::test]
async fn one_that_fails_for_five_days_is_switched_off_and_others_are_told() {
    let app = app().await;
    let ((dead, dead_url), (live, live_url)) = (Receiver::start().await, Receiver::start().await);
    dead.is(Mood::Fails);
    let made = endpoint(&app, &dead_url, json!({ "event_types": ["bot.done"] })).await;
    endpoint(&app, &live_url, json!({ "event_types": ["webhook_endpoint.disabled"] })).await;
    for _ in 0..20 {
        let before = dead.heard().len();
        ended_bot(&app).await;
        app.wait_for("one of both has heard", async || {
            (dead.heard().len() > before || !live.heard().is_empty()).then_some(())
        })
        .await;
        app.jump(12 * HOUR);
    }
    let told = until_heard(&app, &live, 1).await[0].json();
    assert_eq!(told["event"], "webhook_endpoint.disabled");
    assert_eq!(told["data"]["webhook_endpoint"]["id"], made["id"]);
    let found = app.get(&path(&made, "")).await.ok();
    assert_eq!(found["state"], "failed");
    let heard = dead.heard().len();
    ended_bot(&app).await;
    app.jump(12 * HOUR);
    assert_eq!(dead.heard().len(), heard, "it is left alone");

    dead.is(Mood::Fine);
    let on = app.call_as(&app.api_key, "PATCH", &path(&made, ""), json!({ "enabled": true })).await.ok();
    assert_eq!((&on["state"], &on["failing_since"]), (&json!("enabled"), &Value::Null));
    until_heard(&app, &dead, heard + 1).await;
}

#[tokio::test]
async fn both_secrets_sign_while_one_replaces_the_other() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "event_types": ["bot.done"] })).await;
    let old = made["secret"].as_str().unwrap().to_owned();
    let rotated = app.post(&path(&made, "rotate-secret/"), json!({})).await.ok();
    let new = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(rotated["former_secrets_end_at"], json!([(app.env.now() + 24 * HOUR).to_string()]));
    assert_eq!(app.get(&path(&made, "")).await.ok()["secret"], "********");

    ended_bot(&app).await;
    let heard = until_heard(&app, &receiver, 1).await;
    assert!(heard[0].is_signed_by(&old, app.env.now()) && heard[0].is_signed_by(&new, app.env.now()));
    app.jump(24 * HOUR);
    ended_bot(&app).await;
    let heard = until_heard(&app, &receiver, 2).await;
    assert!(!heard[1].is_signed_by(&old, app.env.now()) && heard[1].is_signed_by(&new, app.env.now()));

    // Of one that has leaked nothing is left.
    let own = "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDE=";
    let body = json!({ "overlap_seconds": 0, "secret": own });
    let rotated = app.post(&path(&made, "rotate-secret/"), body).await.ok();
    assert_eq!((&rotated["secret"], &rotated["former_secrets_end_at"]), (&json!(own), &json!([])));
    ended_bot(&app).await;
    let heard = until_heard(&app, &receiver, 3).await;
    assert!(!heard[2].is_signed_by(&new, app.env.now()) && heard[2].is_signed_by(own, app.env.now()));
}

#[tokio::test]
async fn an_endpoint_is_tested_and_told_again() {
    let app = app().await;
    ended_bot(&app).await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "event_types": ["bot.done"] })).await;
    let test = app.post(&path(&made, "test/"), json!({})).await.ok();
    let heard = until_heard(&app, &receiver, 1).await;
    assert_eq!(heard[0].header("webhook-id"), format!("msg_{}", test["event"].as_str().unwrap()));
    assert_eq!(heard[0].json()["event"], "webhook_endpoint.test");

    // It was never told of the first bot.
    let since = (app.env.now() - HOUR).to_string();
    let replayed = app.post(&path(&made, "replay/"), json!({ "since": since })).await.ok();
    assert_eq!(replayed["events"], 1);
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(heard[1].json()["event"], "bot.done");
    until_all(&app, &made, "delivered").await;
    let event = heard[1].header("webhook-id").strip_prefix("msg_").unwrap().to_owned();
    let retried = app.post(&path(&made, &format!("deliveries/{event}/retry/")), json!({})).await.ok();
    assert_eq!(retried["state"], "pending");
    let heard = until_heard(&app, &receiver, 3).await;
    assert_eq!(heard[2].body, heard[1].body);

    let wrong = json!({ "since": since, "until": since });
    let refused = app.post(&path(&made, "replay/"), wrong).await.refused();
    assert_eq!(refused, json!({ "until": ["It must be later than since."] }));
}

#[tokio::test]
async fn what_is_wrong_with_an_endpoint_is_said() {
    let app = app().await;
    let refused = async |body: Value| app.post(ENDPOINTS, body).await.refused();
    let closed = "This address may not be called: a public one needs https, a private one an entry in callbacks.allow_networks.";
    let no_url = "It must be an http or https URL without user and password.";
    for (url, words) in [
        ("ftp://example.com/", no_url),
        ("nonsense", no_url),
        ("https://ada:secret@example.com/", no_url),
        ("https://10.0.0.1/", closed),
        ("http://192.168.1.1/", closed),
    ] {
        assert_eq!(refused(json!({ "url": url })).await, json!({ "url": [words] }), "{url}");
    }
    let url = "http://127.0.0.1:9/";
    let wrong = refused(json!({ "url": url, "event_types": ["bot.don", "bot.ready"] })).await;
    let words = wrong["event_types"].as_array().unwrap();
    assert!(
        words[0].as_str().unwrap().contains("did you mean bot.done? There are: bot.joining_call, "),
        "{wrong}"
    );
    assert_eq!(words.len(), 2);
    let wrong = refused(json!({ "url": url, "event_types": ["*", "bot.done"] })).await;
    assert_eq!(wrong["event_types"][0], "\"*\" stands for every type: name it alone.");
    let wrong = refused(json!({ "url": url, "secret": "whsec_c2hvcnQ=" })).await;
    assert_eq!(wrong["secret"][0], "It must be whsec_ and the Base64 of 24 to 64 random bytes.");
    for _ in 0..50 {
        endpoint(&app, url, json!({ "enabled": false })).await;
    }
    let one_more = refused(json!({ "url": url })).await;
    assert_eq!(one_more["code"], "too_many_webhook_endpoints");

    let listed = app.get(ENDPOINTS).await.ok();
    let first = &listed["results"][0];
    let (masked, first) = (json!({ "url": "http://127.0.0.1/?********" }), path(first, ""));
    let wrong = app.call_as(&app.api_key, "PATCH", &first, masked).await.refused();
    assert!(wrong["url"][0].as_str().unwrap().starts_with("Give the whole address"), "{wrong}");
}

#[tokio::test]
async fn no_secret_is_shown_or_stored() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let secret = "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC0wMDAwMDAwMQ==";
    let made = endpoint(&app, &url, json!({ "secret": secret, "event_types": ["bot.done"] })).await;
    receiver.is(Mood::Echoes);
    // What the receiver answers holds its secret.
    let body = json!({ "meeting_url": "https://zoom.us/j/123456789", "metadata": { "s": &secret[6..] } });
    let bot = app.bot(body).await;
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    let deliveries = until_all(&app, &made, "delivered").await;
    let answer = deliveries[0]["answer"].to_string();
    assert!(answer.contains("********") && !answer.contains(&secret[6..]), "{answer}");
    let shown = app.get(ENDPOINTS).await.text + &app.get(&path(&made, "")).await.text;
    assert!(shown.contains("?********") && !shown.contains("planted"), "{shown}");
    let stored = app.bytes_of_the_store();
    let stored = String::from_utf8_lossy(&stored);
    assert!(!stored.contains("planted-in-the-query") && !stored.contains(secret));
}

#[tokio::test]
async fn an_account_that_needs_consent_is_told_of_once() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    endpoint(&app, &url, json!({})).await;
    let account = app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    until_heard(&app, &receiver, 1).await;
    let gone = app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    assert_eq!(gone.status, 204);
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(receiver.kinds(), ["zoom_oauth_credential.healthy", "zoom_oauth_credential.disconnected"]);
    let data = &heard[1].json()["data"];
    assert_eq!(data["zoom_oauth_credential"]["id"], *account);
    assert_eq!(
        (&data["data"]["sub_code"], &data["advice"]),
        (&json!("asked"), &json!("connect the Zoom account again"))
    );
}

/// Disconnects an account; the link in the event that says so leads its owner back.
pub(crate) async fn reconnect_link(app: &TestApp, account: &str) -> String {
    let (receiver, url) = Receiver::start().await;
    endpoint(app, &url, json!({ "event_types": ["zoom_oauth_credential.disconnected"] })).await;
    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    let heard = until_heard(app, &receiver, 1).await;
    app.path_of(heard[0].json()["data"]["connect_link"].as_str().unwrap())
}

/// A bot that is scheduled an hour ahead, to sign in with this account.
async fn scheduled_bot(app: &TestApp, account: &str) -> String {
    let bot = json!({ "meeting_url": "https://zoom.us/j/123456789", "join_at": app.env.now() + HOUR,
                      "zoom": { "credential": account } });
    app.bot(bot).await
}

#[tokio::test]
async fn an_account_says_what_is_at_stake_and_where_it_is_connected_again() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let made = endpoint(&app, &url, json!({ "event_types": ["zoom_oauth_credential.disconnected"] })).await;
    let account = app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    let other = app.connect(&app.zoom.user("bob@example.test", "Bob").await).await;
    let bot = scheduled_bot(&app, &account).await;
    scheduled_bot(&app, &other).await;
    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    let heard = until_heard(&app, &receiver, 1).await;
    assert!(heard[0].is_signed_by(made["secret"].as_str().unwrap(), app.env.now()));
    let data = heard[0].json()["data"].clone();
    assert_eq!((&data["at_stake"]["count"], &data["at_stake"]["bots"][0]["id"]), (&json!(1), &json!(bot)));

    let link = app.path_of(data["connect_link"].as_str().unwrap());
    let shown = app.get(&path(&made, "deliveries/")).await.text + &app.get(EVENTS).await.text;
    assert!(!shown.contains("reconnect"), "the link is for who is told: {shown}");
    let opened = app.get(&link).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    assert!(opened.text.contains("asks to connect the Zoom account of Ada"), "{}", opened.text);
    let (location, _) = app.begin_consent(&link).await;
    assert!(location.contains("/oauth/authorize"), "{location}");
    for wrong in ["/oauth/zoom/reconnect", &link[..link.len() - 4], &*link.replace(&account, &other)] {
        assert_eq!(app.get(wrong).await.status, 404, "{wrong}");
    }
    app.jump(8 * 24 * HOUR);
    assert_eq!(app.get(&link).await.status, 404, "its time is over");
}

#[tokio::test]
async fn slack_is_sent_text_for_people() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    let url = url.replace("/hook?token=planted-in-the-query", "/services/T0PLANTED/B0PLANTED/PLANTED");
    let made = endpoint(&app, &url, json!({ "kind": "slack" })).await;
    assert!(made["url"].as_str().unwrap().ends_with("/services/********/********/********"), "{made}");
    assert!(!made["secret"].as_str().unwrap().starts_with("whsec_"), "nothing is signed");
    let account = app.connect(&app.zoom.user("ada@example.test", "<!channel> Ada").await).await;
    scheduled_bot(&app, &account).await;
    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    let heard = until_heard(&app, &receiver, 1).await;
    assert!(!heard[0].headers.contains_key("webhook-signature"));
    let text = heard[0].json()["text"].as_str().unwrap().to_owned();
    for part in [
        "*The Zoom account &lt;!channel&gt; Ada is disconnected*",
        "At stake: 1 bot is scheduled",
        "Connect it: http",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let shown = app.get(ENDPOINTS).await.text + &app.get(&path(&made, "deliveries/")).await.text;
    assert!(!shown.contains("PLANTED"), "{shown}");
    for field in [
        json!({ "secret": "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC0wMDAwMDAwMQ==" }),
        json!({ "svix_headers": true }),
    ] {
        let mut body = json!({ "url": url, "kind": "slack" });
        body.as_object_mut().unwrap().extend(field.as_object().unwrap().clone());
        app.post(ENDPOINTS, body).await.refused();
    }
    app.post(ENDPOINTS, json!({ "url": url, "kind": "pager" })).await.refused();
}

#[tokio::test]
async fn a_pool_that_fills_up_is_told_as_it_comes_to_that() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    endpoint(&app, &url, json!({ "event_types": ["pool.nearly_full", "pool.full"] })).await;
    let account = app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    let pool = json!({ "name": "takers", "members": [{ "credential": account, "max_joins": 5 }] });
    let pool: PoolId =
        app.post("/api/latchkey/v1/pools/", pool).await.created()["id"].as_str().unwrap().parse().unwrap();
    let (workspace, now) = (app.workspace().await, app.env.now());
    for holder in ["1", "2", "3", "4", "4", "5", "6"] {
        let request = SeatRequest {
            id: SeatId::generate(&app.env),
            pool,
            meeting: Some(format!("9876543210{holder}").parse().unwrap()),
            holder,
            hosting: false,
            host: None,
            without: &[],
            now,
            until: now + HOUR,
        };
        app.store.take_seat(workspace, &request).await.unwrap();
    }
    let heard = until_heard(&app, &receiver, 2).await;
    assert_eq!(receiver.kinds(), ["pool.nearly_full", "pool.full"]);
    let data = &heard[1].json()["data"];
    assert_eq!(
        (&data["pool"]["name"], &data["seats"], &data["taken"]),
        (&json!("takers"), &json!(5), &json!(5))
    );
}

#[tokio::test]
async fn a_server_whose_clock_is_off_says_so_once() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    endpoint(&app, &url, json!({ "event_types": ["clock.off"] })).await;
    // Zoom's clock goes two minutes ahead, and something asks Zoom.
    app.zoom.control("POST", "clock", json!({ "advance_seconds": 120 })).await;
    app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    let heard = until_heard(&app, &receiver, 1).await;
    assert!(heard[0].json()["data"]["message"].is_string(), "{}", heard[0].body);
    app.pass(5 * MINUTE).await;
    assert_eq!(receiver.kinds(), ["clock.off"]);
}

#[tokio::test]
async fn events_are_asked_for_from_any_number() {
    let app = app().await;
    let bot = ended_bot(&app).await;
    ended_bot(&app).await;
    let page = app.get(EVENTS).await.ok();
    let numbers = |page: &Value| {
        page["results"].as_array().unwrap().iter().map(|event| event["sequence"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((numbers(&page), &page["next"]), (vec![json!(1), json!(2), json!(3), json!(4)], &Value::Null));
    assert_eq!(page["results"][1]["body"]["event"], "bot.done");
    assert_eq!(numbers(&app.get(&format!("{EVENTS}?after=3")).await.ok()), [4]);
    assert_eq!(numbers(&app.get(&format!("{EVENTS}?event_type=bot.done")).await.ok()), [2, 4]);
    assert_eq!(numbers(&app.get(&format!("{EVENTS}?subject={bot}")).await.ok()), [1, 2]);
    let wrong = app.get(&format!("{EVENTS}?after=x")).await.refused();
    assert_eq!(wrong, json!({ "after": ["It must be the number of an event, or 0."] }));
}

#[tokio::test]
async fn events_are_followed_and_taken_up_where_they_broke_off() {
    let app = TestApp::build(&Plan { public_base: None, ..PLAN }).await;
    #[expect(clippy::disallowed_methods, reason = "a plain client, as a caller has one")]
    let client = reqwest::Client::new();
    let follow = async |last: &str| {
        let request = client
            .get(app.address(EVENTS))
            .header(header::AUTHORIZATION, format!("Token {}", app.api_key))
            .header(header::ACCEPT, "text/event-stream")
            .header("last-event-id", last);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
        Box::pin(answer.bytes_stream().map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap()))
    };
    ended_bot(&app).await;
    let mut stream = follow("1").await;
    let second = stream.next().await.unwrap();
    assert!(second.starts_with("id: 2\nevent: bot.done\ndata: {"), "{second}");
    let (third, _) = tokio::join!(stream.next(), ended_bot(&app));
    let third = third.unwrap();
    assert!(third.starts_with("id: 3\n"), "{third}");
    drop(stream);
    let mut stream = follow("3").await;
    let fourth = stream.next().await.unwrap();
    assert!(fourth.starts_with("id: 4\n"), "{fourth}");
}
