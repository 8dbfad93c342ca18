//! All callers request a token at the moment it expires.

use std::collections::HashSet;

use anyhow::ensure;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::world::World;

const SERVERS: u32 = 4;
const CALLERS: usize = 200;

pub(super) async fn run(world: &World) -> anyhow::Result<String> {
    let servers: Vec<_> =
        stream::iter(0..SERVERS).then(|replica| world.serve(replica, &[])).try_collect().await?;
    world.tokens_live(60).await?;
    let account = world.connect(&servers[0]).await?;
    world.tokens_live(3600).await?;
    let callers = servers.iter().flat_map(|server| std::iter::repeat_n(server, CALLERS));
    let callers: Vec<_> = callers.collect();
    let all = callers.len();
    let tokens: Vec<_> = stream::iter(callers)
        .map(|server| account.access_token(server))
        .buffer_unordered(all)
        .try_collect()
        .await?;
    let different = tokens.iter().collect::<HashSet<_>>().len();
    ensure!((tokens.len(), different) == (all, 1), "{} callers got {different} tokens", tokens.len());
    let (refreshes, refused) = (
        world.fixture.simulator.count("refreshes").await?,
        world.fixture.simulator.count("refreshes_refused").await?,
    );
    ensure!((refreshes, refused) == (1, 0), "{refreshes} refreshes, and {refused} refused");
    for server in servers {
        server.stop().await;
    }
    Ok(format!("{all} callers got the same token, and Zoom saw {refreshes} refresh"))
}
