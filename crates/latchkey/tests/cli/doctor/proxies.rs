//! Proxies in front of a server: one that drops a header, and one with TLS.

use std::{fs, net::TcpListener, path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

/// A proxy in front of `server` that drops one header. It handles one request per connection.
pub(super) async fn proxy_without(header: &'static str, server: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let mut upstream = tokio::net::TcpStream::connect(&server).await.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && caller.read_exact(&mut byte).await.is_ok() {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let kept = head.trim_end().lines().filter(|line| !line.to_lowercase().starts_with(header));
            let head = format!("{}\r\nconnection: close\r\n\r\n", kept.collect::<Vec<_>>().join("\r\n"));
            upstream.write_all(head.as_bytes()).await.unwrap();
            drop(tokio::io::copy_bidirectional(&mut caller, &mut upstream).await);
        }
    });
    address
}

/// A proxy with TLS in front of `server`. Its certificate expires on the day `ends`; its authority is written to `ca_file`.
pub(super) async fn tls_in_front(server: String, ends: (i32, u8, u8), ca_file: &Path) -> String {
    let key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "an authority of the test");
    fs::write(ca_file, ca.self_signed(&key).unwrap().pem()).unwrap();
    let leaf_key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
    leaf.not_before = date_time_ymd(2024, 1, 1);
    leaf.not_after = date_time_ymd(ends.0, ends.1, ends.2);
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(ca, key)).unwrap();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(tls)), TcpListener::bind("127.0.0.1:0").unwrap());
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move {
        while let Ok((caller, _)) = listener.accept().await {
            // The caller may only perform the handshake.
            let Ok(mut caller) = acceptor.accept(caller).await else { continue };
            let mut upstream = tokio::net::TcpStream::connect(&server).await.unwrap();
            drop(tokio::io::copy_bidirectional(&mut caller, &mut upstream).await);
        }
    });
    address
}
