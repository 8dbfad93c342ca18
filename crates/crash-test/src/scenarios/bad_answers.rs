//! Zoom's answers are invalid or missing.

use anyhow::ensure;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use stage::Server;

use crate::{
    account::Account,
    kill_points::{Outcome, check_chain},
    world::World,
};

/// The expected answer to a platform when every refresh ends like this, and its cost.
struct Expected {
    fault: Value,
    code: &'static str,
    /// Calls to Zoom that one request may cost.
    calls: u64,
    outcome: Outcome,
}

pub(super) async fn nonsense(world: &World) -> anyhow::Result<String> {
    use Outcome::{Recovered, ResponseLost};
    let limited = |retry_after: Value| {
        let fault = json!({ "kind": "http_429", "retry_after": retry_after });
        Expected { fault, code: "zoom_rate_limited", calls: 1, outcome: Recovered }
    };
    let unclear = |kind: &str, times: u64| Expected {
        fault: json!({ "kind": kind, "times": times }),
        code: "refresh_uncertain",
        calls: 2,
        outcome: Recovered,
    };
    // Zoom has rotated the token, which one more call reveals.
    let lost = |kind: &str| Expected {
        fault: json!({ "kind": kind }),
        code: "credential_needs_consent",
        calls: 1,
        outcome: ResponseLost,
    };
    let all = [
        // Not a date: that would be a daily limit, which Latchkey observes until midnight.
        limited(json!("seconds")),
        limited(Value::Null),
        unclear("http_500", 2),
        unclear("html", 2),
        unclear("drop_before", 2),
        lost("lose_answer"),
        lost("truncated"),
        lost("half_json"),
    ];
    // Each request needs a refresh.
    world.tokens_live(60).await?;
    let server = world.serve(0, &[]).await?;
    let account = world.connect(&server).await?;
    let kinds = all.len();
    for expected in all {
        check(world, &server, &account, expected).await?;
    }
    world.tokens_live(3600).await?;
    check_chain(world, &server, &account).await?;
    server.stop().await;
    Ok(format!("{kinds} kinds of bad answers: each has its code, and costs at most two calls"))
}

async fn check(
    world: &World,
    server: &Server,
    account: &Account,
    Expected { mut fault, code, calls, outcome }: Expected,
) -> anyhow::Result<()> {
    fault["where"] = "refresh".into();
    let kind = fault["kind"].clone();
    let before = world.fixture.simulator.count("faults").await?;
    world.fixture.simulator.post("/faults", &fault).await?;
    let answer = account.ask(server).await?;
    ensure!(answer.code() == code, "{kind}: a platform receives {}", answer.body);
    if answer.status == StatusCode::SERVICE_UNAVAILABLE {
        ensure!(answer.retry_after.is_some(), "{kind}: without Retry-After");
    }
    let struck = world.fixture.simulator.count("faults").await? - before;
    ensure!(struck == calls, "{kind}: {struck} calls were affected");
    let came = account.settle(server).await?;
    ensure!(came == outcome, "{kind}: the account ended as {came:?}");
    if came == Outcome::ResponseLost {
        world.connect_again(server, account).await?;
    }
    Ok(())
}

/// Two calls get no answer until our timeout.
pub(super) async fn silence(world: &World) -> anyhow::Result<String> {
    let server = world.serve(0, &[]).await?;
    let account = world.connect(&server).await?;
    world.expire().await?;
    let held = json!({ "where": "refresh", "kind": "hold_before", "times": 2 });
    world.fixture.simulator.post("/faults", &held).await?;
    let answer = account.ask(&server).await?;
    ensure!(answer.code() == "deadline", "a platform receives {}", answer.body);
    let outcome = account.settle(&server).await?;
    ensure!(outcome == Outcome::Recovered, "the account ended as {outcome:?}");
    let struck = world.fixture.simulator.count("faults").await?;
    ensure!(struck == 2, "{struck} calls got no answer");
    world.fixture.simulator.call(Method::DELETE, "/faults/held", &json!({})).await?;
    check_chain(world, &server, &account).await?;
    server.stop().await;
    Ok("two calls, then a code; healthy as soon as Zoom answers".to_owned())
}
