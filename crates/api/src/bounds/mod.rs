//! Limits for clients that have not authenticated yet: on connections, time, memory and log lines.
//!
//! | | |
//! |---|---|
//! | `connections` | how many at once, and how long one may be idle |
//! | `header_size` | how large the head of a request may be |
//! | `bodies` | how large a body may be, how long it may take, and how much memory all of them get |
//! | `in_flight` | how many requests of one workspace are processed at once |
//! | `wrong_keys` | answers to wrong API keys are slowed down |
//! | `refusals` | a flood of refused requests is one log line a second |

mod bodies;
mod connections;
pub(crate) mod header_size;
mod in_flight;
mod refusals;
mod workspace_quotas;
mod wrong_keys;

use std::{net::IpAddr, sync::Arc, time::Duration};

use ipnet::IpNet;
use model::Environment;

pub(crate) use bodies::{Bodies, CALLER_MAX_BYTES};
pub use bodies::{BodyError, Sender};
pub(crate) use connections::{Command, ConnectionPermit, ConnectionState, Connections};
pub(crate) use in_flight::{InFlight, Slot};
pub(crate) use refusals::{Kind, Refusals};
pub use workspace_quotas::WorkspaceQuotas;
pub(crate) use workspace_quotas::{check_quota, quota_exceeded};
pub(crate) use wrong_keys::WrongKeys;

/// The limits, as the operator sets them.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Open connections at once.
    pub connections: usize,
    /// Open connections of one address. The first 64 bits of an IPv6 address count as one address, because one
    /// client usually has the whole network.
    pub of_an_address: usize,
    /// Requests of one workspace that are processed at once.
    pub of_a_workspace: usize,
    /// Networks of reverse proxies. Their addresses stand for many clients and have no limit of their own.
    pub proxies: Vec<IpNet>,
    /// From the first byte of a request to the end of its head; also how long a new connection may be silent.
    pub head_within: Duration,
    /// From the end of the head to the end of the body.
    pub body_within: Duration,
    /// How long a connection may be idle after an answer.
    pub idle: Duration,
    /// Memory for all bodies at once, in bytes.
    pub bodies: usize,
    /// How much one workspace may have in the store.
    pub held: WorkspaceQuotas,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 2048,
            of_an_address: 256,
            of_a_workspace: 512,
            proxies: private_networks(),
            head_within: Duration::from_secs(10),
            body_within: Duration::from_secs(30),
            // Longer than proxies keep an idle connection (60 s, mostly): a proxy that sends on a connection which is just
            // being closed answers 502.
            idle: Duration::from_secs(75),
            bodies: 64 * 1024 * 1024,
            held: WorkspaceQuotas::default(),
        }
    }
}

/// Loopback, and the addresses that a proxy in the same container network, cluster or rack has.
fn private_networks() -> Vec<IpNet> {
    let networks = [
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    ];
    networks.iter().map(|network| network.parse().expect("a literal")).collect()
}

/// Enforces the bounds of one server.
#[derive(Debug)]
pub struct Admission {
    pub(crate) bounds: Bounds,
    pub(crate) bodies: Bodies,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) wrong_keys: WrongKeys,
    pub(crate) refusals: Refusals,
}

impl Admission {
    /// Starts with no connections.
    pub fn new(bounds: Bounds, env: &Environment) -> Self {
        Self {
            bodies: Bodies::new(&bounds, env.clock.clone()),
            in_flight: Arc::new(InFlight::new(bounds.of_a_workspace)),
            wrong_keys: WrongKeys::new(env.clone()),
            refusals: Refusals::default(),
            bounds,
        }
    }
}

/// The address that a peer is counted under.
fn address_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::address_of;

    #[test]
    fn an_ipv6_address_counts_as_its_network() {
        let of = |text: &str| address_of(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:3::1"), "2001:db8:1:3::");
        assert_eq!(of("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(of("203.0.113.8"), "203.0.113.8");
    }
}
