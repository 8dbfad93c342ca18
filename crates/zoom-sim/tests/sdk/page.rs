//! A page with Zoom's real SDK in a real Chromium, controlled by a test.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use browser::{Browser, BrowserConfig, PlainPage, ZoomOverride};
use model::Environment;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::support::socket::signature;
use crate::support::{App, RunningMeeting};

/// Longer than any step here takes, even while another build runs.
const WAIT_TIMEOUT: Duration = Duration::from_secs(40);
const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/node_modules/@zoom/meetingsdk/dist");

/// The test's channels, which the first WebSocket that opens takes.
type Line = Arc<Mutex<Option<(UnboundedSender<Value>, UnboundedReceiver<String>)>>>;

/// A page whose SDK is initialised.
pub(crate) struct Page {
    heard: UnboundedReceiver<Value>,
    orders: UnboundedSender<String>,
    /// Events that the test has not read yet.
    events: VecDeque<(String, Value)>,
    calls: u64,
    tab: PlainPage,
    _browser: Browser,
    _stop: DropGuard,
    _state: TempDir,
}

impl Page {
    /// Opens the page in the SDK's `view`. Only the gallery has buttons.
    pub(crate) async fn open(room: &RunningMeeting, view: &str) -> Self {
        let (tell, heard) = unbounded_channel();
        let (orders, told) = unbounded_channel();
        let stop = CancellationToken::new();
        let origin = serve(Arc::new(Mutex::new(Some((tell, told)))), &stop).await;

        let state = tempfile::tempdir().unwrap();
        let ready = room.zoom.simulator.ready();
        let zoom = ZoomOverride { address: ready.zoom_address.parse().unwrap(), spki: ready.spki.clone() };
        let config = BrowserConfig {
            chromium: "chromium".into(),
            sdk_dir: SDK.into(),
            state_dir: state.path().to_owned(),
            zoom_override: Some(zoom),
            sandbox: false,
            answer_within: Duration::from_secs(60),
        };
        let browser = Browser::launch(config, Environment::system()).await.unwrap();
        let tab = browser.open_plain(&format!("{origin}/?view={view}")).await.unwrap();
        let mut opened = Self {
            heard,
            orders,
            events: VecDeque::new(),
            calls: 0,
            tab,
            _browser: browser,
            _stop: stop.drop_guard(),
            _state: state,
        };
        opened.hears("ready").await;
        opened
    }

    /// Calls the SDK's `join` with a valid signature; `more` overrides its parameters. Returns the SDK's error if it
    /// rejects.
    pub(crate) async fn join(&mut self, room: &RunningMeeting, more: Value) -> Result<Value, Value> {
        let now = room.zoom.now().await;
        let claims = json!({"mn": room.number, "role": 0, "iat": now - 30, "exp": now + 7200});
        let App { id, .. } = &room.app;
        let mut request = json!({
            "signature": signature(&room.app, &claims), "sdkKey": id, "meetingNumber": room.number,
            "password": "", "userName": "Bot", "userEmail": "",
        });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.call(&format!("client.join({request})")).await
    }

    /// The next event of this name; others stay queued.
    pub(crate) async fn hears(&mut self, name: &str) -> Value {
        loop {
            if let Some(index) = self.events.iter().position(|(event, _)| event == name) {
                return self.events.remove(index).unwrap().1;
            }
            let message = self.next(name).await;
            self.keep(&message);
        }
    }

    /// The next event of this name that `wanted` accepts.
    pub(crate) async fn hears_that(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let value = self.hears(name).await;
            if wanted(&value) {
                return value;
            }
        }
    }

    /// Waits for a `user-updated` about `id` that has `field`, and returns the field's value.
    pub(crate) async fn hears_update(&mut self, id: u64, field: &str) -> Value {
        let entry = |value: &Value| {
            let entries = value.as_array().unwrap().iter();
            entries.filter(|entry| entry["userId"] == id).find_map(|entry| entry.get(field).cloned())
        };
        let value = self.hears_that("user-updated", |value| entry(value).is_some()).await;
        entry(&value).unwrap()
    }

    /// Evaluates an expression in the page; `Err` is the exception.
    pub(crate) async fn call(&mut self, source: &str) -> Result<Value, Value> {
        self.calls += 1;
        let call = self.calls;
        self.orders.send(json!({"call": call, "source": source}).to_string()).unwrap();
        loop {
            let message = self.next(source).await;
            if message["call"] != call {
                self.keep(&message);
            } else if let Some(error) = message.get("error") {
                return Err(error.clone());
            } else {
                return Ok(message["result"].clone());
            }
        }
    }

    /// Evaluates an expression until it is true.
    pub(crate) async fn until(&mut self, source: &str) {
        let again = async {
            while self.call(source).await.unwrap() != true {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, again)
            .await
            .unwrap_or_else(|_| panic!("did not become true: {source}"));
    }

    pub(crate) async fn screenshot(&self) -> Vec<u8> {
        self.tab.screenshot().await.unwrap()
    }

    async fn next(&mut self, what: &str) -> Value {
        let heard = tokio::time::timeout(WAIT_TIMEOUT, self.heard.recv()).await;
        heard
            .unwrap_or_else(|_| panic!("waited for {what}; unread: {:?}", self.events))
            .expect("the page has closed")
    }

    fn keep(&mut self, message: &Value) {
        if let Some(event) = message["event"].as_str() {
            self.events.push_back((event.to_owned(), message["value"].clone()));
        }
    }
}

/// A running meeting with `settings`, and a page that has joined it as "Bot".
pub(crate) async fn joined(settings: Value) -> (RunningMeeting, Page) {
    joined_in("minimized", settings).await
}

/// Like [`joined`], in another view.
pub(crate) async fn joined_in(view: &str, settings: Value) -> (RunningMeeting, Page) {
    let room = RunningMeeting::with(settings).await;
    let mut page = Page::open(&room, view).await;
    page.join(&room, json!({})).await.unwrap();
    (room, page)
}

async fn serve(line: Line, stop: &CancellationToken) -> String {
    assert!(Path::new(SDK).exists(), "Zoom's SDK is missing: run make sdk");
    let script = || async {
        ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("page.js")).into_response()
    };
    let mut site = Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .route("/page.js", get(script))
        .route("/line", get(open_line))
        .nest_service("/sdk", ServeDir::new(SDK))
        .with_state(line);
    // The SDK's decoders need `SharedArrayBuffer`.
    for (name, value) in
        [("cross-origin-opener-policy", "same-origin"), ("cross-origin-embedder-policy", "require-corp")]
    {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        site = site.layer(SetResponseHeaderLayer::overriding(name, value));
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let serving = async move { axum::serve(listener, site).await };
    TaskTracker::new().spawn(stop.clone().run_until_cancelled_owned(serving));
    origin
}

async fn open_line(State(line): State<Line>, upgrade: WebSocketUpgrade) -> Response {
    let (tell, orders) = line.lock().unwrap().take().expect("the page must open only one WebSocket");
    upgrade.on_upgrade(move |socket| relay(socket, tell, orders))
}

async fn relay(mut socket: WebSocket, tell: UnboundedSender<Value>, mut orders: UnboundedReceiver<String>) {
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(order) = order else { break };
                if socket.send(Message::text(order)).await.is_err() { break }
            }
            heard = socket.recv() => {
                let Some(Ok(heard)) = heard else { break };
                let Ok(text) = heard.to_text() else { continue };
                if let Ok(message) = serde_json::from_str(text) && tell.send(message).is_err() { break }
            }
        }
    }
}
