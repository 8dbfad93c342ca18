//! The configuration: a file, and the environment over it. Unknown keys are refused; every key has a default but the ones about a simulator.

mod bots;
mod environment;
mod mail;
mod screenshots;
mod workers;

use std::{
    env, fs,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

use ::bots::Retention;
use anyhow::{Context as _, bail};
use api::{Bounds, Rates};
use audit::AuditMode;
use ipnet::IpNet;
use model::Secret;
use serde::{Deserialize, Deserializer, Serialize};
use store_sql::postgres::Address;
use token_links::{MOST_OF_A_WORKSPACE, REMEMBERED_IDS};
use url::Url;

pub(crate) use self::bots::{Bots, NumberOrMeasured, OnStop};
use self::{
    mail::MailSection,
    screenshots::ScreenshotsSection,
    workers::{Meetings, Refresh},
};

/// `latchkey.toml`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where the API listens.
    pub(crate) listen: SocketAddr,
    /// Where browsers and bot platforms reach it; `http://<listen>` if not given.
    pub(crate) public_url: Option<Url>,
    /// Database, keys and screenshots live in here.
    pub(crate) data_dir: PathBuf,
    /// PostgreSQL; SQLite in `data_dir` if not given.
    #[serde(skip_serializing)]
    pub(crate) database_url: Option<Secret>,
    /// A file that holds it, in its stead.
    pub(crate) database_url_file: Option<PathBuf>,
    /// Opens every stored secret; `<data_dir>/keys.json` if not given.
    pub(crate) key_file: Option<PathBuf>,
    /// Who has wrapped the keys in it.
    pub(crate) keys: KeysSection,
    /// Which Zoom.
    pub(crate) zoom: Zoom,
    /// Which Chromium.
    pub(crate) browser: BrowserSection,
    /// Refreshes of accounts.
    pub(crate) refresh: Refresh,
    /// Lists of accounts' meetings.
    pub(crate) meetings: Meetings,
    /// Bots of this process.
    pub(crate) bots: Bots,
    /// Pictures of bots' pages.
    pub(crate) screenshots: ScreenshotsSection,
    /// What bots did, and why.
    pub(crate) bot_log: BotLogSection,
    /// What happened in bots' meetings.
    pub(crate) meeting_events: MeetingEventsSection,
    /// Fetching tokens from callers' URLs.
    pub(crate) callbacks: Callbacks,
    /// What endpoints are told of.
    pub(crate) events: Events,
    /// Through whom mail is sent.
    pub(crate) mail: MailSection,
    /// Links that give tokens.
    pub(crate) links: Links,
    /// Who was given which token.
    pub(crate) audit: Audit,
    /// How often the API may be called.
    pub(crate) limits: Limits,
    /// Limits for callers who are not known yet.
    pub(crate) connections: Connections,
    /// What the API shows.
    pub(crate) api: Api,
    /// Counters for Prometheus.
    pub(crate) metrics: Metrics,
}

/// `[keys]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeysSection {
    /// A key service; keys lie in the clear if not given.
    pub(crate) transit: Option<TransitSection>,
}

/// `[keys.transit]`: OpenBao, Vault, or whatever else speaks their transit engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransitSection {
    pub(crate) address: Url,
    /// Where the engine is mounted.
    #[serde(default = "transit", deserialize_with = "pasted")]
    pub(crate) mount: String,
    /// The key's name there.
    #[serde(deserialize_with = "pasted")]
    pub(crate) key: String,
    #[serde(default, deserialize_with = "pasted_or_none")]
    pub(crate) namespace: Option<String>,
    #[serde(skip_serializing, default, deserialize_with = "pasted_or_none")]
    pub(crate) token: Option<Secret>,
    /// A file that holds it, in its stead.
    pub(crate) token_file: Option<PathBuf>,
    /// One more certificate authority to trust.
    pub(crate) ca_file: Option<PathBuf>,
}

fn transit() -> String {
    "transit".into()
}

/// `[zoom]`: real unless told otherwise.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Zoom {
    /// Consent and token endpoint.
    pub(crate) oauth_base: Url,
    /// REST API.
    pub(crate) api_base: Url,
    /// How many refreshes a second Zoom is asked for, for each app and by all servers. Zoom publishes no limit.
    pub(crate) refreshes_per_second: NonZeroU32,
    /// One more certificate authority to trust: the simulator's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Send bots to this address instead of zoom.us: the simulator's.
    pub(crate) meeting_address: Option<SocketAddr>,
    /// The key that bots trust at `meeting_address`: SHA-256 of its SPKI, Base64.
    #[serde(deserialize_with = "pasted_or_none")]
    pub(crate) meeting_spki: Option<String>,
    /// The simulator's control API, on this machine: the console offers *Try it*.
    pub(crate) simulator_control: Option<Url>,
}

/// `[browser]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BrowserSection {
    /// A path, or a name on `PATH`.
    pub(crate) chromium: PathBuf,
    /// The `dist` folder of `@zoom/meetingsdk`.
    pub(crate) sdk_dir: PathBuf,
    /// Chromium's own sandbox; it does not work as root. On unless running as root, if not given.
    pub(crate) sandbox: Option<bool>,
}

/// `[bot_log]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BotLogSection {
    /// How long entries are kept, in days.
    pub(crate) keep_days: NonZeroU32,
}

/// `[meeting_events]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MeetingEventsSection {
    /// How long they are kept after the bot's end, in days.
    pub(crate) keep_days: NonZeroU32,
}

/// `[callbacks]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Callbacks {
    /// Private networks that `zak_url` may point into, such as `10.1.0.0/16`.
    pub(crate) allow_networks: Vec<String>,
}

/// `[events]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Events {
    /// How long events and their deliveries are kept, in days.
    pub(crate) keep_days: NonZeroU32,
}

/// `[links]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Links {
    /// Signed requests in ten minutes whose ids are remembered. Those beyond are turned away.
    pub(crate) remembered_ids: usize,
    /// Fetches of a workspace that are answered at once.
    pub(crate) most_of_a_workspace: NonZeroUsize,
}

/// `[audit]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Audit {
    /// Whether a token is given when its record cannot be written.
    pub(crate) mode: AuditMode,
    /// Whether records go to this server's disk before they go to the database. By default with SQLite.
    pub(crate) disk_first: Option<bool>,
    /// How long records are kept, in days.
    pub(crate) keep_days: u32,
}

/// `[limits]`: calls a minute.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Whether there are any, but for those of single keys.
    pub(crate) enabled: bool,
    /// New bots, for each workspace.
    pub(crate) create_bot: NonZeroU32,
    /// Each long list, for each workspace.
    pub(crate) lists: NonZeroU32,
    /// Every other endpoint, for each workspace.
    pub(crate) others: NonZeroU32,
    /// Everything that one key asks for, unless the key has a limit of its own.
    pub(crate) key: NonZeroU32,
}

/// `[connections]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Connections {
    /// At once.
    pub(crate) most: NonZeroUsize,
    /// At once from one address.
    pub(crate) most_of_an_address: NonZeroUsize,
    /// Requests of one workspace that are worked on at once.
    pub(crate) most_of_a_workspace: NonZeroUsize,
    /// Networks of reverse proxies, whose addresses are not counted one by one.
    pub(crate) proxies: Vec<String>,
    /// For the head of a request, once it has begun.
    pub(crate) head_seconds: NonZeroU32,
    /// For its body.
    pub(crate) body_seconds: NonZeroU32,
    /// Between an answer and the next request.
    pub(crate) idle_seconds: NonZeroU32,
    /// Memory for bodies.
    pub(crate) bodies_mib: NonZeroUsize,
}

/// `[api]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    /// Whether Zoom apps are shown with their secrets.
    pub(crate) show_app_secrets: bool,
    /// Origins that browsers may be sent on to after an account was connected.
    pub(crate) return_origins: Vec<Url>,
}

/// `[metrics]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Metrics {
    /// Whether `/metrics` is answered.
    pub(crate) enabled: bool,
    /// Where it is answered, and nothing else is; where the API listens if not given.
    pub(crate) listen: Option<SocketAddr>,
    /// What a scraper has to bring.
    #[serde(skip_serializing, deserialize_with = "pasted_or_none")]
    pub(crate) token: Option<Secret>,
    /// A file that holds it, in its stead.
    pub(crate) token_file: Option<PathBuf>,
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

impl Default for Zoom {
    fn default() -> Self {
        let url = |text: &str| text.parse().expect("a literal");
        Self {
            oauth_base: url("https://zoom.us"),
            api_base: url("https://api.zoom.us"),
            refreshes_per_second: NonZeroU32::new(10).expect("not zero"),
            ca_file: None,
            meeting_address: None,
            meeting_spki: None,
            simulator_control: None,
        }
    }
}

impl Default for BrowserSection {
    fn default() -> Self {
        Self {
            chromium: "chromium".into(),
            sdk_dir: "web/node_modules/@zoom/meetingsdk/dist".into(),
            sandbox: None,
        }
    }
}

impl Default for Links {
    fn default() -> Self {
        let most_of_a_workspace = NonZeroUsize::new(MOST_OF_A_WORKSPACE).expect("not zero");
        Self { remembered_ids: REMEMBERED_IDS, most_of_a_workspace }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self { mode: AuditMode::Strict, disk_first: None, keep_days: 400 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let Rates { create_bot, lists, others, key } = Rates::default();
        Self { enabled: true, create_bot, lists, others, key }
    }
}

impl Limits {
    /// How often the API may be called.
    pub(crate) fn rates(&self) -> Option<Rates> {
        let &Self { enabled, create_bot, lists, others, key } = self;
        enabled.then_some(Rates { create_bot, lists, others, key })
    }
}

const MIB: usize = 1024 * 1024;

impl Default for Connections {
    fn default() -> Self {
        let Bounds {
            connections,
            of_an_address,
            of_a_workspace,
            proxies,
            head_within,
            body_within,
            idle,
            bodies,
        } = Bounds::default();
        let count = |count| NonZeroUsize::new(count).expect("not zero");
        let seconds = |span: Duration| {
            NonZeroU32::new(span.as_secs().try_into().expect("a short time")).expect("not zero")
        };
        Self {
            most: count(connections),
            most_of_an_address: count(of_an_address),
            most_of_a_workspace: count(of_a_workspace),
            proxies: proxies.iter().map(ToString::to_string).collect(),
            head_seconds: seconds(head_within),
            body_seconds: seconds(body_within),
            idle_seconds: seconds(idle),
            bodies_mib: count(bodies / MIB),
        }
    }
}

impl Connections {
    /// The same, where no more than `possible` connections can be had.
    pub(crate) fn bounds(&self, possible: usize) -> anyhow::Result<Bounds> {
        let seconds = |seconds: NonZeroU32| Duration::from_secs(seconds.get().into());
        Ok(Bounds {
            connections: self.most.get().min(possible),
            of_an_address: self.most_of_an_address.get(),
            of_a_workspace: self.most_of_a_workspace.get(),
            proxies: networks("connections.proxies", &self.proxies)?,
            head_within: seconds(self.head_seconds),
            body_within: seconds(self.body_seconds),
            idle: seconds(self.idle_seconds),
            bodies: self.bodies_mib.get().saturating_mul(MIB),
        })
    }
}

/// The networks that a key of the configuration names.
pub(crate) fn networks(key: &str, texts: &[String]) -> anyhow::Result<Vec<IpNet>> {
    let network = |text: &String| {
        text.parse().map_err(|_| anyhow::anyhow!("{key}: {text:?} is not a network such as 10.1.0.0/16"))
    };
    texts.iter().map(network).collect()
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, listen: None, token: None, token_file: None }
    }
}

impl Metrics {
    /// What a scraper has to bring, if anything.
    pub(crate) fn token(&self) -> anyhow::Result<Option<Secret>> {
        match (&self.token, &self.token_file) {
            (Some(_), Some(_)) => bail!("metrics.token and metrics.token_file are both set: keep one"),
            (Some(token), None) => Ok(Some(token.clone())),
            (None, Some(path)) => secret_in("metrics.token_file", path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

impl Default for BotLogSection {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::new(30).expect("not zero") }
    }
}

impl Default for MeetingEventsSection {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::new(30).expect("not zero") }
    }
}

impl Zoom {
    /// What the simulator is told must stay on this machine, and nothing is played where Zoom itself is spoken to.
    fn check_simulator(&self) -> anyhow::Result<()> {
        let Some(control) = &self.simulator_control else { return Ok(()) };
        let is_here = match control.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        };
        if control.scheme() != "http" || !is_here {
            bail!(
                "zoom.simulator_control must be http:// and an address of this machine, as `latchkey sim` prints it"
            );
        }
        if self.ca_file.is_none() {
            bail!(
                "zoom.simulator_control needs zoom.ca_file, the simulator's: `latchkey sim --write-config` writes both"
            );
        }
        Ok(())
    }
}

impl Default for Events {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::new(30).expect("not zero") }
    }
}

impl Events {
    /// How long they are kept.
    pub(crate) fn kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days.get()) * 24 * 3600)
    }
}

impl Audit {
    /// How long records are kept.
    pub(crate) fn kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days) * 24 * 3600)
    }
}

impl Config {
    /// Reads the file, or the defaults when none is named and `latchkey.toml` is not there. What the environment says wins.
    pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let usual = Path::new("latchkey.toml");
        let path = path.or_else(|| usual.exists().then_some(usual));
        let text = match path {
            Some(path) => fs::read_to_string(path)
                .with_context(|| format!("the configuration {} cannot be read", path.display()))?,
            None => String::new(),
        };
        let path = path.unwrap_or(Path::new("the environment"));
        let variables =
            env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
        let config = Self::of(&text, variables, path)?;
        if config.zoom.meeting_address.is_some() != config.zoom.meeting_spki.is_some() {
            bail!(
                "{}: zoom.meeting_address and zoom.meeting_spki belong together: set both or none",
                path.display()
            );
        }
        config.zoom.check_simulator().with_context(|| path.display().to_string())?;
        config.meetings.check().with_context(|| path.display().to_string())?;
        config.bots.check().with_context(|| path.display().to_string())?;
        Ok(config)
    }

    /// The configuration in `text`, of the file at `path`, with what the variables say over it.
    fn of(
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
        path: &Path,
    ) -> anyhow::Result<Self> {
        let in_file = |error: toml::de::Error| {
            let before = error.span().map_or("", |span| &text[..span.start]);
            let line = 1 + before.matches('\n').count();
            // The key whose value it is.
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
            // Which line is wrong, the file alone tells.
            if let Err(error) = toml::from_str::<Self>(text) {
                return in_file(error);
            }
            // The first variable that is wrong without the others.
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

    /// What the broker's workers do at once, and how often.
    pub(crate) fn timing(&self) -> broker::Timing {
        workers::timing(&self.refresh, &self.meetings)
    }

    /// How long is kept what bots leave behind.
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

    /// How long everything is kept, for those who ask.
    pub(crate) fn kept(&self) -> api::Kept {
        let Retention { bots, screenshots, bot_log, meeting_events, .. } = self.retention();
        let (events, audit) = (self.events.kept(), self.audit.kept());
        api::Kept { bots, screenshots, bot_log, meeting_events, events, audit }
    }

    /// Where records of the audit lie until the store has them.
    pub(crate) fn audit_journal(&self) -> PathBuf {
        self.data_dir.join("audit")
    }

    /// The PostgreSQL database, if it is to be one.
    pub(crate) fn postgres(&self) -> anyhow::Result<Option<Address>> {
        let url = match (&self.database_url, &self.database_url_file) {
            (None, None) => return Ok(None),
            (Some(url), None) => url.clone(),
            (None, Some(path)) => fs::read_to_string(path)
                .with_context(|| format!("database_url_file {} cannot be read", path.display()))?
                .into(),
            (Some(_), Some(_)) => bail!("database_url and database_url_file are both set: keep one"),
        };
        Ok(Some(Address::read(&url)?))
    }
}

/// The name that an unknown one was meant to be. serde lists the names that it knows between backticks, behind the other.
fn meant(message: &str) -> Option<String> {
    if message.contains("invalid socket address") {
        return Some("; give an IP address and a port, such as 127.0.0.1:8080".to_owned());
    }
    let mut names = message.strip_prefix("unknown field")?.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    let nearest = model::nearest(unknown, &names.collect::<Vec<_>>())?;
    Some(format!("; did you mean `{nearest}`?"))
}

/// An id or a secret of the file, as it was pasted.
fn pasted<'de, D: Deserializer<'de>, T: From<String>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let word = model::pasted(&text).map_err(serde::de::Error::custom)?;
    Ok(T::from(word.to_owned()))
}

fn pasted_or_none<'de, D: Deserializer<'de>, T: From<String>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    pasted(deserializer).map(Some)
}

/// The secret in a file that this key names.
fn secret_in(key: &str, path: &Path) -> anyhow::Result<Secret> {
    let file = || format!("{key} {}", path.display());
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", file()))?;
    let word = model::pasted(&text).with_context(|| format!("{} holds no secret", file()))?;
    Ok(Secret::new(word))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn the_sample_is_a_configuration_and_says_the_defaults() {
        let sample = include_str!("../../../docs/latchkey.sample.toml");
        let read: Config = toml::from_str(sample).unwrap();
        let defaults = Config::default();
        assert_eq!(toml::to_string(&read).unwrap(), toml::to_string(&defaults).unwrap());
    }

    #[test]
    fn the_database_is_named_once_and_not_printed() {
        let url = "database_url = 'postgres://ana:planted@db.example.com/keys'\n";
        let config: Config = toml::from_str(url).unwrap();
        let address = config.postgres().unwrap().unwrap();
        for printed in [format!("{config:?}{address:?}"), toml::to_string(&config).unwrap()] {
            assert!(!printed.contains("planted"), "{printed}");
        }
        let twice: Config = toml::from_str(&format!("{url}database_url_file = 'url'")).unwrap();
        assert!(twice.postgres().unwrap_err().to_string().contains("keep one"));
        assert!(Config::default().postgres().unwrap().is_none());
    }

    #[test]
    fn keys_are_read_as_they_are_pasted() {
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
            ("[keys.transit]\naddress = 'https://bao.example.com'\nkey = 'k'\ntoken", false),
        ];
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
                } else {
                    config.screenshots.files(folder.path()).map(drop)
                }
            };
            in_file("\u{feff}planted\r\n").unwrap();
            for wrong in ["\n", "…", "********", "plan\nted", "plan\u{200b}ted"] {
                let words = format!("{:#}", in_file(wrong).unwrap_err());
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
