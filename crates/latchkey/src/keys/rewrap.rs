//! `latchkey keys rewrap`: seals everything with the active key, and removes the old ones from the ring.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::bail;
use indicatif::ProgressBar;
use model::{Clock as _, SystemClock, Timestamp};
use serde_json::json;

use super::{installation::Installation, retire, sealed_cells};
use crate::{output::Output, progress::bar};

/// Most walks until one finds nothing to rewrap. More mean that a server keeps sealing with an old key.
const WALKS: usize = 5;
/// Interval of progress output while waiting.
const TICK: Duration = Duration::from_millis(250);

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Do not remove the old keys from the ring.
    #[arg(long)]
    pub(super) keep_old: bool,
    /// Write the ring without the old keys to a new file, and do not change the old file.
    #[arg(long, conflicts_with = "keep_old")]
    pub(super) to: Option<PathBuf>,
    /// Stop after this many cells. Another run continues from there, as after any interruption.
    #[arg(long)]
    at_most: Option<u64>,
    /// Seconds after the new key started to seal before old keys are removed, so that writes in progress with old keys have
    /// finished.
    #[arg(long, default_value_t = 60)]
    settle: u64,
}

pub(super) async fn run(config: Option<&Path>, arguments: &Arguments, output: Output) -> anyhow::Result<()> {
    let installation = Installation::open(config).await?;
    let (store, keys) = (&*installation.store, &installation.keys);
    if let Some((key, from)) = keys.ring().next_key(installation.env.now()) {
        wait(&format!("{key} starts to seal at {from}"), from).await;
    }
    let active = keys.active_key_id();
    let mut rewrapped = 0;
    for walk in 1.. {
        let bar = bar(&format!("sealing with {active}"), sealed_cells::total(store).await?);
        let walked = sealed_cells::rewrap(store, keys, arguments.at_most, |cells| bar.inc(cells)).await?;
        bar.finish_and_clear();
        rewrapped += walked.rewrapped;
        if walked.cut {
            output.say(
                &json!({ "key": active, "rewrapped": rewrapped, "finished": false }),
                &format!("{rewrapped} cells are now sealed with {active}; run this again for the others"),
            );
            break;
        }
        let settled = keys.ring().active_since(installation.env.now()).map(|since| since + settle(arguments));
        match settled.filter(|settled| installation.env.now() < *settled) {
            Some(settled) => wait("servers finish writes with the old key", settled).await,
            None if walked.rewrapped == 0 && walked.contested == 0 => {
                output.say(
                    &json!({ "key": active, "rewrapped": rewrapped, "finished": true }),
                    &format!(
                        "{rewrapped} cells were rewrapped; all cells that open are sealed with {active}"
                    ),
                );
                retire::old_keys(&installation, arguments, &walked.stuck, output).await?;
                break;
            }
            None if walk >= WALKS => {
                bail!("a server keeps sealing with an old key: give it the new key ring, then run this again")
            }
            None => {}
        }
    }
    installation.close().await;
    Ok(())
}

fn settle(arguments: &Arguments) -> Duration {
    Duration::from_secs(arguments.settle)
}

/// Waits until `until`, and shows why.
async fn wait(why: &str, until: Timestamp) {
    let spinner = ProgressBar::new_spinner().with_message(why.to_owned());
    if spinner.is_hidden() {
        eprintln!("latchkey: waiting: {why}");
    }
    while SystemClock.now() < until {
        spinner.tick();
        SystemClock.sleep(TICK.min(until.since(SystemClock.now()))).await;
    }
    spinner.finish_and_clear();
}
