//! `[mail]`: the SMTP server for endpoints of the kind `email`.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use model::{Environment, Secret};
use serde::{Deserialize, Serialize};
use url::Url;
use webhooks::{MailSettings, MailTls, Mailer};

use super::pasted::{password_in, password_or_none, pasted_or_none};

/// `[mail]`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MailSection {
    /// The SMTP server, as `host:port`. Without one, no mail is sent.
    server: Option<String>,
    /// Sender of the mail.
    from: Option<String>,
    /// How the connection is encrypted.
    tls: MailTls,
    /// User name of the login; no login if not set.
    #[serde(deserialize_with = "pasted_or_none")]
    user: Option<String>,
    #[serde(skip_serializing, deserialize_with = "password_or_none")]
    password: Option<Secret>,
    /// A file with the password, instead of `password`.
    password_file: Option<PathBuf>,
    /// An additional certificate authority to trust.
    ca_file: Option<PathBuf>,
    /// Domains that endpoints may have; any if empty.
    allow_domains: Vec<String>,
}

impl MailSection {
    /// The mailer, if an SMTP server is configured. `public_base` contains the name that this server uses in SMTP.
    pub(crate) fn mailer(&self, public_base: &Url, env: &Environment) -> anyhow::Result<Option<Mailer>> {
        let Some(settings) = self.settings()? else { return Ok(None) };
        let hello = public_base.host_str().unwrap_or("localhost");
        Ok(Some(Mailer::new(settings, hello, env.clone())?))
    }

    fn settings(&self) -> anyhow::Result<Option<MailSettings>> {
        let Self { server, from, tls, user, ca_file, allow_domains, .. } = self;
        let Some(server) = server else {
            if from.is_some() || user.is_some() {
                bail!("mail.server is missing: without an SMTP server the rest of [mail] has no effect");
            }
            return Ok(None);
        };
        let Some(from) = from else { bail!("mail.from is missing: set a sender that {server} accepts") };
        let (host, port) = server
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host.trim_matches(['[', ']']), port.parse().ok()?)))
            .filter(|(host, _)| !host.is_empty())
            .with_context(|| {
                format!("mail.server: {server:?} is not a host with a port, such as smtp.example.com:587")
            })?;
        let authority = ca_file.as_ref().map(|path| {
            fs::read(path).with_context(|| format!("cannot read mail.ca_file {}", path.display()))
        });
        Ok(Some(MailSettings {
            host: host.to_owned(),
            port,
            tls: *tls,
            login: match (user, self.password()?) {
                (Some(user), Some(password)) => Some((user.clone(), password)),
                (None, None) => None,
                (Some(_), None) => bail!("mail.user is set without mail.password or mail.password_file"),
                (None, Some(_)) => bail!("mail.password is set without mail.user"),
            },
            from: from.clone(),
            allow_domains: allow_domains.clone(),
            authority: authority.transpose()?,
        }))
    }

    /// Whether the configuration file itself contains a password.
    pub(crate) fn holds_a_password(&self) -> bool {
        self.password.is_some()
    }

    fn password(&self) -> anyhow::Result<Option<Secret>> {
        match (&self.password, &self.password_file) {
            (Some(_), Some(_)) => bail!("mail.password and mail.password_file are both set: remove one"),
            (Some(password), None) => Ok(Some(password.clone())),
            (None, Some(path)) => password_in("mail.password_file", path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Environment;

    use super::MailSection;

    fn read(text: &str) -> Result<bool, String> {
        let section: MailSection = toml::from_str(text).unwrap();
        let base = "https://latchkey.example.com".parse().unwrap();
        let mailer = section.mailer(&base, &Environment::system());
        mailer.map(|mailer| mailer.is_some()).map_err(|error| model::chain(error.as_ref()).to_string())
    }

    #[test]
    fn an_incomplete_section_names_what_is_missing() {
        assert_eq!(read(""), Ok(false));
        let whole = "server = '[::1]:25'\nfrom = 'Latchkey <latchkey@example.com>'\n";
        assert_eq!(read(whole), Ok(true));
        for (text, words) in [
            ("from = 'a@example.com'", "mail.server is missing"),
            ("server = 'smtp.example.com:587'", "mail.from is missing"),
            ("server = 'smtp.example.com'\nfrom = 'a@example.com'", "not a host with a port"),
            ("server = ':587'\nfrom = 'a@example.com'", "not a host with a port"),
            ("server = 'smtp.example.com:587'\nfrom = 'nobody'", "mail.from is not a sender"),
            (&format!("{whole}user = 'a'"), "mail.user is set without"),
            (&format!("{whole}password = 'a'"), "without mail.user"),
            (&format!("{whole}password = 'a'\npassword_file = 'b'\nuser = 'c'"), "remove one"),
            (&format!("{whole}ca_file = '/nowhere/ca.pem'"), "cannot read mail.ca_file /nowhere/ca.pem"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn a_password_is_not_sent_unencrypted_to_another_machine() {
        let login = |server: &str| {
            format!(
                "server = '{server}'\nfrom = 'a@example.com'\ntls = 'none'\nuser = 'a'\npassword = 'planted'"
            )
        };
        assert_eq!(read(&login("127.0.0.1:25")), Ok(true));
        let said = read(&login("smtp.example.com:25")).unwrap_err();
        assert!(said.contains("mail.tls") && !said.contains("planted"), "{said}");
        let section: MailSection = toml::from_str(&login("localhost:25")).unwrap();
        assert!(!format!("{section:?}{}", toml::to_string(&section).unwrap()).contains("planted"));
    }
}
