//! Timing of the store's calls.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use model::{Environment, Timestamp};

use crate::{installation::Installation, statistics::Sample};

/// Accounts that are due at once.
const DUE: u32 = 1_000;
/// Batch size of claims, as in the refresher.
const CLAIM: u32 = 128;
const LOOKUPS: u32 = 1_000;
const ROUNDS: usize = 5;

/// Time to claim, per due account.
pub(crate) async fn due(installation: &Installation, accounts: u32, quick: bool) -> anyhow::Result<Sample> {
    let (env, store) = (Environment::system(), installation.store().await?);
    let due = DUE.min(accounts);
    let mut values = Vec::new();
    // The first round is a warm-up.
    for round in 0..=rounds(quick) {
        installation.make_due(accounts, due).await?;
        let (began, until) = (env.now(), env.now() + Duration::from_secs(365 * 24 * 3600));
        let mut found = 0;
        loop {
            let claimed = store.claim_due_refreshes(env.now(), until, CLAIM).await?.len();
            found += u32::try_from(claimed)?;
            if claimed < CLAIM as usize {
                break;
            }
        }
        ensure!(found == due, "{found} accounts were found due instead of {due}");
        if round > 0 {
            values.push(per(due, began, env.now()));
        }
    }
    Ok(Sample::of(values))
}

/// Time to look up an account by its user and by its id, in total.
pub(crate) async fn lookups(
    installation: &Installation,
    accounts: u32,
    quick: bool,
) -> anyhow::Result<Sample> {
    let (env, store) = (Environment::system(), installation.store().await?);
    let (workspace, app) = (installation.workspace, installation.app);
    let mut values = Vec::new();
    for round in 0..=rounds(quick) {
        let began = env.now();
        for _ in 0..LOOKUPS {
            let user = format!("user-{}", 1 + u32::from_le_bytes(env.entropy.bytes()) % accounts);
            let found = store.credential_of(workspace, app, &user).await?.context("no such account")?;
            store.credential(workspace, found.id).await?.context("no such account")?;
        }
        if round > 0 {
            values.push(per(LOOKUPS, began, env.now()));
        }
    }
    Ok(Sample::of(values))
}

fn rounds(quick: bool) -> usize {
    if quick { 1 } else { ROUNDS }
}

/// Microseconds per item.
fn per(count: u32, began: Timestamp, ended: Timestamp) -> f64 {
    ended.since(began).as_secs_f64() * 1e6 / f64::from(count)
}
