//! `latchkey migrate`: brings the schema of the configured database up to date. A second run changes nothing.

use std::path::PathBuf;

use store_sql::postgres::{self, Migrated};

use crate::{
    config::Config,
    data_dir,
    database::{Database, sqlite_file},
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file; `latchkey.toml` if it is there.
    #[arg(long, env = "LATCHKEY_CONFIG")]
    config: Option<PathBuf>,
}

/// Says on standard output what it did.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = Config::read(arguments.config.as_deref())?;
    let Some(address) = config.postgres()? else {
        data_dir::make(&config.data_dir)?;
        Database::open(&config).await?.close().await;
        println!("{} is up to date, as after every start of the server", sqlite_file(&config).display());
        return Ok(());
    };
    let Migrated { taken, schema } = postgres::migrate(&address).await?;
    let database = format!("the database {} at {address}", address.database());
    match taken.as_slice() {
        [] => println!("{database} has schema {schema} already"),
        taken => println!("{database} has schema {schema} now: {}", taken.join(", ")),
    }
    Ok(())
}
