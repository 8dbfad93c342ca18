//! Fetches a token from a customer's server, which may be slow, wrong or hostile.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{StreamExt as _, stream};
use model::{Clock, Environment, ManualClock, Secret, SeededEntropy, Sleep, Timestamp, chain};
use outbound::{CallbackClient, CallbackError, NetworkGuard, Unreached, signature::SigningKey};
use standardwebhooks::Webhook;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.e30.planted-token-of-nobody";
const ATTEMPT: Duration = Duration::from_secs(5);

/// A clock on which pauses between attempts end at once. The time limit of an attempt does not.
struct WithoutPauses(ManualClock);

impl Clock for WithoutPauses {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        if span < ATTEMPT {
            self.0.advance(span);
            return Box::pin(std::future::ready(()));
        }
        self.0.sleep(span)
    }
}

/// One request, as the server saw it.
#[derive(Debug, Clone)]
struct Seen {
    target: String,
    headers: HeaderMap,
}

/// A customer's token server on loopback, and the client under test.
struct Table {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrived: Arc<Notify>,
    clock: Arc<WithoutPauses>,
    secret: String,
}

impl Table {
    /// A server that answers its first request with `answer(1)`, the next with `answer(2)`; `None` means that it never
    /// answers.
    async fn laid(answer: impl Fn(usize) -> Option<Response> + Clone + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, arrived) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::new(Notify::new()));
        let (noting, waking) = (Arc::clone(&seen), Arc::clone(&arrived));
        let app = Router::new().fallback(move |request: Request| {
            let number = {
                let mut seen = noting.lock().unwrap();
                seen.push(Seen { target: request.uri().to_string(), headers: request.headers().clone() });
                seen.len()
            };
            waking.notify_one();
            let answer = answer(number);
            async move {
                match answer {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            }
        });
        TaskTracker::new().spawn(async move { axum::serve(listener, app).await });
        // The public library's verifier uses the wall clock, so this clock starts at its time.
        let clock = Arc::new(WithoutPauses(ManualClock::new(Environment::system().now())));
        let secret = format!("whsec_{}", BASE64_STANDARD.encode("a secret for the callbacks"));
        Self { port, seen, arrived, clock, secret }
    }

    async fn saying(answer: impl IntoResponse + Clone + Send + Sync + 'static) -> Self {
        Self::laid(move |_| Some(answer.clone().into_response())).await
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/zak?bot=1&token=planted-secret", self.port)
    }

    /// Fetches `url`, with `networks` allowed by the operator. No message may contain the address.
    async fn fetch_from(&self, url: &str, networks: &[&str]) -> Result<String, CallbackError> {
        let env = Environment { clock: self.clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
        let guard = NetworkGuard::new(networks.iter().map(|net| net.parse().unwrap()).collect());
        let key = SigningKey::parse(&Secret::new(self.secret.as_str())).unwrap();
        let answer = CallbackClient::new(guard, env).unwrap().fetch(url, &[key]).await;
        if let Err(error) = &answer {
            // Its message goes to callers, its causes to the log.
            let (message, causes) = (error.to_string(), format!("{} {error:?}", chain(error)));
            assert!(!message.contains("127.0.0.1") && !message.contains("localhost"), "{message}");
            assert!(!message.contains("planted") && !causes.contains("planted"), "{message} {causes}");
        }
        answer.map(|token| token.expose().to_owned())
    }

    async fn fetch(&self) -> Result<String, CallbackError> {
        self.fetch_from(&self.url(), &["127.0.0.0/8"]).await
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_token_comes_back_and_the_request_is_signed() {
    let table = Table::saying(format!("  {TOKEN} \r\n")).await;
    assert_eq!(table.fetch().await.unwrap(), TOKEN);

    let [request] = &table.seen()[..] else { panic!("one request: {:?}", table.seen()) };
    assert_eq!(request.target, "/zak?bot=1&token=planted-secret", "exactly as it was given");
    assert!(
        !request.headers.contains_key(header::AUTHORIZATION) && !request.headers.contains_key(header::COOKIE)
    );
    Webhook::new(&table.secret).unwrap().verify(b"", &request.headers).unwrap();
    assert!(request.headers["webhook-id"].to_str().unwrap().starts_with("msg_"));
}

#[tokio::test]
async fn a_server_error_is_tried_three_times_under_one_id() {
    let table = Table::saying(StatusCode::INTERNAL_SERVER_ERROR).await;
    assert!(matches!(table.fetch().await, Err(CallbackError::Status(500))));
    let seen = table.seen();
    assert_eq!(seen.len(), 3);
    let values =
        |name| seen.iter().map(|one| one.headers[name].to_str().unwrap().to_owned()).collect::<Vec<_>>();
    let (ids, times) = (values("webhook-id"), values("webhook-timestamp"));
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(
        times.is_sorted() && times[0] < times[1] && times[1] < times[2],
        "each with its own time: {times:?}"
    );
    for request in &seen {
        Webhook::new(&table.secret).unwrap().verify(b"", &request.headers).unwrap();
    }
}

#[tokio::test]
async fn pauses_are_one_and_three_seconds_and_a_little() {
    let table = Table::saying(StatusCode::SERVICE_UNAVAILABLE).await;
    let began = table.clock.now();
    table.fetch().await.unwrap_err();
    let paused = table.clock.now().since(began);
    assert!((Duration::from_secs(4)..=Duration::from_secs(5)).contains(&paused), "{paused:?}");
}

#[tokio::test]
async fn transient_failures_are_retried() {
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE] {
        let table = Table::laid(move |number| {
            Some(if number < 3 { status.into_response() } else { TOKEN.into_response() })
        })
        .await;
        assert_eq!(table.fetch().await.unwrap(), TOKEN, "{status}");
    }
}

#[tokio::test]
async fn a_refusal_is_final() {
    for status in [400, 401, 403, 404, 409, 410, 204, 201] {
        let table = Table::saying(StatusCode::from_u16(status).unwrap()).await;
        assert!(matches!(table.fetch().await, Err(CallbackError::Status(it)) if it == status));
        assert_eq!(table.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let table =
            Table::saying((StatusCode::from_u16(status).unwrap(), [(header::LOCATION, "/elsewhere")])).await;
        assert!(matches!(table.fetch().await, Err(CallbackError::Redirect)));
        assert_eq!(table.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_a_token_is_reported_and_not_retried() {
    for (body, why) in [
        ("<!doctype html><p>Sign in", "HTML"),
        ("{\"token\":\"t\"}", "JSON"),
        ("[\"t\"]", "JSON"),
        ("\"t\"", "quotes"),
        ("undefined", "programs write"),
        ("zak=eyJ", "name=value"),
        ("unauthorized", "shorter"),
        ("", "empty"),
        (" \r\n", "empty"),
        ("two words", "one word"),
        ("two\nlines", "one word"),
        ("tökén", "one word"),
        ("nul\0", "one word"),
    ] {
        let table = Table::saying(body).await;
        match table.fetch().await {
            Err(CallbackError::NotAToken(said)) => assert!(said.contains(why), "{body:?}: {said}"),
            other => panic!("{body:?}: {other:?}"),
        }
        assert_eq!(table.seen().len(), 1, "{body:?}");
    }
    let table = Table::saying(Bytes::from_static(b"\xff\xfe")).await;
    assert!(matches!(table.fetch().await, Err(CallbackError::NotAToken("it is not text"))));
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit_and_no_further() {
    let longest = "t".repeat(16 * 1024);
    assert_eq!(Table::saying(longest.clone()).await.fetch().await.unwrap(), longest);
    let table = Table::saying(format!("{longest}t")).await;
    assert!(matches!(table.fetch().await, Err(CallbackError::NotAToken(_))));

    // This answer never ends: a reader without a limit would never return.
    let table = Table::laid(|_| {
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b't'; 1024])));
        Some(Body::from_stream(endless).into_response())
    })
    .await;
    assert!(matches!(table.fetch().await, Err(CallbackError::NotAToken(_))));
    assert_eq!(table.seen().len(), 1);
}

#[tokio::test]
async fn an_attempt_ends_after_five_seconds() {
    let table = Table::laid(|_| None).await;
    let (answer, ()) = tokio::join!(table.fetch(), async {
        for _ in 0..3 {
            table.arrived.notified().await;
            table.clock.0.advance(ATTEMPT);
        }
    });
    assert!(matches!(answer, Err(CallbackError::TooSlow)));
    assert_eq!(table.seen().len(), 3);
}

#[tokio::test]
async fn a_body_that_stalls_is_too_slow_as_well() {
    let table = Table::laid(|_| {
        let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"half a to"))]);
        Some(Body::from_stream(begun.chain(stream::pending())).into_response())
    })
    .await;
    let (answer, ()) = tokio::join!(table.fetch(), async {
        for _ in 0..3 {
            table.arrived.notified().await;
            table.clock.0.advance(ATTEMPT);
        }
    });
    assert!(matches!(answer, Err(CallbackError::TooSlow)));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_reported_with_the_reason() {
    let table = Table::saying(TOKEN).await;
    let vacant = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{vacant}/planted");
    let plain_behind_https = format!("https://127.0.0.1:{}/planted", table.port);
    for (url, reason) in [(url, Unreached::Refused), (plain_behind_https, Unreached::Tls)] {
        let answer = table.fetch_from(&url, &["127.0.0.0/8"]).await;
        let Err(error @ CallbackError::Unreachable { why, .. }) = &answer else { panic!("{answer:?}") };
        assert_eq!(*why, reason, "{error:?}");
    }
}

#[tokio::test]
async fn loopback_is_refused_unless_the_operator_allows_it() {
    let table = Table::saying(TOKEN).await;
    for scheme in ["http", "https"] {
        for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "127.1"]
        {
            let url = format!("{scheme}://{host}:{}/?token=planted-secret", table.port);
            assert!(matches!(table.fetch_from(&url, &[]).await, Err(CallbackError::Forbidden)), "{url}");
            assert!(
                matches!(table.fetch_from(&url, &["10.0.0.0/8"]).await, Err(CallbackError::Forbidden)),
                "{url}"
            );
        }
    }
    assert!(table.seen().is_empty());
    let by_name = format!("http://localhost:{}/", table.port);
    assert_eq!(table.fetch_from(&by_name, &["127.0.0.0/8"]).await.unwrap(), TOKEN);
}

#[tokio::test]
async fn the_public_internet_is_reached_with_tls_only() {
    let table = Table::saying(TOKEN).await;
    let url = "http://8.8.8.8/?token=planted-secret";
    assert!(matches!(table.fetch_from(url, &[]).await, Err(CallbackError::Forbidden)));
    for url in [
        "",
        "planted",
        "ftp://127.0.0.1/planted",
        "file:///planted",
        "data:,planted",
        "https://",
        "//8.8.8.8/",
        "https://planted:planted@8.8.8.8/",
    ] {
        assert!(matches!(table.fetch_from(url, &[]).await, Err(CallbackError::BadUrl)), "{url}");
    }
}
