//! `latchkey audit export`: who received which token, as JSON lines on standard output. The server may run meanwhile.

use std::{
    io::{self, BufWriter, IsTerminal as _, Write},
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use audit::recover_journal;
use indicatif::ProgressBar;
use model::{ApiKeyId, CredentialId, Environment, PlatformBot, Timestamp, TokenLinkId, WorkspaceId};
use store::{AuditFilter, AuditPage, Audits};

use crate::{
    api_client::id,
    config::Config,
    database::{Database, sqlite_file},
    progress::counter,
};

/// Records in memory at a time.
const PAGE: u32 = 1000;

#[derive(clap::Args)]
pub(super) struct Export {
    /// The configuration file. Default: `latchkey.toml`, if it exists.
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only records from this time on: 2026-01-31 or 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Only records before this time. Default: now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Only records of this workspace.
    #[arg(long, value_name = "ID", value_parser = id::<WorkspaceId>)]
    workspace: Option<WorkspaceId>,
    /// Only tokens of this account.
    #[arg(long, value_name = "ID", value_parser = id::<CredentialId>)]
    credential: Option<CredentialId>,
    /// Only tokens requested through this token link.
    #[arg(long, value_name = "ID", value_parser = id::<TokenLinkId>)]
    token_link: Option<TokenLinkId>,
    /// Only tokens requested with this API key.
    #[arg(long, value_name = "ID", value_parser = id::<ApiKeyId>)]
    api_key: Option<ApiKeyId>,
    /// Only tokens for this bot, by its id at Latchkey or at the requesting platform.
    #[arg(long, value_name = "ID")]
    bot: Option<PlatformBot>,
}

/// Parses a day, which starts at midnight UTC, or a time.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let parsed = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
    parsed.map_err(|_| "give a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z".into())
}

/// Writes records to standard output, and their count so far to standard error.
pub(super) async fn run(
    Export { config, since, until, workspace, credential, token_link, api_key, bot }: Export,
) -> anyhow::Result<()> {
    let config = Config::read(config.as_deref())?;
    // Opening would create an empty database.
    if config.postgres()?.is_none() && !sqlite_file(&config).exists() {
        bail!("there is no database {}: set `data_dir` or `database_url`", sqlite_file(&config).display());
    }
    let database = Database::open(&config).await?;
    // Imports records that a killed server left only on its disk. A running server stores its own a moment later.
    let (journal, env) = (config.audit_journal(), Environment::system());
    recover_journal(&journal, &*database.store(), &env)
        .await
        .with_context(|| format!("cannot import the records in {} into the database", journal.display()))?;
    let until = Some(until.unwrap_or_else(|| env.now()));
    let filter = AuditFilter { credential, token_link, api_key, bot };
    let page = AuditPage { since, until, filter, ..AuditPage::oldest_first(PAGE) };
    // On a terminal the records themselves show the progress.
    let progress = if io::stdout().is_terminal() { ProgressBar::hidden() } else { counter("records") };
    let written =
        write(&*database.store(), workspace, page, &mut BufWriter::new(io::stdout()), &progress).await;
    progress.finish_and_clear();
    database.close().await;
    match written {
        // The reader closed the pipe, as `head` does.
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(Stop::Output(error)) => Err(error).context("cannot write to standard output"),
        Err(Stop::Store(error)) => Err(error).context("cannot read the audit"),
        Ok(()) => Ok(()),
    }
}

/// Why an export stops early.
enum Stop {
    Output(io::Error),
    Store(store::StoreError),
}

/// Writes the records page by page: only one page is in memory, however long the audit is.
async fn write(
    store: &(impl Audits + ?Sized),
    workspace: Option<WorkspaceId>,
    mut page: AuditPage,
    output: &mut impl Write,
    progress: &ProgressBar,
) -> Result<(), Stop> {
    loop {
        let found = match workspace {
            Some(workspace) => store.audit(workspace, &page).await,
            None => store.audit_of_all(&page).await,
        };
        let found = found.map_err(Stop::Store)?;
        let Some(last) = found.last() else { return Ok(()) };
        page.after = Some(last.place());
        for record in &found {
            serde_json::to_writer(&mut *output, record).map_err(io::Error::from).map_err(Stop::Output)?;
            output.write_all(b"\n").map_err(Stop::Output)?;
        }
        output.flush().map_err(Stop::Output)?;
        progress.inc(found.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn a_day_or_a_time() {
        assert_eq!(time("2026-01-31").unwrap().to_string(), "2026-01-31T00:00:00.000000Z");
        assert_eq!(time("2026-01-31T12:00:00+01:00").unwrap().to_string(), "2026-01-31T11:00:00.000000Z");
        assert!(time("yesterday").unwrap_err().contains("2026-01-31"));
    }
}
