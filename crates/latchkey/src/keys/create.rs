//! `latchkey keys create`: a key ring in a new file.

use std::path::{Path, PathBuf};

use model::Environment;
use sealing::Provider;

use super::source::transit;
use crate::config::Config;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The new file. It is readable by its owner only; its reader can open everything that is sealed with it.
    #[arg(long)]
    to: PathBuf,
}

pub(super) async fn run(config: Option<&Path>, arguments: &Arguments) -> anyhow::Result<()> {
    let transit = transit(&Config::read(config)?)?;
    let provider = Provider::file(&arguments.to).with_transit(transit);
    let keys = provider.create(&Environment::system()).await?;
    println!("{} holds a new key ring, sealing with {}", arguments.to.display(), keys.active_key_id());
    Ok(())
}
