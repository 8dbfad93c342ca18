//! The configuration: a file, overridden by the environment. Unknown keys are refused. Every key has a default, except those
//! about a simulator.

mod api;
mod audit;
mod bot_log;
mod bots;
mod browser;
mod callbacks;
mod connections;
mod environment;
mod events;
mod keys;
mod limits;
mod links;
mod mail;
mod meeting_events;
mod meetings;
mod metrics;
mod pasted;
mod refresh;
mod screenshots;
mod settings_page;
mod zoom;

use std::{
    env, fs,
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use ::bots::Retention;
use anyhow::{Context as _, bail};
use ipnet::IpNet;
use model::Secret;
use serde::{Deserialize, Serialize};
use store_sql::postgres::Address;
use url::Url;

use self::{
    api::Api, audit::Audit, bot_log::BotLogSection, browser::BrowserSection, callbacks::Callbacks,
    connections::Connections, events::Events, keys::KeysSection, limits::Limits, links::Links,
    mail::MailSection, meeting_events::MeetingEventsSection, meetings::Meetings, metrics::Metrics,
    refresh::Refresh, screenshots::ScreenshotsSection, zoom::Zoom,
};
pub(crate) use self::{
    bots::{Bots, NumberOrMeasured, OnStop},
    keys::TransitSection,
    settings_page::settings_page,
};

/// `latchkey.toml`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Address on which the API listens.
    pub(crate) listen: SocketAddr,
    /// URL at which browsers and bot platforms reach the server; `http://<listen>` if not set.
    pub(crate) public_url: Option<Url>,
    /// Folder of the database, keys and screenshots.
    pub(crate) data_dir: PathBuf,
    /// URL of a PostgreSQL database; SQLite in `data_dir` if not set.
    #[serde(skip_serializing)]
    pub(crate) database_url: Option<Secret>,
    /// A file with the URL, instead of `database_url`.
    pub(crate) database_url_file: Option<PathBuf>,
    /// The key ring, which opens every stored secret; `<data_dir>/keys.json` if not set.
    pub(crate) key_file: Option<PathBuf>,
    /// The service that wraps the keys of the ring.
    pub(crate) keys: KeysSection,
    /// Zoom's addresses.
    pub(crate) zoom: Zoom,
    /// The Chromium of the bots.
    pub(crate) browser: BrowserSection,
    /// Refreshes of accounts.
    pub(crate) refresh: Refresh,
    /// Lists of accounts' meetings.
    pub(crate) meetings: Meetings,
    /// Bots of this process.
    pub(crate) bots: Bots,
    /// Pictures of bots' pages.
    pub(crate) screenshots: ScreenshotsSection,
    /// The log of bots' actions and their reasons.
    pub(crate) bot_log: BotLogSection,
    /// Events of bots' meetings.
    pub(crate) meeting_events: MeetingEventsSection,
    /// Fetching tokens from callers' URLs.
    pub(crate) callbacks: Callbacks,
    /// Events for webhook endpoints.
    pub(crate) events: Events,
    /// The SMTP server for mail.
    pub(crate) mail: MailSection,
    /// Token links.
    pub(crate) links: Links,
    /// The audit: who received which token.
    pub(crate) audit: Audit,
    /// Rate limits of the API.
    pub(crate) limits: Limits,
    /// Limits for connections and unauthenticated callers.
    pub(crate) connections: Connections,
    /// What the API shows.
    pub(crate) api: Api,
    /// Metrics for Prometheus.
    pub(crate) metrics: Metrics,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            data_dir: "data".into(),
            database_url: None,
            database_url_file: None,
            key_file: None,
            keys: KeysSection::default(),
            zoom: Zoom::default(),
            browser: BrowserSection::default(),
            refresh: Refresh::default(),
            meetings: Meetings::default(),
            bots: Bots::default(),
            screenshots: ScreenshotsSection::default(),
            bot_log: BotLogSection::default(),
            meeting_events: MeetingEventsSection::default(),
            callbacks: Callbacks::default(),
            events: Events::default(),
            mail: MailSection::default(),
            links: Links::default(),
            audit: Audit::default(),
            limits: Limits::default(),
            connections: Connections::default(),
            api: Api::default(),
            metrics: Metrics::default(),
        }
    }
}

/// Parses the networks of a configuration key.
pub(crate) fn networks(key: &str, texts: &[String]) -> anyhow::Result<Vec<IpNet>> {
    let network = |text: &String| {
        text.parse().map_err(|_| anyhow::anyhow!("{key}: {text:?} is not a network such as 10.1.0.0/16"))
    };
    texts.iter().map(network).collect()
}

impl Config {
    /// Reads the file, or the defaults if none is given and `latchkey.toml` does not exist. The environment takes
    /// precedence.
    pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let usual = Path::new("latchkey.toml");
        let path = path.or_else(|| usual.exists().then_some(usual));
        let text = match path {
            Some(path) => fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration {}", path.display()))?,
            None => String::new(),
        };
        let path = path.unwrap_or(Path::new("the environment"));
        let variables =
            env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
        let config = Self::of(&text, variables, path)?;
        config.zoom.check().with_context(|| path.display().to_string())?;
        config.meetings.check().with_context(|| path.display().to_string())?;
        config.bots.check().with_context(|| path.display().to_string())?;
        Ok(config)
    }

    /// The configuration in `text`, from the file at `path`, overridden by the variables.
    fn of(
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
        path: &Path,
    ) -> anyhow::Result<Self> {
        let in_file = |error: toml::de::Error| {
            let before = error.span().map_or("", |span| &text[..span.start]);
            let line = 1 + before.matches('\n').count();
            // The key of the wrong value.
            let key = before.rsplit('\n').next().and_then(|line| line.split_once('='));
            let key = key.map_or_else(String::new, |(key, _)| format!("{}: ", key.trim()));
            let (message, meant) = (one_line(error.message()), meant(error.message()));
            anyhow::anyhow!("{}, line {line}: {key}{message}{}", path.display(), meant.unwrap_or_default())
        };
        let (file, variables): (toml::Table, Vec<_>) =
            (toml::from_str(text).map_err(in_file)?, variables.collect());
        let mut table = file.clone();
        environment::overlay(&mut table, variables.iter().cloned())?;
        table.try_into().map_err(|error: toml::de::Error| {
            // Only the file's own text tells the line of an error.
            if let Err(error) = toml::from_str::<Self>(text) {
                return in_file(error);
            }
            // The first variable that is wrong on its own.
            let is_wrong = |variable: &&(String, String)| {
                let mut table = file.clone();
                environment::overlay(&mut table, std::iter::once((*variable).clone())).is_ok()
                    && table.try_into::<Self>().is_err()
            };
            let name = variables.iter().find(is_wrong).map(|(name, _)| &**name);
            let name = name.unwrap_or("with the variables of the environment");
            anyhow::anyhow!("{name}: {}", one_line(error.message()))
        })
    }

    /// Concurrency and intervals of the broker's workers.
    pub(crate) fn timing(&self) -> broker::Timing {
        meetings::timing(&self.refresh, &self.meetings)
    }

    /// How long data of bots is stored.
    pub(crate) fn retention(&self) -> Retention {
        let days = |days: NonZeroU32| Duration::from_secs(u64::from(days.get()) * 24 * 3600);
        Retention {
            bots: days(self.bots.keep_days),
            screenshots: days(self.screenshots.keep_days),
            bot_log: days(self.bot_log.keep_days),
            meeting_events: days(self.meeting_events.keep_days),
            ..Retention::default()
        }
    }

    /// All retention times, for the API.
    pub(crate) fn kept(&self) -> ::api::Kept {
        let Retention { bots, screenshots, bot_log, meeting_events, .. } = self.retention();
        let (events, audit) = (self.events.kept(), self.audit.kept());
        ::api::Kept { bots, screenshots, bot_log, meeting_events, events, audit }
    }

    /// Folder of audit records that are not in the store yet.
    pub(crate) fn audit_journal(&self) -> PathBuf {
        self.data_dir.join("audit")
    }

    /// Whether other servers may share the database but cannot show the pictures that this server's bots take.
    pub(crate) fn screenshots_stay_here(&self) -> bool {
        let may_be_one_of_several = self.database_url.is_some() || self.database_url_file.is_some();
        may_be_one_of_several && self.bots.capacity().runs_bots() && self.screenshots.are_beside_other_data()
    }

    /// The PostgreSQL database, if one is configured.
    pub(crate) fn postgres(&self) -> anyhow::Result<Option<Address>> {
        let url = match (&self.database_url, &self.database_url_file) {
            (None, None) => return Ok(None),
            (Some(url), None) => url.clone(),
            (None, Some(path)) => fs::read_to_string(path)
                .with_context(|| format!("cannot read database_url_file {}", path.display()))?
                .into(),
            (Some(_), Some(_)) => bail!("database_url and database_url_file are both set: remove one"),
        };
        Ok(Some(Address::read(&url)?))
    }
}

/// A suggestion for an unknown name. serde's message has the unknown name in backticks, then the known ones.
fn meant(message: &str) -> Option<String> {
    if message.contains("invalid socket address") {
        return Some("; give an IP address and a port, such as 127.0.0.1:8080".to_owned());
    }
    let mut names = message.strip_prefix("unknown field")?.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    let nearest = model::nearest(unknown, &names.collect::<Vec<_>>())?;
    Some(format!("; did you mean `{nearest}`?"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use model::Environment;

    use super::Config;

    #[test]
    fn the_sample_is_valid_and_contains_the_defaults() {
        let sample = include_str!("../../../docs/latchkey.sample.toml");
        let read: Config = toml::from_str(sample).unwrap();
        let defaults = Config::default();
        assert_eq!(toml::to_string(&read).unwrap(), toml::to_string(&defaults).unwrap());
    }

    #[test]
    fn the_database_is_set_once_and_not_printed() {
        let url = "database_url = 'postgres://ana:planted@db.example.com/keys'\n";
        let config: Config = toml::from_str(url).unwrap();
        let address = config.postgres().unwrap().unwrap();
        for printed in [format!("{config:?}{address:?}"), toml::to_string(&config).unwrap()] {
            assert!(!printed.contains("planted"), "{printed}");
        }
        let pasted: Config =
            toml::from_str(r#"database_url = " postgres://ana:planted@db.example.com/keys\r\n""#).unwrap();
        assert_eq!(format!("{:?}", pasted.postgres().unwrap().unwrap()), format!("{address:?}"));
        let twice: Config = toml::from_str(&format!("{url}database_url_file = 'url'")).unwrap();
        assert!(twice.postgres().unwrap_err().to_string().contains("remove one"));
        assert!(Config::default().postgres().unwrap().is_none());
    }

    #[test]
    fn pasted_keys_are_read() {
        let transit = |token: &str| {
            let text = format!(
                "[keys.transit]\naddress = 'https://bao.example.com'\nkey = ' latchkey\t'\ntoken = \"{token}\""
            );
            toml::from_str::<Config>(&text).map(|config| config.keys.transit.unwrap())
        };
        let read = transit(r" planted-token\r\n").unwrap();
        assert_eq!((read.key.as_str(), read.mount.as_str()), ("latchkey", "transit"));
        assert!(read.token.is_some() && read.namespace.is_none());
        let refused = transit(r"planted\ntoken").unwrap_err();
        assert!(refused.message().contains("character 8 is U+000A"), "{}", refused.message());
        assert!(transit(" ").is_err());
    }

    #[test]
    fn every_secret_is_read_by_the_same_rule() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let sections = [
            ("[metrics]\ntoken", true),
            ("[screenshots.s3]\nbucket = 'b'\naccess_key_id = 'id'\nsecret_access_key", true),
            ("[mail]\nserver = 'localhost:25'\nfrom = 'a@example.com'\nuser = 'a'\npassword", true),
            ("[keys.transit]\naddress = 'https://bao.example.com'\nkey = 'k'\ntoken", false),
        ];
        let base = "https://latchkey.example.com".parse().unwrap();
        for (key, has_file) in sections {
            let inline = |value: &str| toml::from_str::<Config>(&format!("{key} = \"{value}\"")).is_ok();
            assert!(inline(r"planted\r\n") && inline(r"\u200bplanted"), "{key}");
            for wrong in [" ", "…", "s.…", "********", "<token>", r"plan\u200bted", r"plan\nted"] {
                assert!(!inline(wrong), "{key}: {wrong}");
            }
            if !has_file {
                continue;
            }
            let in_file = |text: &str| {
                std::fs::write(&path, text).unwrap();
                let config = toml::from_str::<Config>(&format!("{key}_file = '{}'", path.display())).unwrap();
                if config.metrics.token_file.is_some() {
                    config.metrics.token().map(drop)
                } else if key.starts_with("[mail]") {
                    config.mail.mailer(&base, &Environment::system()).map(drop)
                } else {
                    config.screenshots.files(folder.path()).map(drop)
                }
            };
            in_file("\u{feff}planted\r\n").unwrap();
            for wrong in ["\n", "…", "********", "plan\nted", "plan\u{200b}ted"] {
                let words = model::chain(in_file(wrong).unwrap_err().as_ref()).to_string();
                assert!(words.contains("_file ") && !words.contains("plan"), "{words}");
            }
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<Config>("lisen = '127.0.0.1:1'").is_err());
        assert!(toml::from_str::<Config>("[zoom]\nclient_secret = 'x'").is_err());
    }
}
