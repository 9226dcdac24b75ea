//! Which addresses of a VM are shown, and in which order.

use std::net::IpAddr;

use ipnet::{Ipv4Net, Ipv6Net};

/// The addresses that somebody else can use, the most useful first: public before private, IPv4 before IPv6. Each once.
pub(super) fn useful<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut kept: Vec<IpAddr> = Vec::new();
    for address in addresses.into_iter().filter_map(|text| text.parse().ok()) {
        if is_reachable(address) && !kept.contains(&address) {
            kept.push(address);
        }
    }
    // Stable: equally useful addresses stay in the order of their interfaces.
    kept.sort_by_key(|address| (is_private(*address), address.is_ipv6()));
    kept.iter().map(ToString::to_string).collect()
}

fn is_reachable(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(link_local || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// Private by RFC 1918, RFC 4193, or shared by RFC 6598.
fn is_private(address: IpAddr) -> bool {
    const SHARED: Ipv4Net = Ipv4Net::new_assert(std::net::Ipv4Addr::new(100, 64, 0, 0), 10);
    const UNIQUE_LOCAL: Ipv6Net = Ipv6Net::new_assert(std::net::Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7);
    match address {
        IpAddr::V4(address) => address.is_private() || SHARED.contains(&address),
        IpAddr::V6(address) => UNIQUE_LOCAL.contains(&address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_comes_before_private_and_ipv4_before_ipv6() {
        let given = [
            "fd00::1",
            "192.168.122.5",
            "2001:db8::1",
            "fe80::1",
            "169.254.1.1",
            "203.0.113.9",
            "127.0.0.1",
            "::1",
            "x",
            "192.168.122.5",
            "10.0.0.1",
        ];
        assert_eq!(
            useful(given),
            ["203.0.113.9", "2001:db8::1", "192.168.122.5", "10.0.0.1", "fd00::1"]
        );
    }
}
