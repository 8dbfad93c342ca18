//! Everybody wants a token at the moment it expires.

use anyhow::ensure;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::StatusCode;

use crate::world::World;

const SERVERS: u32 = 4;
const CALLERS: usize = 200;

pub(super) async fn run(world: &World) -> anyhow::Result<String> {
    let servers: Vec<_> =
        stream::iter(0..SERVERS).then(|replica| world.serve(replica, &[])).try_collect().await?;
    let account = world.connect(&servers[0]).await?;
    world.expire().await?;
    let callers = servers.iter().flat_map(|server| std::iter::repeat_n(server, CALLERS));
    let callers: Vec<_> = callers.collect();
    let all = callers.len();
    let answers: Vec<_> = stream::iter(callers)
        .map(|server| account.ask_for_any(server))
        .buffer_unordered(all)
        .try_collect()
        .await?;
    let served = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    ensure!(served == all, "{served} of {all} callers were served");
    let (refreshes, refused) = (
        world.ground.simulator.count("refreshes").await?,
        world.ground.simulator.count("refreshes_refused").await?,
    );
    ensure!((refreshes, refused) == (1, 0), "{refreshes} refreshes, and {refused} refused");
    for server in servers {
        server.stop().await;
    }
    Ok(format!("{served} callers were served, and Zoom saw {refreshes} refresh"))
}
