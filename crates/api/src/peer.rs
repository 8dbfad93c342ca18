//! Who is at the other end of the connection.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::request::Parts,
};

/// The address that connected, for the audit. Behind a proxy it is the proxy's: what `X-Forwarded-For` claims is written
/// by whoever likes, and is not believed. `None` when the request came over no connection, as in tests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // An IPv4 address that came in over IPv6 is written like any other.
        Ok(Self(connection.map(|ConnectInfo(address)| address.ip().to_canonical())))
    }
}
