//! The addresses that may be called: the public internet, and what the operator allows.
//!
//! Callback URLs come from callers. Without a guard they could reach everything that this server can reach: metadata
//! services, databases, other hosts in its network. A name is checked by the addresses that it resolves to when the
//! connection is made.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::special_purpose::is_public;

/// Checks addresses. It is the resolver of the HTTP client, so no connection to a name bypasses it.
#[derive(Debug, Clone)]
pub struct NetworkGuard {
    allowed: Vec<IpNet>,
    /// Whether the public internet is allowed too.
    public: bool,
}

/// The address, or every address that the name resolves to, is not allowed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "This address may not be called: a public one needs https, a private one an entry in callbacks.allow_networks."
)]
pub(crate) struct Forbidden;

/// The name does not resolve.
#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve")]
pub(crate) struct LookupFailed(#[from] std::io::Error);

impl NetworkGuard {
    /// Allows the public internet and these networks.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed, public: true }
    }

    /// Allows these networks only, which may be called without TLS.
    pub(crate) fn inside(&self) -> Self {
        Self { allowed: self.allowed.clone(), public: false }
    }

    /// Whether connections to `address` are allowed.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|net| net.contains(&address)) || (self.public && is_public(address))
    }

    async fn addresses(&self, host: &str) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
        // The client replaces port 0 with its own.
        let found: Vec<SocketAddr> =
            tokio::net::lookup_host((host, 0)).await.map_err(LookupFailed)?.collect();
        let open: Vec<SocketAddr> =
            found.iter().copied().filter(|address| self.allows(address.ip())).collect();
        if open.is_empty() && !found.is_empty() {
            return Err(Forbidden.into());
        }
        Ok(Box::new(open.into_iter()))
    }
}

impl Resolve for NetworkGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move { guard.addresses(name.as_str()).await })
    }
}

#[cfg(test)]
mod tests {
    use super::NetworkGuard;

    #[test]
    fn private_addresses_are_refused_in_every_notation() {
        let guard = NetworkGuard::new(Vec::new());
        for refused in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.9.9",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!guard.allows(refused.parse().unwrap()), "{refused}");
        }
        for public in ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"] {
            assert!(guard.allows(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn the_operator_allows_networks() {
        let guard = NetworkGuard::new(vec!["127.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        assert!(guard.allows("127.0.0.1".parse().unwrap()));
        assert!(guard.allows("::ffff:127.0.0.1".parse().unwrap()));
        assert!(guard.allows("fd12::1".parse().unwrap()));
        assert!(!guard.allows("10.0.0.1".parse().unwrap()));
        assert!(!guard.inside().allows("8.8.8.8".parse().unwrap()), "it is public");
    }
}
