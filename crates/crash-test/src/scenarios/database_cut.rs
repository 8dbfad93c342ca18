//! The database becomes unreachable during refreshes.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use stage::text;

use crate::{
    kill_points::{Outcome, check_chain},
    world::World,
};

const ACCOUNTS: usize = 5;
const AWAY: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_secs(1);

pub(super) async fn run(world: &World) -> anyhow::Result<String> {
    let proxy = world.fixture.proxy.as_ref().context("the database has no proxy that can be cut")?;
    let servers = [world.serve(0, &[]).await?, world.serve(1, &[]).await?];
    let mut accounts = Vec::new();
    for _ in 0..ACCOUNTS {
        accounts.push(world.connect(&servers[0]).await?);
    }
    let bystander = world.connect(&servers[0]).await?;
    ensure!(bystander.ask(&servers[0]).await?.status == StatusCode::OK, "no token before the cut");

    // Listing meetings also refreshes accounts, and would wait instead of a caller. Without its scope, meetings are not
    // listed.
    let listed =
        |account: &Value| text(account, "meeting_sync_status").is_ok_and(|status| status != "in_progress");
    while !world.credentials(&servers[0]).await?.iter().all(listed) {
        world.fixture.env.clock.sleep(POLL_INTERVAL).await;
    }

    // Zoom has rotated every grant, and its answers have not arrived yet.
    world.expire().await?;
    let held = json!({ "where": "refresh", "kind": "hold_after", "times": ACCOUNTS });
    world.fixture.simulator.post("/faults", &held).await?;
    let asking = accounts.iter().enumerate().map(|(number, account)| account.ask(&servers[number % 2]));
    let asking = try_join_all(asking);
    let cutting = async {
        while world.fixture.simulator.get("/faults/held").await?.as_array().map_or(0, Vec::len) < ACCOUNTS {
            world.fixture.env.clock.sleep(Duration::from_millis(20)).await;
        }
        proxy.cut();
        world.fixture.simulator.call(Method::DELETE, "/faults/held", &json!({})).await
    };
    let (asked, cut) = tokio::join!(asking, cutting);
    cut?;
    for answer in asked? {
        ensure!(answer.status == StatusCode::SERVICE_UNAVAILABLE, "a caller received {}", answer.status);
    }
    let (healed, mut served, mut asked) = (world.fixture.env.now() + AWAY, 0, 0);
    while world.fixture.env.now() < healed {
        asked += 1;
        served += u32::from(bystander.ask_for_any(&servers[0]).await?.status == StatusCode::OK);
        world.fixture.env.clock.sleep(POLL_INTERVAL).await;
    }
    let escrowed = world.fixture.deposits(0)? + world.fixture.deposits(1)?;
    ensure!(escrowed == ACCOUNTS, "{escrowed} grants are in the escrow");
    proxy.heal();

    for (number, account) in accounts.iter().enumerate() {
        let outcome = account.settle(&servers[number % 2]).await?;
        ensure!(outcome == Outcome::Recovered, "an account ended as {outcome:?}");
    }
    let (refreshes, refused) = (
        world.fixture.simulator.count("refreshes").await?,
        world.fixture.simulator.count("refreshes_refused").await?,
    );
    // The bystander's token has expired too, and its meetings may be listed at any time.
    let expected = ACCOUNTS as u64..=ACCOUNTS as u64 + 1;
    ensure!(expected.contains(&refreshes) && refused == 0, "{refreshes} refreshes, and {refused} refused");
    for account in &accounts {
        check_chain(world, &servers[0], account).await?;
    }
    ensure!(served == asked, "a cached token was served {served} of {asked} times");
    for server in servers {
        server.stop().await;
    }
    Ok(format!("{ACCOUNTS} grants waited on disk, none was lost; a cached token was served {served} times"))
}
