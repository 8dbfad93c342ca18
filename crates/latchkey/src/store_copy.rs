//! `latchkey store copy`: moves an installation from SQLite to PostgreSQL, or back.

use std::{
    convert::Infallible,
    fmt, fs,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow, bail};
use model::Secret;
use serde_json::json;
use store::{CopyTarget, Snapshot};
use store_sql::{
    postgres::{self, Address},
    sqlite,
};

use crate::{output::Output, progress::bar};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Copy an installation into an empty database. Stop every server first. `data_dir` and the key ring are not changed.
    Copy(CopyArguments),
}

#[derive(clap::Args)]
struct CopyArguments {
    /// The database to copy: a SQLite file, or postgres://user@host/database.
    #[arg(long, value_name = "DATABASE", value_parser = secret, required_unless_present = "from_file")]
    from: Option<Secret>,
    /// A file with the address of the database to copy. Use it if the address has a password: every user of a machine sees
    /// arguments.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    from_file: Option<PathBuf>,
    /// The empty database to fill. A missing SQLite file is created; for PostgreSQL run `latchkey migrate` first.
    #[arg(long, value_name = "DATABASE", value_parser = secret, required_unless_present = "to_file")]
    to: Option<Secret>,
    /// A file with the address of the database to fill.
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    to_file: Option<PathBuf>,
}

#[expect(clippy::unnecessary_wraps, reason = "clap's parsers may fail")]
fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// Prints the result on standard output and the progress on standard error.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Command::Copy(CopyArguments { from, from_file, to, to_file }) = arguments.command;
    let from = Side::read(from, from_file.as_deref()).context("--from")?;
    let to = Side::read(to, to_file.as_deref()).context("--to")?;
    if from.is(&to) {
        bail!("--from and --to are the same database: give an empty one with --to");
    }
    let mut source = from.snapshot().await.context("--from")?;
    let made = to.make().await.context("--to")?;
    let copied = fill(&mut *source, &to).await;
    if copied.is_err() {
        made.take_back();
    }
    let rows = copied?;
    let done = json!({ "rows": rows, "from": from.to_string(), "to": to.to_string() });
    let words = format!("{rows} rows were copied from {from} to {to}; configure the servers to use {to} now");
    arguments.output.say(&done, &words);
    Ok(())
}

async fn fill(source: &mut dyn Snapshot, to: &Side) -> anyhow::Result<u64> {
    let target = to.copy_target().await.context("--to")?;
    let bar = bar("copying", 0);
    let copied = store::copy(source, target, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })
    .await;
    bar.finish_and_clear();
    Ok(copied?)
}

/// One of the two stores.
enum Side {
    Sqlite(PathBuf),
    Postgres(Address),
}

impl Side {
    fn read(given: Option<Secret>, file: Option<&Path>) -> anyhow::Result<Self> {
        let text = match (given, file) {
            (Some(given), _) => given,
            (None, Some(path)) => fs::read_to_string(path)
                .map(Secret::from)
                .with_context(|| format!("cannot read {}", path.display()))?,
            (None, None) => bail!("a SQLite file or a postgres:// address is missing"),
        };
        if text.expose().contains("://") {
            return Ok(Self::Postgres(Address::read(&text)?));
        }
        Ok(Self::Sqlite(text.expose().trim().into()))
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sqlite(one), Self::Sqlite(other)) => {
                one == other
                    || fs::canonicalize(one).ok().is_some_and(|one| fs::canonicalize(other).ok() == Some(one))
            }
            (Self::Postgres(one), Self::Postgres(other)) => format!("{one:?}") == format!("{other:?}"),
            _ => false,
        }
    }

    async fn snapshot(&self) -> anyhow::Result<Box<dyn Snapshot>> {
        Ok(match self {
            Self::Sqlite(path) if !path.is_file() => bail!("there is no file {}", path.display()),
            Self::Sqlite(path) => sqlite::snapshot(path).await?,
            Self::Postgres(address) => postgres::snapshot(address).await?,
        })
    }

    /// Creates a missing SQLite file.
    async fn make(&self) -> anyhow::Result<Made> {
        match self {
            Self::Sqlite(path) if !path.exists() => {
                let made = Made(Some(path.clone()));
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                    return Err(anyhow!("there is no folder {}", folder.display()));
                }
                // Owner-only, like the folder of an installation. SQLite creates its other files with the same mode.
                let private = fs::File::options().write(true).create_new(true).mode(0o600).open(path);
                private.with_context(|| format!("cannot create {}", path.display()))?;
                sqlite::open(path).await?.close().await;
                Ok(made)
            }
            _ => Ok(Made(None)),
        }
    }

    async fn copy_target(&self) -> anyhow::Result<Box<dyn CopyTarget>> {
        Ok(match self {
            Self::Sqlite(path) => sqlite::copy_target(path).await?,
            Self::Postgres(address) => postgres::copy_target(address).await?,
        })
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(address) => write!(f, "the database {} at {address}", address.database()),
        }
    }
}

/// A file that was created by this command.
struct Made(Option<PathBuf>);

impl Made {
    /// Removes the file: a failed copy must not leave an empty installation.
    fn take_back(self) {
        let Some(path) = self.0 else { return };
        for ending in ["", "-wal", "-shm"] {
            let mut name = path.clone().into_os_string();
            name.push(ending);
            drop(fs::remove_file(name));
        }
    }
}
