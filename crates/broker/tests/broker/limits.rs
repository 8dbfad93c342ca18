//! Zoom's limits, at a Zoom that counts. It does so in real time, and so do the servers here.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use broker::WantedObf;
use model::{AccountUser, Environment, SystemClock};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{harness::House, server_to_server::connected};

/// Of a free account.
const LEAST: NonZeroU32 = NonZeroU32::new(4).expect("not zero");

/// Three servers on the database of `house`, which keep to real time.
async fn servers(house: &House) -> Vec<Arc<broker::Broker>> {
    let mut servers = Vec::new();
    for _ in 0..3 {
        let server = house.another_broker(Arc::new(SystemClock)).await;
        servers.push(Arc::new(Arc::into_inner(server).unwrap().with_unknown_plan(LEAST)));
    }
    servers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_hour_three_servers_mint_for_everybody_and_zoom_refuses_nobody() {
    const BOTS: u32 = 100;
    let (house, id) = connected().await;
    let plan = json!({ "email": "owner@example.test", "display_name": "Owner", "plan": "pro" });
    house.zoom.control("POST", "users", plan).await;
    house.zoom.control("PATCH", "switches", json!({ "rest_limits": {} })).await;
    let servers = servers(&house).await;
    let env = Environment::system();
    let user: AccountUser = house.zoom.user.parse().unwrap();
    let on_the_hour = env.now() + Duration::from_secs(30);

    let began = env.now();
    let mut bots = JoinSet::new();
    for bot in 0..BOTS {
        let (broker, workspace, asker) =
            (Arc::clone(&servers[bot as usize % 3]), house.workspace, house.asker());
        let user = user.clone();
        bots.spawn(async move {
            let wanted = WantedObf { user: Some(&user), meeting: None, join_at: on_the_hour };
            broker.obf(workspace, id, wanted, asker).await
        });
    }
    while let Some(bot) = bots.join_next().await {
        bot.unwrap().expect("a token");
    }
    let took = env.now().since(began);
    let stats = house.zoom.control("GET", "stats", serde_json::Value::Null).await;
    assert_eq!(stats["rest_429"], 0, "{stats}");
    assert!(took < Duration::from_secs(10), "{took:?} for {BOTS} tokens at 30 a second");
}
