//! Endpoints that receive events: a receiver on this machine that records requests and answers as configured.

mod alarms;
mod deliveries;
pub(crate) mod event_content;
mod failing_receivers;
mod lists;
mod settings;
mod stream;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    serve::Listener,
};
use model::{Secret, Timestamp};
use outbound::signature::{SignatureHeaders, SigningKey, verify};
use serde_json::{Value, json};
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
    /// It resets each new connection.
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

    /// Whether it was signed with `secret` at the time in its header.
    fn is_from_a_time_and_signed_by(&self, secret: &str) -> bool {
        let at = self.header("webhook-timestamp").parse().unwrap();
        self.is_signed_by(secret, Timestamp::from_second(at))
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

/// A listener that resets connections or accepts them.
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
            // The request has arrived: the connection succeeds, and the exchange fails afterwards.
            stream.readable().await.unwrap();
            stream.set_zero_linger().unwrap();
            self.receiver.1.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[derive(Clone)]
struct Receiver(Arc<Mutex<(Mood, Vec<Heard>)>>, Arc<AtomicUsize>);

impl Receiver {
    /// A receiver that answers 204, and its address.
    async fn start() -> (Self, String) {
        let receiver = Self(Arc::new(Mutex::new((Mood::Fine, Vec::new()))), Arc::default());
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

    /// The number of requests and of reset connections.
    fn taken(&self) -> usize {
        self.heard().len() + self.1.load(Ordering::SeqCst)
    }

    fn is(&self, mood: Mood) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = mood;
    }

    fn heard(&self) -> Vec<Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// The types of received events, in order.
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

/// A bot that is commanded to leave before it joins: it ends without a browser.
async fn ended_bot(app: &TestApp) -> String {
    let bot =
        app.bot(json!({ "meeting_url": "https://zoom.us/j/123456789", "metadata": { "a": "b" } })).await;
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    app.until(&bot, "done").await;
    bot
}

/// The received events, once there are this many. Each matches the OpenAPI document.
async fn until_heard(app: &TestApp, receiver: &Receiver, count: usize) -> Vec<Heard> {
    let heard = app
        .wait_for("the receiver has heard it", async || {
            let heard = receiver.heard();
            (heard.len() >= count).then_some(heard)
        })
        .await;
    let document = app.get("/openapi.json").await.ok();
    let body = json!({ "components": document["components"], "$ref": "#/components/schemas/EventBody" });
    let body = jsonschema::options().should_validate_formats(true).build(&body).unwrap();
    for said in heard.iter().map(Heard::json).filter(|said| said.get("event").is_some()) {
        let errors: Vec<_> = body.iter_errors(&said).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{said}: {errors:?}");
    }
    heard
}

/// The deliveries of an endpoint, once all of them are in this state.
async fn until_all(app: &TestApp, endpoint: &Value, state: &str) -> Vec<Value> {
    app.wait_for("deliveries are so far", async || {
        let listed = app.get(&path(endpoint, "deliveries/")).await.ok();
        let all = listed["results"].as_array().unwrap().clone();
        (!all.is_empty() && all.iter().all(|delivery| delivery["state"] == state)).then_some(all)
    })
    .await
}
