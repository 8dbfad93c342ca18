//! How long a bot takes into a meeting and what it weighs, beside the smallest page that joins:
//! `cargo run -p browser --example measure`.
#![expect(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{collections::HashMap, fs, path::Path, time::Duration};

use axum::{
    Router,
    http::{HeaderName, HeaderValue},
    response::Html,
    routing::get,
};
use browser::PageEvent;
use model::{Environment, Timestamp};
use serde_json::json;
use support::{World, config, profiles, until};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

const ROUNDS: usize = 5;
/// Decoders go on loading after the join.
const SETTLED: Duration = Duration::from_secs(6);

#[tokio::main]
async fn main() {
    let bare = serve_bare_page().await;
    println!("round  open  join  both   warm join  bare page   (ms)");
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    for round in 1..=ROUNDS {
        let (open, join) = bot(&world, &meeting, Duration::ZERO).await;
        let (_, warm) = bot(&world, &meeting, Duration::from_secs(3)).await;
        let start = now();
        let page = world.browser.open_plain(&bare_address(&bare, &world, &meeting)).await.unwrap();
        page.wait_for("#joined").await.unwrap();
        let bare_join = millis(start);
        page.close().await;
        println!("{round:>5} {open:>5} {join:>5} {:>5} {warm:>11} {bare_join:>10}", open + join);
    }
    world.browser.close().await;

    println!("\nPSS of the whole browser (MB)");
    let world = World::new().await;
    println!("no page     {:>5}", pss(world.state.path()));
    let meeting = world.meeting(json!({})).await;
    let warm = world.browser.open().await.unwrap();
    settle().await;
    println!("1 warm page {:>5}", pss(world.state.path()));
    warm.close().await;
    let mut bots = Vec::new();
    for count in 1..=2 {
        bots.push(world.bot_in(&meeting, "Bot").await);
        settle().await;
        println!("{count} bots      {:>5}", pss(world.state.path()));
    }
    world.browser.close().await;
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let mut pages = Vec::new();
    for count in 1..=2 {
        let page = world.browser.open_plain(&bare_address(&bare, &world, &meeting)).await.unwrap();
        page.wait_for("#joined").await.unwrap();
        pages.push(page);
        settle().await;
        println!("{count} bare pages{:>5}", pss(world.state.path()));
    }
    world.browser.close().await;
}

/// Milliseconds of `open`, and from `join` to the meeting after the page has waited for `idle`.
async fn bot(world: &World, meeting: &str, idle: Duration) -> (u128, u128) {
    let start = now();
    let mut page = world.browser.open().await.unwrap();
    let open = millis(start);
    Environment::system().clock.sleep(idle).await;
    let start = now();
    page.join(world.request(meeting, "Bot", None)).await.unwrap();
    until(&mut page, |event| matches!(event, PageEvent::InMeeting { .. })).await;
    let join = millis(start);
    page.close().await;
    (open, join)
}

/// The bare page, with the headers that the SDK needs.
async fn serve_bare_page() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let mut site = Router::new()
        .route("/", get(async || Html(include_str!("bare.html"))))
        .nest_service("/sdk", ServeDir::new(config(Path::new("")).sdk_dir));
    for (name, value) in
        [("cross-origin-opener-policy", "same-origin"), ("cross-origin-embedder-policy", "require-corp")]
    {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        site = site.layer(SetResponseHeaderLayer::overriding(name, value));
    }
    tokio_util::task::TaskTracker::new().spawn(axum::serve(listener, site).into_future());
    origin
}

fn bare_address(origin: &str, world: &World, meeting: &str) -> String {
    let request = world.request(meeting, "Bare", None);
    let (signature, passcode) = (request.signature.expose(), request.passcode.expose());
    format!(
        "{origin}/?signature={signature}&meetingNumber={meeting}&password={passcode}&userName=Bare&userEmail="
    )
}

fn now() -> Timestamp {
    Environment::system().now()
}

fn millis(start: Timestamp) -> u128 {
    now().since(start).as_millis()
}

async fn settle() {
    Environment::system().clock.sleep(SETTLED).await;
}

/// Megabytes of every process of the browser in `state`, shared pages counted once.
fn pss(state: &Path) -> u64 {
    let mut parents = HashMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)).unwrap();
        parents.insert(pid, parent.parse::<u32>().unwrap());
    }
    let roots = support::processes(&profiles(state)[0], &[]);
    let belongs = |pid: u32| {
        std::iter::successors(Some(pid), |pid| parents.get(pid).copied()).any(|pid| roots.contains(&pid))
    };
    let kilobytes: u64 = parents
        .keys()
        .filter(|pid| belongs(**pid))
        .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok())
        .filter_map(|rollup| {
            rollup
                .lines()
                .find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        })
        .sum();
    kilobytes / 1024
}
