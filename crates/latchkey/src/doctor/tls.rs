//! A TLS handshake with a shifted clock: whether a certificate is valid now, and whether it will be in some weeks.

use std::{sync::Arc, time::Duration};

use model::Environment;
use rustls::{
    CertificateError, ClientConfig,
    pki_types::{ServerName, UnixTime},
    time_provider::TimeProvider,
};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

/// Why TLS failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    /// No server listens, or the name is unknown.
    #[error("no connection: {0}")]
    NoConnection(std::io::Error),
    /// The certificate has expired.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate is not signed by an authority that this machine trusts.
    #[error("its certificate is not signed by an authority that this machine trusts")]
    UnknownIssuer,
    /// The certificate is for another host.
    #[error("its certificate is for another name")]
    AnotherName,
    /// Anything else.
    #[error("TLS fails: {0}")]
    Other(String),
}

/// Connects to `url` and performs the handshake as if the time were `ahead` later than now.
pub(super) async fn handshake(url: &Url, ahead: Duration, env: &Environment) -> Result<(), TlsError> {
    let other = |error: &dyn std::fmt::Display| TlsError::Other(error.to_string());
    let (host, port) =
        url.host_str().zip(url.port_or_known_default()).ok_or_else(|| other(&"the URL names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let seconds = u64::try_from((env.now() + ahead).as_second()).unwrap_or_default();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(FixedTime(seconds)))
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| other(&error))?
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| other(&error))?;
    let stream = TcpStream::connect((host, port)).await.map_err(TlsError::NoConnection)?;
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(_) => Ok(()),
        Err(error) => Err(judge(&error)),
    }
}

fn judge(error: &std::io::Error) -> TlsError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsError::Expired,
            CertificateError::UnknownIssuer => TlsError::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsError::AnotherName
            }
            other => TlsError::Other(other.to_string()),
        },
        _ => TlsError::Other(error.to_string()),
    }
}

/// A fixed clock.
#[derive(Debug)]
struct FixedTime(u64);

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}
