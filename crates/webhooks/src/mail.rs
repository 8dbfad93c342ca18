//! E-mail endpoints: plain text, sent through the operator's SMTP server. Callers of the API choose only the recipient, and
//! never the server.

mod address;

use std::{
    fmt,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use lettre::{
    Address, Message,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::ClientId,
    },
};
use model::{Environment, Secret};
use serde::{Deserialize, Serialize};

use crate::text_message::TextMessage;

pub use address::MailRefusal;

/// The time limit for one mail, from connecting to the reply that accepts or refuses it.
const MAIL_TIMEOUT: Duration = Duration::from_secs(30);
/// The time limit for `QUIT`, after the server has accepted the mail.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);
/// The most bytes of a reply that are stored.
const MAX_KEPT: usize = 4 * 1024;

/// How the connection to the SMTP server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// With `STARTTLS`, before anything else is sent. Nothing is sent to a server that does not offer it.
    #[default]
    Starttls,
    /// With TLS from the first byte.
    Tls,
    /// Not encrypted.
    None,
}

/// The operator's settings for mail.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The SMTP server's host name or IP address. Its certificate must be valid for it.
    pub host: String,
    /// The SMTP server's port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: MailTls,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// The sender, such as `Latchkey <latchkey@example.com>`.
    pub from: String,
    /// The allowed domains of recipients; empty for all.
    pub allow_domains: Vec<String>,
    /// An additional certificate authority to trust, in PEM.
    pub authority: Option<Vec<u8>>,
}

/// What is wrong with [`MailSettings`].
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    /// The sender is invalid.
    #[error("mail.from is not a sender such as \"Latchkey <latchkey@example.com>\"")]
    From(#[source] lettre::address::AddressError),
    /// The certificate authority is invalid.
    #[error("mail.ca_file contains no usable certificate")]
    Authority(#[source] lettre::transport::smtp::Error),
    /// The password would be sent unencrypted.
    #[error(
        "mail.tls = \"none\" would send the password unencrypted: set \"starttls\" or \"tls\", or use a server on loopback"
    )]
    PlainPassword,
}

/// Sends mail. It opens a connection for each mail: mail is rare, and a connection that timed out cannot be used again.
#[derive(Clone)]
pub struct Mailer {
    host: String,
    port: u16,
    tls: MailTls,
    parameters: TlsParameters,
    login: Option<Credentials>,
    from: Mailbox,
    hello: ClientId,
    allow_domains: Vec<String>,
    env: Environment,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Connecting, TLS or the login failed. The reply's text is not shown to callers of the API, because it may repeat
    /// the login.
    #[error("the SMTP server of this installation cannot be used{}", code_of(.0))]
    Server(#[source] lettre::transport::smtp::Error),
    /// The server refused this mail.
    #[error("the SMTP server refused the mail{}", code_of(.0))]
    Refused(#[source] lettre::transport::smtp::Error),
    /// There was no reply in time.
    #[error("no response from the SMTP server within {} s", MAIL_TIMEOUT.as_secs())]
    TooSlow,
    /// No mail may be sent to this address.
    #[error(transparent)]
    Address(#[from] MailRefusal),
    /// The message could not be built.
    #[error("the mail could not be built")]
    Unwritten(#[source] lettre::error::Error),
}

/// The server's reply: its code and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) text: String,
}

/// A mail to be sent.
#[derive(Debug)]
pub(crate) struct Mail<'m> {
    /// The event's id, the same for every attempt. It is part of `Message-ID`.
    pub(crate) id: &'m str,
    /// The endpoint's URL: `mailto:` and an address.
    pub(crate) to: &'m str,
    pub(crate) text: &'m TextMessage,
    pub(crate) sequence: i64,
}

impl Mail<'_> {
    /// The mail's text.
    pub(crate) fn body(&self) -> String {
        let TextMessage { subject, lines } = self.text;
        format!(
            "{subject}.\r\n\r\n{}\r\n\r\n-- \r\nLatchkey, event {} (number {})\r\n",
            lines.join("\r\n"),
            self.id,
            self.sequence
        )
    }
}

fn code_of(error: &lettre::transport::smtp::Error) -> String {
    error.status().map_or(String::new(), |code| format!(" ({code})"))
}

impl MailError {
    /// The server's reply. Its text is left out if it is not about the mail itself, because it may repeat the login.
    pub(crate) fn reply(&self) -> Option<Reply> {
        let (error, is_about_mail) = match self {
            Self::Server(error) => (error, false),
            Self::Refused(error) => (error, true),
            Self::TooSlow | Self::Address(_) | Self::Unwritten(_) => return None,
        };
        let text = std::error::Error::source(error).filter(|_| is_about_mail).map(ToString::to_string);
        Some(Reply { code: error.status()?.into(), text: clipped(&text.unwrap_or_default()) })
    }

    /// Whether the refusal of this mail is permanent (5xx). A refused login is not, because the operator can correct the
    /// settings.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_permanent())
    }
}

impl Mailer {
    /// Creates a mailer with these settings. `hello` is the public host name of this server.
    pub fn new(settings: MailSettings, hello: &str, env: Environment) -> Result<Self, MailSettingsError> {
        let MailSettings { host, port, tls, login, from, allow_domains, authority } = settings;
        let is_loopback = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if login.is_some() && tls == MailTls::None && !is_loopback {
            return Err(MailSettingsError::PlainPassword);
        }
        let mut parameters = TlsParameters::builder(host.clone());
        if let Some(pem) = authority {
            let certificate = Certificate::from_pem(&pem).map_err(MailSettingsError::Authority)?;
            parameters = parameters.add_root_certificate(certificate);
        }
        Ok(Self {
            host,
            port,
            tls,
            parameters: parameters.build().map_err(MailSettingsError::Authority)?,
            login: login.map(|(user, password)| Credentials::new(user, password.expose().to_owned())),
            from: from.parse().map_err(MailSettingsError::From)?,
            hello: hello_of(hello),
            allow_domains: allow_domains.into_iter().map(|domain| domain.to_lowercase()).collect(),
            env,
        })
    }

    /// Checks whether mail may be sent to an endpoint's address: `mailto:` and an e-mail address.
    pub fn accepts(&self, url: &str) -> Result<(), MailRefusal> {
        self.address(url).map(drop)
    }

    fn address(&self, url: &str) -> Result<Address, MailRefusal> {
        let address = address::read(url)?;
        let domain = address.domain().to_lowercase();
        if self.allow_domains.is_empty() || self.allow_domains.contains(&domain) {
            return Ok(address);
        }
        Err(MailRefusal::Domain(domain))
    }

    /// Checks the settings: connects and logs in, without sending a mail.
    pub async fn reach(&self) -> Result<(), MailError> {
        let reached = self.env.clock.timeout(MAIL_TIMEOUT, self.connected()).await;
        let connection = reached.ok_or(MailError::TooSlow)?.map_err(MailError::Server)?;
        self.quit(connection).await;
        Ok(())
    }

    /// Sends one mail, once.
    pub(crate) async fn send(&self, mail: &Mail<'_>) -> Result<Reply, MailError> {
        let message = self.message(mail)?;
        let sent = async {
            let mut connection = self.connected().await.map_err(MailError::Server)?;
            let reply = connection.send(message.envelope(), &message.formatted()).await;
            Ok((reply.map_err(MailError::Refused)?, connection))
        };
        let (reply, connection) =
            self.env.clock.timeout(MAIL_TIMEOUT, sent).await.unwrap_or(Err(MailError::TooSlow))?;
        // The mail was accepted, so a failure of the connection no longer matters.
        self.quit(connection).await;
        let text = reply.message().collect::<Vec<_>>().join("\n");
        Ok(Reply { code: reply.code().into(), text: clipped(&text) })
    }

    /// Opens a connection, with encryption and login according to the settings.
    async fn connected(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let wrapped = (self.tls == MailTls::Tls).then(|| self.parameters.clone());
        let server = (self.host.as_str(), self.port);
        // The connection has no timeout of its own, because our clock limits the whole attempt.
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, None, &self.hello, wrapped, None).await?;
        if self.tls == MailTls::Starttls {
            connection.starttls(self.parameters.clone(), &self.hello).await?;
        }
        if let Some(login) = &self.login {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], login).await?;
        }
        Ok(connection)
    }

    async fn quit(&self, mut connection: AsyncSmtpConnection) {
        self.env.clock.timeout(QUIT_TIMEOUT, connection.abort()).await;
    }

    /// The headers of a mail as they are sent, except for the date. Empty if the mail can't be built.
    pub(crate) fn headers(&self, mail: &Mail<'_>) -> Vec<(&'static str, String)> {
        let Ok(message) = self.message(mail) else { return Vec::new() };
        let names = ["From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Type"];
        let written =
            names.iter().filter_map(|name| Some((*name, message.headers().get_raw(name)?.to_owned())));
        written.collect()
    }

    fn message(&self, mail: &Mail<'_>) -> Result<Message, MailError> {
        let to = self.address(mail.to)?;
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&mail.text.subject)
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(self.env.now().as_second().unsigned_abs()))
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            // Prevents automatic replies from mailboxes of absent people (RFC 3834).
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body())
            .map_err(MailError::Unwritten)
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// The name for `EHLO`: a host name or an IP address.
fn hello_of(host: &str) -> ClientId {
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
}

/// The part of a reply that is stored. NUL is replaced, because PostgreSQL's text can't contain it.
fn clipped(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_KEPT);
    text[..end].replace('\0', "\u{fffd}")
}
