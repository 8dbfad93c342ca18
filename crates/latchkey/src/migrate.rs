//! `latchkey migrate`: brings the schema of the configured database up to date. A second run changes nothing.

use std::path::PathBuf;

use serde_json::json;
use store_sql::postgres::{self, Migrated};

use crate::{
    config::Config,
    data_dir,
    database::{Database, sqlite_file},
    output::Output,
    progress,
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file. Default: `latchkey.toml`, if it exists.
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// Prints the result on standard output.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let (config, output) = (Config::read(arguments.config.as_deref())?, arguments.output);
    let Some(address) = config.postgres()? else {
        data_dir::make(&config.data_dir)?;
        Database::open(&config).await?.close().await;
        let file = sqlite_file(&config).display().to_string();
        let words = format!("{file} is up to date, as after every start of the server");
        output.say(&json!({ "database": file }), &words);
        return Ok(());
    };
    let spinner = progress::counter("steps, which can take a while on a large database");
    let migrated = postgres::migrate(&address).await;
    spinner.finish_and_clear();
    let Migrated { taken, schema } = migrated?;
    let database = format!("the database {} at {address}", address.database());
    let words = match taken.as_slice() {
        [] => format!("{database} already has schema {schema}"),
        taken => format!("{database} now has schema {schema}: {}", taken.join(", ")),
    };
    output.say(&json!({ "database": database, "schema": schema, "taken": taken }), &words);
    Ok(())
}
