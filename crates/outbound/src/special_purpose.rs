//! Addresses with a special purpose, from IANA's registries, as of 2025-10-09:
//! <https://www.iana.org/assignments/iana-ipv4-special-registry> and
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>.
//!
//! The registries call some of these globally reachable: anycast services, AS112, AMT. No callback is served there, and
//! an anycast address leads to the nearest server, which may be ours. So every entry is refused, except the two
//! translation prefixes, which are as public as the IPv4 address that they contain.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// IANA IPv4 Special-Purpose Address Registry, and multicast, which has its own registry.
const IPV4: [(Ipv4Net, &str); 26] = [
    (v4([0, 0, 0, 0], 8), "this network"),
    (v4([0, 0, 0, 0], 32), "this host on this network"),
    (v4([10, 0, 0, 0], 8), "private use"),
    (v4([100, 64, 0, 0], 10), "shared address space"),
    (v4([127, 0, 0, 0], 8), "loopback"),
    (v4([169, 254, 0, 0], 16), "link local"),
    (v4([172, 16, 0, 0], 12), "private use"),
    (v4([192, 0, 0, 0], 24), "protocol assignments"),
    (v4([192, 0, 0, 0], 29), "service continuity"),
    (v4([192, 0, 0, 8], 32), "dummy address"),
    (v4([192, 0, 0, 9], 32), "port control anycast"),
    (v4([192, 0, 0, 10], 32), "TURN anycast"),
    (v4([192, 0, 0, 170], 31), "NAT64 and DNS64 discovery"),
    (v4([192, 0, 2, 0], 24), "documentation"),
    (v4([192, 31, 196, 0], 24), "AS112"),
    (v4([192, 52, 193, 0], 24), "AMT"),
    (v4([192, 88, 99, 0], 24), "6to4 relay anycast, deprecated"),
    (v4([192, 168, 0, 0], 16), "private use"),
    (v4([192, 175, 48, 0], 24), "AS112, direct delegation"),
    (v4([198, 18, 0, 0], 15), "benchmarking"),
    (v4([198, 51, 100, 0], 24), "documentation"),
    (v4([203, 0, 113, 0], 24), "documentation"),
    (v4([224, 0, 0, 0], 4), "multicast"),
    (v4([240, 0, 0, 0], 4), "reserved"),
    (v4([192, 88, 99, 2], 32), "6a44 relay anycast"),
    (v4([255, 255, 255, 255], 32), "limited broadcast"),
];

/// The entries of the IANA IPv6 Special-Purpose Address Registry in global unicast (`2000::/3`). Everything outside is
/// refused as a whole: loopback, `64:ff9b:1::/48`, `100::/64`, `5f00::/16`, unique and link local, multicast.
const IPV6: [(Ipv6Net, &str); 13] = [
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "protocol assignments"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "Teredo"),
    (v6([0x2001, 1, 0, 0, 0, 0, 0, 1], 128), "port control anycast"),
    (v6([0x2001, 1, 0, 0, 0, 0, 0, 2], 128), "TURN anycast"),
    (v6([0x2001, 1, 0, 0, 0, 0, 0, 3], 128), "DNS-SD anycast"),
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), "benchmarking"),
    (v6([0x2001, 3, 0, 0, 0, 0, 0, 0], 32), "AMT"),
    (v6([0x2001, 4, 0x112, 0, 0, 0, 0, 0], 48), "AS112"),
    (v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28), "ORCHID, deprecated"),
    (v6([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 27), "ORCHIDv2 and drone tags"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation"),
    (v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), "AS112, direct delegation"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation"),
];

const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);

const fn v4(octets: [u8; 4], bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::from_octets(octets), bits)
}

const fn v6(segments: [u16; 8], bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_segments(segments), bits)
}

/// Whether an address belongs to the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !IPV4.iter().any(|(net, _)| net.contains(&address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let v4_inside = |at: usize| {
        let octets = address.octets();
        Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3])
    };
    if NAT64.contains(&address) {
        return is_public_v4(v4_inside(12));
    }
    if SIX_TO_FOUR.contains(&address) {
        return is_public_v4(v4_inside(2));
    }
    GLOBAL_UNICAST.contains(&address) && !IPV6.iter().any(|(net, _)| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::{IPV4, IPV6, Ipv4Addr, Ipv6Addr, is_public};

    #[test]
    fn every_prefix_is_refused_from_its_first_address_to_its_last() {
        for (net, name) in IPV4 {
            for address in [net.network(), net.broadcast()] {
                assert!(!is_public(address.into()), "{address}, {name}");
                // The same address as IPv6, mapped and translated.
                let octets = address.octets();
                let pair = |at: usize| u16::from_be_bytes([octets[at], octets[at + 1]]);
                let (high, low) = (pair(0), pair(2));
                for v6 in [
                    address.to_ipv6_mapped(),
                    address.to_ipv6_compatible(),
                    Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                    Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                ] {
                    assert!(!is_public(v6.into()), "{v6}, {name}");
                }
            }
        }
        for (net, name) in IPV6 {
            for address in [net.network(), net.broadcast()] {
                assert!(!is_public(address.into()), "{address}, {name}");
            }
        }
    }

    #[test]
    fn the_addresses_next_to_a_prefix_are_public_unless_another_prefix_contains_them() {
        let one_before = |at: Ipv4Addr| u32::from(at).checked_sub(1).map(Ipv4Addr::from);
        let one_after = |at: Ipv4Addr| u32::from(at).checked_add(1).map(Ipv4Addr::from);
        for (net, name) in IPV4 {
            for next in [one_before(net.network()), one_after(net.broadcast())].into_iter().flatten() {
                let elsewhere = IPV4.iter().any(|(other, _)| other.contains(&next));
                assert_eq!(is_public(next.into()), !elsewhere, "{next}, next to {name}");
            }
        }
    }

    #[test]
    fn ipv6_is_public_only_in_global_unicast() {
        for refused in [
            "::",
            "::1",
            "64:ff9b:1::808:808",
            "64:ff9b::1:808:808",
            "100::1",
            "100:0:0:1::1",
            "1fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:1::1",
            "2001:1ff::1",
            "3fff:fff::1",
        ] {
            assert!(!is_public(refused.parse().unwrap()), "{refused}");
        }
        for open in ["2001:200::1", "2606:4700::1111", "3fff:1000::1", "64:ff9b::808:808", "2002:808:808::1"]
        {
            assert!(is_public(open.parse().unwrap()), "{open}");
        }
    }
}
