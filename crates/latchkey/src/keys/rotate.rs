//! `latchkey keys rotate`: adds a new key to the ring; every server loads it before the first server seals with it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sealing::Rotated;
use serde_json::json;

use super::installation::Installation;
use crate::output::Output;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Seconds until the new key starts to seal. Servers that share the key file need a few. Allow enough time to copy the
    /// file to other machines, or to restart servers with another LATCHKEY_KEYS.
    #[arg(long, default_value_t = 60)]
    grace: u64,
    /// Write the changed ring to a new file, and do not change the old file.
    #[arg(long)]
    to: Option<PathBuf>,
}

pub(super) async fn run(config: Option<&Path>, arguments: &Arguments, output: Output) -> anyhow::Result<()> {
    let installation = Installation::open(config).await?;
    let env = &installation.env;
    let from = env.now() + Duration::from_secs(arguments.grace);
    let provider = installation.keys.provider();
    let Rotated { key, before } = provider.rotate(from, arguments.to.as_deref(), env).await?;
    let next = match &arguments.to {
        Some(to) => {
            format!(
                "put {} in place on every server before that, then run: latchkey keys rewrap",
                to.display()
            )
        }
        None => "back up the key ring, then run: latchkey keys rewrap".into(),
    };
    let words = format!("{key} is on the key ring; it seals from {from} on, and {before} until then\n{next}");
    output.say(&json!({ "key": key, "seals_from": from, "before": before }), &words);
    installation.close().await;
    Ok(())
}
