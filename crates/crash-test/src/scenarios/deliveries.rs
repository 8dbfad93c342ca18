//! A server is killed during a delivery. Every accepted event must still arrive.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use model::{Environment, KillPoint, Secret, Timestamp};
use outbound::signature::{SignatureHeaders, SigningKey, verify};
use serde_json::json;
use stage::text;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::{
    kill_points::{DIES_WITHIN, SIGKILL},
    world::World,
};

const ENDPOINTS: &str = "/api/latchkey/v1/webhook-endpoints/";
/// Several, so that some wait behind the first.
const EVENTS: usize = 5;
/// Longer than the dead server's lease on the endpoint.
const ARRIVES_WITHIN: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Part of the receiver's address, which must not leak.
const PLANTED: &str = "planted-in-the-address-of-a-receiver";

/// A receiver that records the id of each message, with the time and whether the signature is valid.
#[derive(Clone)]
struct Receiver {
    env: Environment,
    key: Arc<Mutex<Option<SigningKey>>>,
    heard: Arc<Mutex<Vec<(String, bool)>>>,
    /// Whether it answers 500; such messages do not count.
    fails: Arc<AtomicBool>,
}

impl Receiver {
    /// Starts a receiver on loopback, and returns its address.
    async fn start(env: &Environment) -> anyhow::Result<(Self, String)> {
        let receiver =
            Self { env: env.clone(), key: Arc::default(), heard: Arc::default(), fails: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/events?token={PLANTED}", listener.local_addr()?);
        let router = Router::new().fallback(Self::hear).with_state(receiver.clone());
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        Ok((receiver, url))
    }

    #[expect(clippy::unused_async, reason = "a handler is a future")]
    async fn hear(State(receiver): State<Self>, headers: HeaderMap, body: String) -> StatusCode {
        if receiver.fails.load(Ordering::SeqCst) {
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let signed = SignatureHeaders {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
        };
        let key = receiver.key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now: Timestamp = receiver.env.now();
        let is_genuine = key.is_some_and(|key| verify(&[key], signed, body.as_bytes(), now).is_ok());
        let id = header("webhook-id").trim_start_matches("msg_").to_owned();
        receiver.heard.lock().unwrap_or_else(PoisonError::into_inner).push((id, is_genuine));
        StatusCode::NO_CONTENT
    }

    fn heard(&self) -> Vec<(String, bool)> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Creates events, and kills the server at `point` of the first successful delivery.
pub(super) async fn run(world: &World, point: KillPoint) -> anyhow::Result<String> {
    let env = &world.fixture.env;
    let (receiver, url) = Receiver::start(env).await?;
    let server = world.serve(0, &[]).await?;
    let endpoint = server.post(ENDPOINTS, &json!({ "url": url })).await?;
    let (id, secret) = (text(&endpoint, "id")?.to_owned(), Secret::new(text(&endpoint, "secret")?));
    world.must_not_leak(PLANTED);
    world.must_not_leak(text(&endpoint, "secret")?.trim_start_matches("whsec_"));
    *receiver.key.lock().unwrap_or_else(PoisonError::into_inner) = SigningKey::parse(&secret);
    // The events are accepted while deliveries fail, so that the next server is killed at the first successful one.
    receiver.fails.store(true, Ordering::SeqCst);
    let promised = tests(&server, &id).await?;
    server.stop().await;
    receiver.fails.store(false, Ordering::SeqCst);

    let mut server = world.serve(0, &[("LATCHKEY_KILL_AT", point.name())]).await?;
    let signal = server.process.death(DIES_WITHIN, env).await?;
    ensure!(signal == Some(SIGKILL), "the server ended with signal {signal:?}");

    let server = world.serve(0, &[]).await?;
    let give_up = env.now() + ARRIVES_WITHIN;
    let all_here = || promised.iter().all(|id| receiver.heard().iter().any(|(heard, _)| heard == id));
    while !all_here() || !nothing_waits(&server, &id).await? {
        ensure!(
            env.now() < give_up,
            "events were lost: of {promised:?} the receiver got {:?}",
            receiver.heard()
        );
        env.clock.sleep(POLL_INTERVAL).await;
    }
    server.stop().await;

    let heard = receiver.heard();
    ensure!(heard.iter().all(|(_, is_genuine)| *is_genuine), "a signature is wrong");
    let (mut order, mut times) = (Vec::new(), BTreeMap::<_, usize>::new());
    for (id, _) in &heard {
        if !order.contains(id) {
            order.push(id.clone());
        }
        *times.entry(id.clone()).or_default() += 1;
    }
    ensure!(order == promised, "out of order: {order:?} instead of {promised:?}");
    let twins = times.values().filter(|times| **times > 1).count();
    let first = order.first().context("nothing arrived")?;
    match point {
        KillPoint::AfterDelivery | KillPoint::BeforeDeliveryCommit => {
            ensure!(
                twins == 1 && times[first] == 2,
                "only one answer was lost, but the receiver got {times:?}"
            );
        }
        _ => ensure!(twins == 0, "nothing was lost, but the receiver got {times:?}"),
    }
    Ok(format!("{} events arrived in order, {twins} of them twice, with the same id", promised.len()))
}

/// The ids of test events that are pending for the endpoint.
async fn tests(server: &stage::Server, endpoint: &str) -> anyhow::Result<Vec<String>> {
    let mut promised = Vec::new();
    for _ in 0..EVENTS {
        let sent = server.post(&format!("{ENDPOINTS}{endpoint}/test/"), &json!({})).await?;
        promised.push(text(&sent, "event")?.to_owned());
    }
    Ok(promised)
}

async fn nothing_waits(server: &stage::Server, endpoint: &str) -> anyhow::Result<bool> {
    let waiting = server.get(&format!("{ENDPOINTS}{endpoint}/deliveries/?state=pending")).await?;
    Ok(waiting["results"].as_array().is_none_or(Vec::is_empty))
}
