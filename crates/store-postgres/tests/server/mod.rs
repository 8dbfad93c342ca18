//! Debian's PostgreSQL: one server for the length of a test program, one database for each test.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, raw_sql};

struct Server {
    directory: String,
    databases: AtomicU32,
    /// Holds its standard input open. The server ends with that: with our process, whatever becomes of it.
    _process: Child,
}

static SERVER: OnceLock<Server> = OnceLock::new();

/// The address of a new database, a copy of `template` (`template1` is empty).
pub(crate) async fn database(template: &str) -> String {
    let server = SERVER.get_or_init(start);
    let name = format!("test_{}", server.databases.fetch_add(1, Ordering::Relaxed));
    let address = |name: &str| format!("postgres://latchkey@localhost/{name}?host={}", server.directory);
    let mut db = PgConnection::connect(&address("postgres")).await.expect("the server is there");
    let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
    db.execute(raw_sql(AssertSqlSafe(create))).await.expect("a database");
    db.close().await.expect("closed");
    address(&name)
}

fn start() -> Server {
    // PostgreSQL refuses to run as root.
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let mut shell = Command::new(if root { "setpriv" } else { "sh" });
    if root {
        shell.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "sh"]);
    }
    let mut child = shell
        .args(["-c", include_str!("postgres.sh")])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("a shell");
    let mut directory = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut directory).expect("its output");
    if directory.is_empty() {
        let complaint = child.wait_with_output().expect("its complaint").stderr;
        let complaint = String::from_utf8_lossy(&complaint);
        panic!("PostgreSQL does not start, run scripts/need-postgres: {complaint}");
    }
    Server { directory: directory.trim().to_owned(), databases: AtomicU32::new(0), _process: child }
}
