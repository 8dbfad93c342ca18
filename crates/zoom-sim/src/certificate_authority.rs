//! The simulator's own certificate authority (CA), and the certificate that it serves.
//!
//! The CA is stored in the configured directory, so that clients still trust it after a restart. The leaf certificate is
//! created at each start.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData as _, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Names the leaf certificate is valid for: Zoom's hosts, and the loopback address for plain HTTP clients.
const NAMES: [&str; 5] = ["zoom.us", "*.zoom.us", "api.zoom.us", "localhost", "127.0.0.1"];

/// The CA, and the TLS configuration with a certificate signed by it.
pub(crate) struct Authority {
    /// Path of the CA certificate (PEM) for clients.
    pub(crate) ca_file: PathBuf,
    /// Base64 of the SHA-256 of the CA's public key (SPKI), for Chromium's
    /// `--ignore-certificate-errors-spki-list`: it accepts a chain when any certificate the
    /// server sent carries a listed key.
    pub(crate) spki: String,
    /// HTTP/1.1 only: WebSockets need it.
    pub(crate) tls: Arc<ServerConfig>,
}

/// Why the certificates could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Pem(#[from] rustls::pki_types::pem::Error),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

impl Authority {
    /// Loads the CA from `directory`, or creates one there (`ca.pem`, and `ca-key.pem` with mode 0600).
    pub(crate) fn open(directory: &Path) -> Result<Self, AuthorityError> {
        std::fs::create_dir_all(directory)?;
        let ca_file = directory.join("ca.pem");
        let key_file = directory.join("ca-key.pem");
        if !(ca_file.exists() && key_file.exists()) {
            let key = KeyPair::generate()?;
            write_private(&key_file, &key.serialize_pem())?;
            std::fs::write(&ca_file, ca_params()?.self_signed(&key)?.pem())?;
        }
        let ca_key = KeyPair::from_pem(&std::fs::read_to_string(&key_file)?)?;
        if !is_constrained(&CertificateDer::from_pem_file(&ca_file)?) {
            // An older version wrote this certificate without name constraints. The key stays the same, so that clients that
            // read this file still trust it.
            std::fs::write(&ca_file, ca_params()?.self_signed(&ca_key)?.pem())?;
        }
        let ca = CertificateDer::from_pem_file(&ca_file)?;
        let spki = STANDARD.encode(digest(&SHA256, &ca_key.subject_public_key_info()));

        let leaf_key = KeyPair::generate()?;
        let leaf = leaf_params()?.signed_by(&leaf_key, &Issuer::new(ca_params()?, ca_key))?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone(), ca], private)?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { ca_file, spki, tls: Arc::new(tls) })
    }
}

/// Whether a certificate carries the name constraints extension (2.5.29.30), by its encoded identifier.
fn is_constrained(ca: &CertificateDer<'_>) -> bool {
    const NAME_CONSTRAINTS: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x1e];
    ca.windows(NAME_CONSTRAINTS.len()).any(|bytes| bytes == NAME_CONSTRAINTS)
}

fn ca_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Zoom simulator: local test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Limits the damage if the key, which is stored next to the certificate, is stolen: clients trust this CA only for the
    // simulator's names. `zoom.us` covers its subdomains (RFC 5280).
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("zoom.us".into()),
            GeneralSubtree::DnsName("localhost".into()),
            GeneralSubtree::IpAddress(CidrSubnet::V4([127, 0, 0, 0], [255, 0, 0, 0])),
        ],
        excluded_subtrees: Vec::new(),
    });
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2054, 1, 1);
    Ok(params)
}

fn leaf_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(NAMES.map(String::from))?;
    params.distinguished_name.push(DnType::CommonName, "zoom.us (simulated)");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2054, 1, 1);
    Ok(params)
}

/// Writes a file that is created with owner-only permissions.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_the_same_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let first = Authority::open(directory.path()).unwrap();
        let pem = std::fs::read(&first.ca_file).unwrap();
        let second = Authority::open(directory.path()).unwrap();
        assert_eq!(first.spki, second.spki);
        assert_eq!(pem, std::fs::read(&second.ca_file).unwrap());
    }

    /// Verifies a certificate for `name` as a client that trusts the CA in `directory` does.
    fn verdict(directory: &Path, name: &str) -> Result<(), rustls::Error> {
        use rustls::client::{WebPkiServerVerifier, danger::ServerCertVerifier as _};
        use rustls::pki_types::{ServerName, UnixTime};
        let key = std::fs::read_to_string(directory.join("ca-key.pem")).unwrap();
        let issuer = Issuer::new(ca_params().unwrap(), KeyPair::from_pem(&key).unwrap());
        let mut params = leaf_params().unwrap();
        params.subject_alt_names = CertificateParams::new([name.to_owned()]).unwrap().subject_alt_names;
        let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(directory.join("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let (name, in_2026) = (
            ServerName::try_from(name.replace('*', "any")).unwrap(),
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_795_000_000)),
        );
        verifier.verify_server_cert(leaf.der(), &[], &name, &[], in_2026).map(|_| ())
    }

    #[test]
    fn the_authority_is_valid_only_for_the_simulators_names() {
        let directory = tempfile::tempdir().unwrap();
        Authority::open(directory.path()).unwrap();
        for name in NAMES {
            assert_eq!(verdict(directory.path(), name), Ok(()), "{name}");
        }
        for name in ["example.com", "zoom.us.example.com", "notzoom.us", "10.0.0.1", "::1"] {
            assert!(verdict(directory.path(), name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_old_authority_gets_name_constraints_and_keeps_its_key() {
        let directory = tempfile::tempdir().unwrap();
        let first = Authority::open(directory.path()).unwrap();
        let key = std::fs::read_to_string(directory.path().join("ca-key.pem")).unwrap();
        let mut params = ca_params().unwrap();
        params.name_constraints = None;
        let old = params.self_signed(&KeyPair::from_pem(&key).unwrap()).unwrap();
        std::fs::write(directory.path().join("ca.pem"), old.pem()).unwrap();
        assert_eq!(
            verdict(directory.path(), "example.com"),
            Ok(()),
            "without constraints any name is trusted"
        );
        let second = Authority::open(directory.path()).unwrap();
        assert_eq!(first.spki, second.spki);
        assert!(verdict(directory.path(), "example.com").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        Authority::open(directory.path()).unwrap();
        let mode = std::fs::metadata(directory.path().join("ca-key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
