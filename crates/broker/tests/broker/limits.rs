//! Zoom's limits, with a simulated Zoom that counts calls. It uses real time, and so do the servers here.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use broker::ObfRequest;
use model::{AccountUser, Environment, SystemClock};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    harness::{Fixture, Pace},
    server_to_server::connected,
};

/// The calls a second of a free account.
const LEAST: NonZeroU32 = NonZeroU32::new(4).expect("not zero");

/// Three servers on the database of `fixture` that use real time.
async fn servers(fixture: &Fixture) -> Vec<Arc<broker::Broker>> {
    let mut servers = Vec::new();
    for _ in 0..3 {
        let pace = Pace { unknown_plan: LEAST, ..Pace::AT_ONCE };
        servers.push(fixture.another_broker_at(Arc::new(SystemClock), pace).await);
    }
    servers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_hour_three_servers_mint_for_all_callers_and_zoom_refuses_no_call() {
    const BOTS: u32 = 100;
    let (fixture, id) = connected().await;
    let plan = json!({ "email": "owner@example.test", "display_name": "Owner", "plan": "pro" });
    fixture.zoom.control("POST", "users", plan).await;
    fixture.zoom.control("PATCH", "switches", json!({ "rest_limits": {} })).await;
    let servers = servers(&fixture).await;
    let env = Environment::system();
    let user: AccountUser = fixture.zoom.user.parse().unwrap();
    let on_the_hour = env.now() + Duration::from_secs(30);

    let mut bots = JoinSet::new();
    for bot in 0..BOTS {
        let (broker, workspace, requester) =
            (Arc::clone(&servers[bot as usize % 3]), fixture.workspace, fixture.requester());
        let (user, clock) = (user.clone(), env.clock.clone());
        bots.spawn(async move {
            let wanted = ObfRequest { user: Some(&user), meeting: None, join_at: on_the_hour };
            // On a busy machine, turns are late. A caller that gets a retry time retries.
            while let Err(failure) = broker.tokens.obf(workspace, id, wanted, requester).await {
                clock.sleep(failure.retry_after.expect("a failure has a retry time")).await;
            }
        });
    }
    while let Some(bot) = bots.join_next().await {
        bot.unwrap();
    }
    let stats = fixture.zoom.control("GET", "stats", serde_json::Value::Null).await;
    assert_eq!(stats["rest_429"], 0, "{stats}");
}
