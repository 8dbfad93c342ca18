//! Live parts in the real Chromium: updates without a reload, and the notice when the server is unreachable.

use std::net::SocketAddr;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde_json::json;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    select,
    task::JoinHandle,
};

use crate::{
    PLAN,
    chromium::{chromium, signed_in},
    test_app::{Plan, TestApp},
};

const LIVE: Plan = Plan { public_base: None, manual: false, networks: &["127.0.0.0/8"], ..PLAN };

/// The connection between the browser and the server, until it is stopped.
struct Line {
    port: u16,
    to: SocketAddr,
    work: JoinHandle<()>,
}

async fn forward(listener: TcpListener, to: SocketAddr) {
    let mut open = FuturesUnordered::new();
    loop {
        select! {
            Ok((mut here, _)) = listener.accept() => open.push(async move {
                if let Ok(mut there) = TcpStream::connect(to).await {
                    let _ended = copy_bidirectional(&mut here, &mut there).await;
                }
            }),
            Some(()) = open.next() => {}
        }
    }
}

impl Line {
    async fn to(app: &TestApp) -> Self {
        let to: SocketAddr =
            app.address("").trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, to, work: Self::begin(listener, to) }
    }

    fn begin(listener: TcpListener, to: SocketAddr) -> JoinHandle<()> {
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(forward(listener, to))
    }

    /// Breaks its connections and refuses new ones.
    async fn stop(&mut self) {
        self.work.abort();
        let _ended = (&mut self.work).await;
    }

    async fn start(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.work = Self::begin(listener, self.to);
    }

    fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

#[tokio::test]
async fn a_page_says_that_it_is_not_up_to_date_while_the_server_is_unreachable() {
    let app = TestApp::build(&LIVE).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path(), &app.zoom).await;
    let page = signed_in(&app, &browser).await;
    let mut line = Line::to(&app).await;
    page.go(&line.address("/accounts")).await.unwrap();
    page.wait_for("#live").await.unwrap();
    page.wait_for("#stale:empty").await.unwrap();
    line.stop().await;
    page.wait_for("#stale:not(:empty)").await.unwrap();
    let said = page.text("#stale").await.unwrap();
    assert!(said.starts_with("This page is not up to date"), "{said}");
    line.start().await;
    // Once the server is back, the page shows what happened meanwhile.
    let account = app.connect(app.zoom.host()).await;
    page.wait_for(&format!("#live a[href=\"/accounts/{account}\"]")).await.unwrap();
    page.wait_for("#stale:empty").await.unwrap();
    page.close().await;
    browser.close().await;
}

#[tokio::test]
async fn a_test_event_appears_on_its_endpoints_page_without_a_reload() {
    let app = TestApp::build(&LIVE).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = chromium(folder.path(), &app.zoom).await;
    let page = signed_in(&app, &browser).await;
    // Nothing listens there: the attempt fails immediately.
    let endpoint = json!({ "url": "http://127.0.0.1:1/hook" });
    let endpoint = app.post("/api/latchkey/v1/webhook-endpoints/", endpoint).await.created();
    page.go(&app.address(&format!("/events/{}", endpoint["id"].as_str().unwrap()))).await.unwrap();
    page.click("form[action$='/test'] button").await.unwrap();
    page.wait_for("[role=status]").await.unwrap();
    page.wait_for("#live td .state.warn").await.unwrap();
    page.close().await;
    browser.close().await;
}
