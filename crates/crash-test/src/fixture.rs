//! The environment of servers: a simulated Zoom, a database, and a folder.

use std::{
    fmt,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, ensure};
use model::{Environment, Secret, Timestamp};
use reqwest::Client;
use serde_json::{Value, json};
use stage::{Program, Server, Simulator};

use crate::{Place, proxy::Proxy};

/// All of our own log messages, and the driver's SQL statements.
const LOG: &str = "info,api=trace,bots=trace,broker=trace,latchkey=trace,model=trace,sealing=trace,store=trace,\
                   store_sql=trace,zoom=trace,sqlx=debug";

/// The database of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
    /// PostgreSQL behind a proxy whose connections can be cut.
    CuttablePostgres,
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres | Self::CuttablePostgres => "PostgreSQL",
        })
    }
}

/// The environment that outlives the servers.
pub(crate) struct Fixture {
    pub(crate) env: Environment,
    pub(crate) simulator: Simulator,
    /// The proxy to the database, whose connections scenarios cut.
    pub(crate) proxy: Option<Proxy>,
    folder: PathBuf,
    pub(crate) http: Client,
    /// The database's address without the proxy.
    pub(crate) postgres: Option<String>,
    /// The database's address for servers.
    database_url: Option<String>,
    latchkey: PathBuf,
    starts: AtomicU32,
}

impl Fixture {
    pub(crate) async fn make(place: &Place, name: &str, database: Database) -> anyhow::Result<Self> {
        let folder = place.data.join(name.replace([':', ',', ' '], "_"));
        std::fs::create_dir_all(folder.join("logs"))?;
        let http = stage::client()?;
        let (zoom, log) = (folder.join("zoom"), folder.join("simulator.log"));
        let simulator = Simulator::start(&place.latchkey, &zoom, &log, http.clone(), &place.env).await?;
        let postgres = match database {
            Database::Sqlite => None,
            Database::Postgres | Database::CuttablePostgres => {
                Some(place.postgres.database("template1").await?)
            }
        };
        let (mut database_url, mut proxy) = (postgres.clone(), None);
        if let (Database::CuttablePostgres, Some(address)) = (database, &postgres) {
            let line = Proxy::start(place.postgres.socket()).await?;
            let name = address.split(['/', '?']).nth(3).unwrap_or_default();
            database_url = Some(format!("postgres://latchkey@{}/{name}?sslmode=disable", line.address));
            proxy = Some(line);
        }
        let fixture = Self {
            env: place.env.clone(),
            simulator,
            proxy,
            folder,
            http,
            postgres,
            database_url,
            latchkey: place.latchkey.clone(),
            starts: AtomicU32::new(0),
        };
        if fixture.postgres.is_some() {
            fixture.migrate().await?;
        }
        Ok(fixture)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        self.command(&["migrate"]).await.map(drop)
    }

    /// The output of `latchkey audit export`.
    pub(crate) async fn audit(&self) -> anyhow::Result<Vec<u8>> {
        self.command(&["audit", "export"]).await
    }

    /// Runs a command with the first server's configuration, and returns its standard output.
    async fn command(&self, command: &[&str]) -> anyhow::Result<Vec<u8>> {
        let mut latchkey = tokio::process::Command::new(&self.latchkey);
        let done = latchkey
            .args(command)
            .arg("--config")
            .arg(self.configure(0, &json!({ "capacity": 0 }), None)?)
            .output()
            .await?;
        ensure!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(done.stdout)
    }

    /// Starts the server with this number, with these bot settings.
    pub(crate) async fn start_with_bots(
        &self,
        replica: u32,
        bots: &Value,
        api_key: Option<Secret>,
    ) -> anyhow::Result<Server> {
        self.start_bots_with(replica, bots, &[], api_key).await
    }

    /// The same, with environment variables.
    pub(crate) async fn start_bots_with(
        &self,
        replica: u32,
        bots: &Value,
        variables: &[(&str, &str)],
        api_key: Option<Secret>,
    ) -> anyhow::Result<Server> {
        let config = self.configure(replica, bots, None)?;
        self.launch(replica, &config, variables, api_key).await
    }

    /// Starts the server with this number, with stand-ins for Chromium. It logs less, because of the number of bots.
    pub(crate) async fn start_with_stand_ins(
        &self,
        replica: u32,
        bots: &Value,
        api_key: Option<Secret>,
    ) -> anyhow::Result<Server> {
        let config =
            self.configure(replica, bots, Some(&self.latchkey.with_file_name("stand-in-chromium")))?;
        self.launch(replica, &config, &[("LATCHKEY_LOG", "warn")], api_key).await
    }

    /// The log entries of a server's stand-ins: time, event, and the bot's name.
    pub(crate) fn stand_ins(&self, replica: u32) -> anyhow::Result<Vec<(Timestamp, String, String)>> {
        let log = std::fs::read_to_string(self.data(replica).join("browser/stand-in.log"))?;
        let line = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let at = Timestamp::from_microsecond(words.next()?.parse().ok()?);
            Some((at, words.next()?.to_owned(), words.next()?.to_owned()))
        };
        log.lines()
            .map(|text| line(text).with_context(|| format!("invalid line of a stand-in: {text:?}")))
            .collect()
    }

    /// Starts the server with this number. Each server has its own escrow; they share everything else.
    pub(crate) async fn start(
        &self,
        replica: u32,
        variables: &[(&str, &str)],
        api_key: Option<Secret>,
    ) -> anyhow::Result<Server> {
        let config = self.configure(replica, &json!({ "capacity": 0 }), None)?;
        self.launch(replica, &config, variables, api_key).await
    }

    async fn launch(
        &self,
        replica: u32,
        config: &Path,
        variables: &[(&str, &str)],
        api_key: Option<Secret>,
    ) -> anyhow::Result<Server> {
        let log = format!("{replica}-{}.log", self.count());
        let variables: Vec<_> =
            [("LATCHKEY_LOG", LOG)].into_iter().chain(variables.iter().copied()).collect();
        let latchkey = Program { path: &self.latchkey, variables: &variables, core: None };
        Server::start(latchkey, config, api_key, &self.logs().join(log), self.http.clone(), &self.env).await
    }

    /// Starts the server with this number on a small disk of its own, with a copy of its folder. The disk disappears with
    /// the server.
    pub(crate) async fn start_on_small_disk(&self, replica: u32, api_key: Secret) -> anyhow::Result<Server> {
        let config = self.configure(replica, &json!({ "capacity": 0 }), None)?;
        let log = format!("{replica}-{}.log", self.count());
        let data = self.data(replica);
        let script = self.folder.join("on-small-disk");
        // The `exec`s keep the process id.
        std::fs::write(
            &script,
            "#!/bin/sh\nexec unshare --user --map-root-user --mount sh -c '\nset -e\ncp -a \"$DATA\" \"$DATA.kept\"\n\
             mount -t tmpfs -o size=16m,mode=700 tmpfs \"$DATA\"\ncp -a \"$DATA.kept/.\" \"$DATA/\"\n\
             exec \"$LATCHKEY\" \"$@\"' sh \"$@\"\n",
        )?;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700))?;
        let (data, latchkey) = (data.to_string_lossy(), self.latchkey.to_string_lossy());
        let variables = [("LATCHKEY_LOG", LOG), ("DATA", &*data), ("LATCHKEY", &*latchkey)];
        let program = Program { path: &script, variables: &variables, core: None };
        let log = self.logs().join(log);
        Server::start(program, &config, Some(api_key), &log, self.http.clone(), &self.env)
            .await
            .context("this case needs a mount namespace: run it as root, or allow user namespaces")
    }

    /// A number that was not used before.
    pub(crate) fn count(&self) -> u32 {
        self.starts.fetch_add(1, Ordering::Relaxed)
    }

    /// Folder of a server's escrow and, without PostgreSQL, its database.
    pub(crate) fn data(&self, replica: u32) -> PathBuf {
        self.folder.join(format!("data-{replica}"))
    }

    /// Number of grants in a server's escrow.
    pub(crate) fn deposits(&self, replica: u32) -> anyhow::Result<usize> {
        Ok(std::fs::read_dir(self.data(replica).join("escrow"))?.count())
    }

    /// Folder of the servers' logs: one file per start.
    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// The logs of all starts of a server.
    pub(crate) fn log_of(&self, replica: u32) -> anyhow::Result<String> {
        let mut logs = String::new();
        for start in 0..self.starts.load(Ordering::Relaxed) {
            let log = self.logs().join(format!("{replica}-{start}.log"));
            logs += &std::fs::read_to_string(log).unwrap_or_default();
        }
        ensure!(!logs.is_empty(), "server {replica} has logged nothing");
        Ok(logs)
    }

    fn configure(&self, replica: u32, bots: &Value, chromium: Option<&Path>) -> anyhow::Result<PathBuf> {
        let zoom = &self.simulator.ready;
        let mut configuration = json!({
            "listen": "127.0.0.1:0",
            "data_dir": self.data(replica),
            "key_file": self.folder.join("keys.json"),
            "zoom": {
                "oauth_base": zoom.zoom_base,
                "api_base": zoom.api_base,
                "ca_file": zoom.ca_file,
                "meeting_address": zoom.zoom_address,
                "meeting_spki": zoom.spki,
            },
            "bots": bots,
            "limits": { "enabled": false },
            "callbacks": { "allow_networks": ["127.0.0.0/8"] },
        });
        if let Some(chromium) = chromium {
            configuration["browser"] = json!({ "chromium": chromium });
        }
        if let Some(address) = &self.database_url {
            configuration["database_url"] = address.as_str().into();
        }
        let path = self.folder.join(format!("{replica}.toml"));
        std::fs::write(&path, toml::to_string(&configuration)?)?;
        Ok(path)
    }
}
