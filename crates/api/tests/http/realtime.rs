//! Real-time endpoints: receivers on this machine that get the events of a meeting. Here the test writes the events, like a
//! server that runs the bot; `tests/bots` has a test with the real SDK.

mod connections;
mod shapes;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{
        FromRequest as _, Request, State, WebSocketUpgrade,
        ws::{self, WebSocket},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bots::BotRequest;
use hyper_util::rt::TokioIo;
use model::{
    Audio, BotId, BotStatus, ChatReceiver, LeaseToken, MeetingEvent, MeetingEventKind, MeetingEventsId,
    Participant, Secret, StatusChange,
};
use outbound::signature::{SignatureHeaders, SigningKey, verify};
use serde_json::{Value, json};
use store::{Bot, Lease, MeetingEventBatch};
use tenants::Cell;
use tokio::{io::AsyncWriteExt as _, sync::watch};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::task::TaskTracker;

use crate::{
    PLAN,
    test_app::{Plan, TestApp},
};

const MINUTE: Duration = Duration::from_secs(60);

/// How a receiver behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Fine,
    Fails,
    /// Accepts a connection and never reads from it.
    Deaf,
    /// Sends something that is not a valid message.
    Noisy,
    /// Closes the connection after the first event.
    Leaves,
    /// Sends something that is not a valid frame.
    Garbles,
    /// Sends a message of more than 64 KiB.
    Shouts,
}

struct Inner {
    mood: Mood,
    /// Headers and body of each request; for a WebSocket, headers of the connection and each frame.
    heard: Vec<(HeaderMap, String)>,
    connections: usize,
    /// Closes the open connections.
    hang_up: watch::Sender<()>,
}

#[derive(Clone)]
struct Receiver(Arc<Mutex<Inner>>);

impl Receiver {
    /// Starts a receiver. Returns it with its host and port.
    async fn start() -> (Self, String) {
        let hang_up = watch::Sender::new(());
        let inner = Inner { mood: Mood::Fine, heard: Vec::new(), connections: 0, hang_up };
        let receiver = Self(Arc::new(Mutex::new(inner)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route("/live", axum::routing::any(Self::connected))
            .fallback(Self::posted)
            .with_state(receiver.clone());
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        (receiver, host)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[expect(clippy::unused_async, reason = "a handler is a future")]
    async fn posted(State(receiver): State<Self>, headers: HeaderMap, body: String) -> StatusCode {
        receiver.with(|inner| {
            inner.heard.push((headers, body));
            if inner.mood == Mood::Fails { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::NO_CONTENT }
        })
    }

    async fn connected(State(receiver): State<Self>, request: Request) -> Response {
        let headers = request.headers().clone();
        let mood = receiver.with(|inner| {
            inner.connections += 1;
            inner.mood
        });
        if mood == Mood::Fails {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        if mood == Mood::Garbles {
            return garbled(request);
        }
        let upgrade = WebSocketUpgrade::from_request(request, &()).await.unwrap();
        upgrade.on_upgrade(move |socket| receiver.listen(socket, headers))
    }

    async fn listen(self, mut socket: WebSocket, headers: HeaderMap) {
        let (mood, mut hung_up) = self.with(|inner| (inner.mood, inner.hang_up.subscribe()));
        match mood {
            Mood::Deaf => return std::future::pending().await,
            Mood::Noisy => {
                for noise in ["", "{\"event\":", "\u{202e}garbage"] {
                    drop(socket.send(ws::Message::text(noise)).await);
                }
                drop(socket.send(ws::Message::binary(vec![0; 100])).await);
            }
            Mood::Shouts => drop(socket.send(ws::Message::binary(vec![0; 64 * 1024 + 1])).await),
            _ => {}
        }
        loop {
            let message = tokio::select! {
                message = socket.recv() => message,
                _ = hung_up.changed() => return,
            };
            let Some(Ok(message)) = message else { return };
            if let ws::Message::Text(text) = message {
                self.with(|inner| inner.heard.push((headers.clone(), text.to_string())));
                if mood == Mood::Leaves {
                    return;
                }
            }
        }
    }

    fn is(&self, mood: Mood) {
        self.with(|inner| inner.mood = mood);
    }

    fn bodies(&self) -> Vec<Value> {
        self.with(|inner| inner.heard.iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect())
    }

    /// The numbers of the received events, in order of arrival.
    fn numbers(&self) -> Vec<u64> {
        self.bodies().iter().map(|body| body["latchkey_sequence"].as_u64().unwrap()).collect()
    }
}

/// Upgrades a connection, but does not speak WebSocket on it.
fn garbled(mut request: Request) -> Response {
    let accept = derive_accept_key(request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes());
    let upgraded = hyper::upgrade::on(&mut request);
    TaskTracker::new().spawn(async move {
        let mut connection = TokioIo::new(upgraded.await.unwrap());
        // Reserved bits, and an undefined opcode.
        connection.write_all(&[0xf3, 0x7f, 0xff, 0xff]).await.unwrap();
        std::future::pending::<()>().await;
    });
    let answer = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept);
    answer.body(Body::empty()).unwrap()
}

async fn app() -> TestApp {
    TestApp::build(&Plan { networks: &["127.0.0.0/8"], ..PLAN }).await
}

fn person(id: u32, name: &str) -> Participant {
    Participant {
        id,
        guid: format!("G{id}"),
        name: name.into(),
        is_host: id == 1,
        is_co_host: false,
        is_guest: None,
        audio: Audio::Computer,
        muted: Some(false),
        hand_raised: false,
        records: false,
        is_our_bot: false,
    }
}

/// A bot that another server runs: the test plays that server.
struct Running<'a> {
    app: &'a TestApp,
    bot: Bot,
    lease: Lease,
    last: u64,
}

impl<'a> Running<'a> {
    async fn start(app: &'a TestApp, endpoints: Value) -> Self {
        let config = json!({
            "realtime_endpoints": endpoints, "transcript": { "provider": { "meeting_captions": {} } },
        });
        let request = json!({
            "meeting_url": "https://zoom.us/j/123456789", "metadata": { "customer": "42" },
            "recording_config": config,
        });
        let id: BotId = app.bot(request).await.parse().unwrap();
        let now = app.env.now();
        let token = LeaseToken::generate(&app.env);
        let leased = app.store.lease_due_bots(&[token], now, now, now + 1000 * MINUTE).await.unwrap();
        let (bot, lease) = leased.into_iter().find(|(bot, _)| bot.id == id).unwrap();
        let request = BotRequest::open(&app.broker.vault, bot.workspace, bot.id, &bot.request).unwrap();
        let endpoints: Vec<_> =
            request.objects.realtime_endpoints.iter().map(|it| it.new_row(&bot)).collect();
        app.store.add_realtime_endpoints(&lease, &endpoints).await.unwrap();
        let running = Self { app, bot, lease, last: 0 };
        running.step(BotStatus::JoiningCall).await;
        running.step(BotStatus::InCallNotRecording).await;
        running
    }

    async fn step(&self, code: BotStatus) {
        let step = StatusChange { code, sub_code: None, message: None, created_at: self.app.env.now() };
        self.app.store.record_step(self.bot.id, &self.lease, &step).await.unwrap();
    }

    /// These events happen in the meeting, and are stored in one batch.
    async fn happens(&mut self, happened: impl IntoIterator<Item = MeetingEventKind>) {
        let (env, vault) = (&self.app.env, &self.app.broker.vault);
        let first = self.last + 1;
        let events: Vec<_> = happened
            .into_iter()
            .map(|what| {
                self.last += 1;
                MeetingEvent { number: self.last, at: env.now(), what }
            })
            .collect();
        let id = MeetingEventsId::generate(env);
        let text = Secret::new(serde_json::to_string(&events).unwrap());
        let batch = MeetingEventBatch {
            id,
            bot: self.bot.id,
            workspace: self.bot.workspace,
            first,
            last: self.last,
            events: vault.seal(self.bot.workspace, Cell::MeetingEvents(id), &text),
            captions: None,
            kept_for: 100_000 * MINUTE,
        };
        self.app.store.append_meeting_events(&self.lease, &batch, env.now()).await.unwrap();
    }

    async fn join(&mut self, id: u32) {
        self.happens([MeetingEventKind::Join { participant: person(id, "Zoë") }]).await;
    }

    async fn ends(&self) {
        self.step(BotStatus::CallEnded).await;
        self.step(BotStatus::Done).await;
    }
}

async fn until_numbers(app: &TestApp, receiver: &Receiver, expected: &[u64]) {
    let what = format!("the receiver has received {expected:?}");
    app.wait_for(&what, async || {
        let numbers = receiver.numbers();
        (numbers.len() >= expected.len()).then_some(())
    })
    .await;
    assert_eq!(receiver.numbers(), expected);
}

/// Every endpoint of the bot, once all of them are in this state.
async fn until_state(running: &Running<'_>, state: &str) {
    let path = format!("/api/latchkey/v1/bot/{}/realtime-endpoints/", running.bot.id);
    running
        .app
        .wait_for(&format!("endpoints are {state}"), async || {
            let listed = running.app.get(&path).await.ok();
            listed["results"].as_array()?.iter().all(|endpoint| endpoint["state"] == state).then_some(())
        })
        .await;
}

async fn is_signed(app: &TestApp, headers: &HeaderMap, body: &str) -> bool {
    let secret = app.get("/api/latchkey/v1/callback-secret/").await.ok();
    let key = SigningKey::parse(&Secret::new(secret["secret"].as_str().unwrap())).unwrap();
    let header = |name: &str| headers[name].to_str().unwrap();
    let headers = SignatureHeaders {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    verify(&[key], headers, body.as_bytes(), app.env.now()).is_ok()
}

fn endpoint(kind: &str, host: &str, events: &[&str]) -> Value {
    let url = if kind == "webhook" {
        format!("http://{host}/hook?token=planted-in-the-query")
    } else {
        format!("ws://{host}/live?token=planted-in-the-query")
    };
    json!({ "type": kind, "url": url, "events": events, "metadata": { "of": kind } })
}

#[tokio::test]
async fn events_are_delivered_in_recalls_shape_signed_and_in_order() {
    let app = app().await;
    for kind in ["webhook", "websocket"] {
        let (receiver, host) = Receiver::start().await;
        let events = ["participant_events.join", "participant_events.chat_message", "transcript.data"];
        let mut running = Running::start(&app, json!([endpoint(kind, &host, &events)])).await;
        let (participant, began_at) = (person(7, "Zoë"), app.env.now());
        let caption = |is_final| MeetingEventKind::Caption {
            participant: participant.clone(),
            caption: "C1".into(),
            text: "Good morning".into(),
            language: 0,
            began_at,
            is_final,
        };
        running
            .happens([
                MeetingEventKind::BotEntered { room: None },
                MeetingEventKind::Join { participant: participant.clone() },
                MeetingEventKind::SpeechOn { participant: participant.clone() },
                MeetingEventKind::ChatMessage {
                    participant: participant.clone(),
                    to: ChatReceiver::Everyone,
                    text: "<b>hello</b>".into(),
                    message: "M1".into(),
                },
                caption(false),
                caption(true),
            ])
            .await;
        until_numbers(&app, &receiver, &[2, 4, 6]).await;
        let [join, chat, said] = &receiver.bodies()[..] else { panic!("three") };
        assert_eq!(join["event"], "participant_events.join");
        let bot = json!({ "id": running.bot.id, "metadata": { "customer": "42" } });
        let about = &join["data"];
        assert_eq!((&about["bot"], &about["realtime_endpoint"]["metadata"]), (&bot, &json!({ "of": kind })));
        assert_eq!(about["data"]["participant"]["name"], "Zoë");
        assert_eq!(about["data"]["data"], Value::Null);
        assert!(
            about["data"]["timestamp"]["absolute"].is_string()
                && about["participant_events"]["id"].is_string()
        );
        assert_eq!(chat["data"]["data"]["data"], json!({ "text": "<b>hello</b>", "to": "everyone" }));
        assert_eq!(said["event"], "transcript.data");
        let words = &said["data"]["data"]["words"];
        assert_eq!((&words[0]["text"], words.as_array().unwrap().len()), (&json!("Good morning"), 1));
        assert_eq!(said["data"]["data"]["language_code"], "en");
        assert!(said["data"]["transcript"]["id"].is_string());

        let (headers, body) = receiver.with(|inner| inner.heard[0].clone());
        // The signature of an upgrade covers an empty body.
        let signed = if kind == "webhook" { body.as_str() } else { "" };
        assert!(is_signed(&app, &headers, signed).await);
        assert!(headers["webhook-id"].to_str().unwrap().starts_with("msg_elsewhere_"), "no link accepts it");

        let bot = app.look_at(&running.bot.id.to_string()).await;
        let recording = &bot["recordings"][0]["realtime_endpoints"];
        assert_eq!(
            *recording,
            json!([{ "id": about["realtime_endpoint"]["id"], "metadata": { "of": kind } }])
        );
        until_state(&running, "running").await;
        running.ends().await;
        until_state(&running, "done").await;
        assert_eq!(receiver.numbers(), [2, 4, 6], "each event once");
        let told = app.get("/api/latchkey/v1/events/?event_type=realtime_endpoint.done").await.ok();
        let last = told["results"].as_array().unwrap().last().unwrap();
        assert_eq!(last["body"]["data"]["realtime_endpoint"]["id"], about["realtime_endpoint"]["id"]);
    }
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("latchkey_realtime_attempts_total{outcome=\"delivered\"} 6"), "{metrics}");
}

#[tokio::test]
async fn a_receiver_that_was_down_gets_every_event_once_and_in_order() {
    let app = app().await;
    for kind in ["webhook", "websocket"] {
        let (receiver, host) = Receiver::start().await;
        let mut running =
            Running::start(&app, json!([endpoint(kind, &host, &["participant_events.join"])])).await;
        running.join(1).await;
        until_numbers(&app, &receiver, &[1]).await;
        until_state(&running, "running").await;
        receiver.with(|inner| inner.heard.clear());
        receiver.is(Mood::Fails);
        receiver.with(|inner| inner.hang_up.send_replace(()));
        for id in 2..=100 {
            running.join(id).await;
        }
        if kind == "webhook" {
            app.wait_for("it has failed", async || (receiver.numbers().len() > 1).then_some(())).await;
            assert!(receiver.numbers().iter().all(|number| *number == 2), "the later events wait behind it");
        } else {
            let refused = async || (receiver.with(|inner| inner.connections) > 1).then_some(());
            app.wait_for("it was refused", refused).await;
            assert!(receiver.numbers().is_empty());
        }
        receiver.with(|inner| (inner.mood, inner.heard) = (Mood::Fine, Vec::new()));
        let rest: Vec<u64> = (2..=100).collect();
        until_numbers(&app, &receiver, &rest).await;
        running.ends().await;
        until_state(&running, "done").await;
    }
}

#[tokio::test]
async fn a_new_connection_continues_where_the_broken_one_was_read() {
    let app = app().await;
    let (receiver, host) = Receiver::start().await;
    let mut running =
        Running::start(&app, json!([endpoint("websocket", &host, &["participant_events.join"])])).await;
    receiver.is(Mood::Leaves);
    running.happens((1..=5).map(|id| MeetingEventKind::Join { participant: person(id, "Zoë") })).await;
    app.wait_for("it has left", async || (receiver.numbers().len() == 1).then_some(())).await;
    receiver.is(Mood::Fine);
    // Events that it read without acknowledging them are sent again with the same number: no gap, and a detectable
    // duplicate.
    until_numbers(&app, &receiver, &[1, 1, 2, 3, 4, 5]).await;
    assert!(receiver.with(|inner| inner.connections) >= 2);
}

#[tokio::test]
async fn noise_is_ignored_and_a_stalled_receiver_delays_no_other() {
    let app = app().await;
    let (noisy, noisy_host) = Receiver::start().await;
    let (deaf, deaf_host) = Receiver::start().await;
    noisy.is(Mood::Noisy);
    deaf.is(Mood::Deaf);
    let events = ["participant_events.join"];
    let endpoints = [&deaf_host, &noisy_host].map(|host| endpoint("websocket", host, &events));
    let mut running = Running::start(&app, json!(endpoints)).await;
    for id in 1..=3 {
        running.join(id).await;
    }
    until_numbers(&app, &noisy, &[1, 2, 3]).await;
    // What it does not read within half a minute is sent again through another connection.
    deaf.is(Mood::Fine);
    app.jump(Duration::from_secs(31));
    until_numbers(&app, &deaf, &[1, 2, 3]).await;
    assert_eq!(deaf.with(|inner| inner.connections), 2);
    running.ends().await;
    until_state(&running, "done").await;
}

#[tokio::test]
async fn an_endpoint_that_fails_for_a_day_is_given_up_and_reported() {
    let app = app().await;
    let (receiver, host) = Receiver::start().await;
    receiver.is(Mood::Fails);
    let mut running =
        Running::start(&app, json!([endpoint("webhook", &host, &["participant_events.join"])])).await;
    running.join(1).await;
    app.wait_for("it has failed", async || (!receiver.numbers().is_empty()).then_some(())).await;
    app.jump(24 * 60 * MINUTE);
    until_state(&running, "failed").await;
    let told = app.get("/api/latchkey/v1/events/?event_type=realtime_endpoint.failed").await.ok();
    let data = &told["results"][0]["body"]["data"]["data"];
    assert_eq!(
        (&data["code"], &data["error"]["message"]),
        (&json!("failed"), &json!("the answer is HTTP 500"))
    );
    assert!(!told.to_string().contains("planted"), "its address is not shown");
}

#[tokio::test]
async fn an_address_is_checked_before_there_is_a_bot() {
    let app = TestApp::build(&PLAN).await;
    for (kind, url) in [
        ("webhook", "https://127.0.0.1/"),
        ("websocket", "wss://127.0.0.1/"),
        ("websocket", "wss://[::1]/"),
        ("webhook", "wss://example.com/"),
        ("websocket", "https://example.com/"),
        ("websocket", "ws://user:pass@example.com/"),
        ("webhook", "https://user@example.com/"),
    ] {
        let endpoint = json!({ "type": kind, "url": url, "events": ["participant_events.join"] });
        let request = json!({
            "meeting_url": "https://zoom.us/j/123456789",
            "recording_config": { "realtime_endpoints": [endpoint] },
        });
        let refused = app.post("/api/v1/bot/", request).await.refused();
        assert!(refused["recording_config"]["realtime_endpoints"][0]["url"].is_array(), "{url}: {refused}");
    }
}

#[tokio::test]
async fn only_keys_that_may_change_bots_see_an_address() {
    let app = app().await;
    let (_, host) = Receiver::start().await;
    let running =
        Running::start(&app, json!([endpoint("webhook", &host, &["participant_events.join"])])).await;
    let path = format!("/api/v1/bot/{}/", running.bot.id);
    assert!(app.get(&path).await.text.contains("planted-in-the-query"));
    let reader = app.key_with("read").await;
    for path in [path, format!("/api/latchkey/v1/bot/{}/realtime-endpoints/", running.bot.id)] {
        let shown = app.call_as(&reader, "GET", &path, Value::Null).await;
        assert!(shown.status == 200 && !shown.text.contains("planted"), "{}", shown.text);
    }
}
