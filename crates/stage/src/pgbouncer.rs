//! Debian's PgBouncer, in front of a [`Postgres`].

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, bail};

use crate::Postgres;

/// A running pooler, which ends with our process.
#[derive(Debug)]
pub struct PgBouncer {
    directory: String,
    _process: Child,
}

impl PgBouncer {
    /// Starts a PgBouncer with default settings, this `pool_mode` and this many connections per database.
    pub fn start(postgres: &Postgres, mode: &str, connections: u32) -> anyhow::Result<Self> {
        // Like PostgreSQL, it refuses to run as root.
        let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
        let mut shell = Command::new(if root { "setpriv" } else { "sh" });
        if root {
            shell.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "sh"]);
        }
        let behind = postgres.socket();
        let behind = behind.parent().context("a socket without a folder")?;
        let mut child = shell
            .args(["-c", include_str!("pgbouncer.sh"), "pgbouncer.sh"])
            .arg(behind)
            .args([mode, &connections.to_string()])
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
            bail!("PgBouncer does not start, run scripts/need pgbouncer: {complaint}");
        }
        Ok(Self { directory: directory.trim().to_owned(), _process: child })
    }

    /// The address of a database through PgBouncer, from its address at PostgreSQL itself.
    pub fn address(&self, direct: &str) -> String {
        let database = direct.split(['/', '?']).nth(3).unwrap_or_default();
        format!("postgres://latchkey@localhost/{database}?host={}", self.directory)
    }
}
