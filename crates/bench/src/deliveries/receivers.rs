//! Receivers of events. Each has an address of its own, as in practice.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context as _, ensure};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use model::{Environment, Timestamp};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, JoinSet},
};

/// Timeout without a new delivery.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// The deliveries that have arrived.
#[derive(Default)]
pub(crate) struct Heard {
    /// Distinct deliveries: the receiver, and the event's id.
    ids: HashSet<(usize, String)>,
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
    /// Duplicate deliveries.
    twins: u64,
}

impl Heard {
    pub(crate) fn count(&self) -> u64 {
        self.ids.len() as u64
    }
}

/// Receivers on loopback.
pub(crate) struct Receivers {
    pub(crate) urls: Vec<String>,
    heard: watch::Receiver<Heard>,
    env: Environment,
    _tasks: JoinSet<()>,
    /// Accepts connections and never answers.
    _silent: Option<TcpListener>,
}

#[derive(Clone)]
struct Receiver {
    number: usize,
    heard: watch::Sender<Heard>,
    env: Environment,
}

impl Receivers {
    /// Starts receivers that answer, and one that does not if `one_is_dead`.
    pub(crate) async fn start(
        answering: usize,
        one_is_dead: bool,
        env: &Environment,
    ) -> anyhow::Result<Self> {
        let (sender, heard) = watch::channel(Heard::default());
        let (mut urls, mut tasks) = (Vec::new(), JoinSet::new());
        for number in 0..answering {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            urls.push(format!("http://{}/", listener.local_addr()?));
            let receiver = Receiver { number, heard: sender.clone(), env: env.clone() };
            let router = Router::new().fallback(hear).with_state(receiver);
            let _: AbortHandle = tasks.spawn(async move {
                if let Err(error) = axum::serve(listener, router).await {
                    eprintln!("bench: a receiver failed: {error}");
                }
            });
        }
        let silent = if one_is_dead { Some(TcpListener::bind("127.0.0.1:0").await?) } else { None };
        if let Some(silent) = &silent {
            urls.push(format!("http://{}/", silent.local_addr()?));
        }
        Ok(Self { urls, heard, env: env.clone(), _tasks: tasks, _silent: silent })
    }

    /// Waits until this many deliveries have arrived, and returns the times of the first and the last.
    pub(crate) async fn wait_for(&mut self, count: u64) -> anyhow::Result<(Timestamp, Timestamp)> {
        loop {
            {
                let heard = self.heard.borrow_and_update();
                if heard.count() >= count {
                    ensure!(heard.twins == 0, "{} deliveries arrived twice", heard.twins);
                    return heard.first.zip(heard.last).context("there were no deliveries to wait for");
                }
            }
            let waited = self.env.clock.timeout(WAIT_TIMEOUT, self.heard.changed()).await;
            let so_far = || format!("no more deliveries after {} of {count}", self.heard.borrow().count());
            waited.with_context(so_far)??;
        }
    }
}

async fn hear(State(receiver): State<Receiver>, headers: HeaderMap) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let now = receiver.env.now();
    receiver.heard.send_modify(|heard| {
        if heard.ids.insert((receiver.number, id)) {
            heard.first.get_or_insert(now);
            heard.last = Some(now);
        } else {
            heard.twins += 1;
        }
    });
    StatusCode::NO_CONTENT
}
