//! Debian's PostgreSQL: a private server, on a socket in a temporary folder.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, bail, ensure};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, raw_sql};

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    directory: String,
    databases: AtomicU32,
    /// Holds the server's standard input open. The server ends when it closes, so always with our process.
    _process: Child,
}

impl Postgres {
    /// Starts a server for tests, which is not durable: it may lose data if the machine fails. Its user `latchkey` needs no
    /// password; `guest` does.
    pub fn start() -> anyhow::Result<Self> {
        Self::run(&["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"])
    }

    /// Starts a server with default durability, for measurements: a commit is on the disk.
    pub fn start_durable() -> anyhow::Result<Self> {
        Self::run(&[])
    }

    fn run(options: &[&str]) -> anyhow::Result<Self> {
        // PostgreSQL refuses to run as root.
        let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
        let mut shell = Command::new(if root { "setpriv" } else { "sh" });
        if root {
            shell.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "sh"]);
        }
        let mut child = shell
            .args(["-c", include_str!("postgres.sh"), "postgres.sh"])
            .args(options)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("no shell")?;
        let mut directory = String::new();
        let stdout = child.stdout.take().context("no pipe")?;
        BufReader::new(stdout).read_line(&mut directory)?;
        if directory.is_empty() {
            let complaint = child.wait_with_output()?.stderr;
            let complaint = String::from_utf8_lossy(&complaint);
            bail!("PostgreSQL does not start, run scripts/need-postgres: {complaint}");
        }
        Ok(Self { directory: directory.trim().to_owned(), databases: AtomicU32::new(0), _process: child })
    }

    /// Creates a database as a copy of `template` (`template1` is empty), and returns its address.
    pub async fn database(&self, template: &str) -> anyhow::Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut db = PgConnection::connect(&self.address("postgres")).await?;
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        db.execute(raw_sql(AssertSqlSafe(create))).await?;
        db.close().await?;
        Ok(self.address(&name))
    }

    /// The server's socket, for a proxy between it and its clients.
    pub fn socket(&self) -> PathBuf {
        Path::new(&self.directory).join(".s.PGSQL.5432")
    }

    /// The whole content of the database at `address`, as SQL.
    pub fn dump(address: &str) -> anyhow::Result<Vec<u8>> {
        let newest = "exec $(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)/pg_dump \"$0\"";
        let dump = Command::new("sh").args(["-c", newest, address]).output()?;
        ensure!(dump.status.success(), "pg_dump: {}", String::from_utf8_lossy(&dump.stderr));
        Ok(dump.stdout)
    }

    fn address(&self, database: &str) -> String {
        format!("postgres://latchkey@localhost/{database}?host={}", self.directory)
    }
}
