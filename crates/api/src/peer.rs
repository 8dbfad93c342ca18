//! The address of the client.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::request::Parts,
};

/// The address of the client, for the audit log. Behind a proxy it is the proxy's: `X-Forwarded-For` can be
/// forged and is ignored. `None` when there is no connection, as in tests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // An IPv4 address that arrived over IPv6 is written as IPv4.
        Ok(Self(connection.map(|ConnectInfo(address)| address.ip().to_canonical())))
    }
}
