//! All accounts are due at once, and Zoom has a rate limit.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use model::{CredentialStatus, Timestamp};
use reqwest::Method;
use serde_json::json;

use super::Storm;
use crate::{
    installation::{Backend, Installation},
    test_bed::Place,
};

const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Timeout without progress.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) async fn measure(
    place: &Place,
    database: String,
    accounts: u32,
    limit: u32,
) -> anyhow::Result<Storm> {
    let installation = Installation::found(place, Backend::Postgres(database), limit).await?;
    let store = installation.store().await?;
    println!("accounts: a storm of {accounts} against {limit}/s");
    installation.connect(place, accounts, Duration::ZERO).await?;
    let counted = async |counter| place.simulator.count(counter).await;
    let (before, refused) = (counted("refreshes").await?, counted("token_429").await?);
    set_limit(place, Some(limit)).await?;

    let server = installation.serve(place).await?;
    let mut first: Option<(Timestamp, u64)> = None;
    let (mut done, mut moved) = (0, place.env.now());
    while done < u64::from(accounts) {
        place.env.clock.sleep(POLL_INTERVAL).await;
        let (count, now) = (counted("refreshes").await? - before, place.env.now());
        if count > done {
            (done, moved) = (count, now);
            first.get_or_insert((now, count));
        }
        ensure!(now.since(moved) < WAIT_TIMEOUT, "no progress of the storm at {done} of {accounts}");
    }
    let ended = place.env.now();
    server.stop().await;
    set_limit(place, None).await?;
    let (began, at_first) = first.context("no account was refreshed")?;
    let seconds = ended.since(began).as_secs_f64();
    let refreshed = f64::from(u32::try_from(done - at_first)?);
    let measured = Storm {
        accounts,
        limit_per_second: limit,
        seconds,
        used: refreshed / seconds / f64::from(limit),
        refused: counted("token_429").await? - refused,
    };
    for row in store.credentials(installation.workspace).await? {
        ensure!(
            (row.status, row.generation) == (CredentialStatus::Healthy, 2),
            "after the storm an account is {} at generation {}",
            row.status,
            row.generation
        );
    }
    println!(
        "accounts: {:.0} s, {:.1} % of the limit, {} refused",
        seconds,
        measured.used * 100.0,
        measured.refused
    );
    Ok(measured)
}

async fn set_limit(place: &Place, per_second: Option<u32>) -> anyhow::Result<()> {
    let switch = json!({ "token_limit_per_second": per_second });
    place.simulator.call(Method::PATCH, "/switches", &switch).await.map(drop)
}
