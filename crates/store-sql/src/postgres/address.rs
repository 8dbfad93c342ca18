//! The address of the database, with the user.

use std::{fmt, str::FromStr as _, sync::Arc};

use model::Secret;
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};

use super::OpenError;

/// A parsed `postgres://user:password@host:port/database`. It prints without the password.
#[derive(Clone)]
pub struct Address(Arc<PgConnectOptions>);

impl Address {
    /// Parses an address. Missing parts come from `PGHOST`, `PGUSER` and so on; the password also from
    /// `~/.pgpass`.
    pub fn read(url: &Secret) -> Result<Self, OpenError> {
        let url = url.expose().trim();
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(OpenError::Address { cause: "it does not begin with postgres://".into() });
        }
        let options =
            PgConnectOptions::from_str(url).map_err(|error| OpenError::Address { cause: error.into() })?;
        Ok(Self(Arc::new(options.application_name("latchkey").disable_statement_logging())))
    }

    /// Options of a connection. They set nothing on the session, because a pooler ignores or refuses such settings.
    pub(crate) fn options(&self) -> PgConnectOptions {
        PgConnectOptions::clone(&self.0).extra_float_digits(None)
    }

    /// The user.
    pub fn user(&self) -> &str {
        self.0.get_username()
    }

    /// The database's name; as usual with PostgreSQL, the user's name by default.
    pub fn database(&self) -> &str {
        self.0.get_database().unwrap_or(self.user())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(options) = self;
        match options.get_socket() {
            Some(socket) => write!(f, "{}:{}", socket.display(), options.get_port()),
            None => write!(f, "{}:{}", options.get_host(), options.get_port()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}@{self}/{})", self.user(), self.database())
    }
}

#[cfg(test)]
mod tests {
    use model::Secret;

    use super::Address;

    #[test]
    fn it_prints_without_the_password() {
        let address =
            Address::read(&Secret::new("postgres://ana:planted@db.example.com:5433/keys\n")).unwrap();
        assert_eq!(format!("{address:?}"), "Address(ana@db.example.com:5433/keys)");
    }

    #[test]
    fn the_error_does_not_quote_it() {
        for url in ["mysql://ana:planted@host/keys", "postgres://ana:planted@host:port/keys", "planted"] {
            let complaint = Address::read(&Secret::new(url)).unwrap_err().to_string();
            assert!(complaint.contains("database_url") && !complaint.contains("planted"), "{complaint}");
        }
    }
}
