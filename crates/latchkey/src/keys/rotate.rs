//! `latchkey keys rotate`: a new key on the ring, which every server holds before the first one seals with it.

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
    /// In how many seconds the new key begins to seal. Servers that share the key file need a few; give yourself enough
    /// to bring copies of it to other machines, or to restart servers with another LATCHKEY_KEYS.
    #[arg(long, default_value_t = 60)]
    grace: u64,
    /// Write the changed ring to a new file, and leave the old one as it is.
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
