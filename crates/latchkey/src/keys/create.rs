//! `latchkey keys create`: creates a key ring in a new file.

use std::path::{Path, PathBuf};

use model::Environment;
use sealing::Provider;
use serde_json::json;

use super::source::transit;
use crate::{config::Config, output::Output};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The new file, readable by its owner only. Anyone who can read it can open everything sealed with it.
    #[arg(long)]
    to: PathBuf,
}

pub(super) async fn run(config: Option<&Path>, arguments: &Arguments, output: Output) -> anyhow::Result<()> {
    let transit = transit(&Config::read(config)?)?;
    let provider = Provider::file(&arguments.to).with_transit(transit);
    let keys = provider.create(&Environment::system()).await?;
    let (file, key) = (arguments.to.display(), keys.active_key_id());
    let made = json!({ "file": file.to_string(), "key": key });
    output.say(&made, &format!("{file} contains a new key ring, which seals with {key}"));
    Ok(())
}
