//! E-mail endpoints: plain text, sent through the operator's SMTP server. A caller of the API chooses the recipient, never the
//! server.

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

/// Time for one mail, from connecting to the reply that accepts or refuses it.
const MAIL_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for `QUIT`, once the server has accepted the mail.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of a reply that are kept.
const MAX_KEPT: usize = 4 * 1024;

/// How the connection to the SMTP server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// By `STARTTLS`, before anything else is sent. A server that does not offer it gets nothing.
    #[default]
    Starttls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

/// An SMTP server, and who sends.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Its name, which its certificate has to hold, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: MailTls,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// Who the mail is from, such as `Latchkey <latchkey@example.com>`.
    pub from: String,
    /// Domains that endpoints may be in; any when there is none.
    pub allow_domains: Vec<String>,
    /// One more certificate authority to trust, in PEM.
    pub authority: Option<Vec<u8>>,
}

/// What is wrong with [`MailSettings`].
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    /// The sender.
    #[error("mail.from is not a sender such as \"Latchkey <latchkey@example.com>\"")]
    From(#[source] lettre::address::AddressError),
    /// The certificate authority.
    #[error("mail.ca_file holds no certificate that can be used")]
    Authority(#[source] lettre::transport::smtp::Error),
    /// A password would be readable on the way.
    #[error(
        "mail.tls = \"none\" would send the password as it is: set \"starttls\" or \"tls\", or use a server on loopback"
    )]
    PlainPassword,
}

/// Sends mail. It keeps no connections: mail is rare, and a connection that timed out cannot be used again.
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

/// Why no mail went out.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Connecting, TLS or the login failed. The reply's text is not shown to callers of the API: it may repeat the login.
    #[error("the SMTP server of this installation cannot be used{}", code_of(.0))]
    Server(#[source] lettre::transport::smtp::Error),
    /// The server refused this mail.
    #[error("the SMTP server did not take the mail{}", code_of(.0))]
    Refused(#[source] lettre::transport::smtp::Error),
    /// No reply in time.
    #[error("no answer of the SMTP server within {} s", MAIL_TIMEOUT.as_secs())]
    TooSlow,
    /// No mail may be sent to this address.
    #[error(transparent)]
    Address(#[from] MailRefusal),
    /// The mail could not be written.
    #[error("the mail could not be written")]
    Unwritten(#[source] lettre::error::Error),
}

/// The server's reply: its code and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) text: String,
}

/// A mail.
#[derive(Debug)]
pub(crate) struct Mail<'m> {
    /// The same for every attempt: `Message-ID` is made of it.
    pub(crate) id: &'m str,
    /// As an endpoint has it: `mailto:` and an address.
    pub(crate) to: &'m str,
    pub(crate) text: &'m TextMessage,
    pub(crate) sequence: i64,
}

impl Mail<'_> {
    /// Its text.
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
    /// The server's reply. The text is left out if it is about the login.
    pub(crate) fn reply(&self) -> Option<Reply> {
        let (error, is_about_mail) = match self {
            Self::Server(error) => (error, false),
            Self::Refused(error) => (error, true),
            Self::TooSlow | Self::Address(_) | Self::Unwritten(_) => return None,
        };
        let text = std::error::Error::source(error).filter(|_| is_about_mail).map(ToString::to_string);
        Some(Reply { code: error.status()?.into(), text: clipped(&text.unwrap_or_default()) })
    }

    /// Whether the refusal of this mail is permanent (5xx). A refused login is not: the operator can correct the settings.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_permanent())
    }
}

impl Mailer {
    /// A mailer with these settings. `hello` is the public name of this server.
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

    /// Whether mail may be sent to an endpoint's address: `mailto:` and an e-mail address.
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

    /// Connects and logs in, and sends nothing: a check of the settings.
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
        // The mail is accepted, even if the connection fails now.
        self.quit(connection).await;
        let text = reply.message().collect::<Vec<_>>().join("\n");
        Ok(Reply { code: reply.code().into(), text: clipped(&text) })
    }

    /// Opens a connection, encrypted and logged in as the settings say.
    async fn connected(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let wrapped = (self.tls == MailTls::Tls).then(|| self.parameters.clone());
        let server = (self.host.as_str(), self.port);
        // No timeout of its own: our clock bounds the whole attempt.
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

    /// The headers of a mail as they are written, but for its date; none if it cannot be written.
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
            // So that mailboxes of absent people send no automatic reply (RFC 3834).
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

/// The name in `EHLO`: a host's, or an address.
fn hello_of(host: &str) -> ClientId {
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
}

/// The part of a reply that is stored. PostgreSQL's text holds no NUL.
fn clipped(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_KEPT);
    text[..end].replace('\0', "\u{fffd}")
}
