//! Which addresses a connection may dial.
//!
//! A granted name proves nothing about where it leads: its owner can point it at the runtime's own network. So every
//! resolved address, and every literal one, is classified here before it is dialled, after unwrapping the IPv6 forms
//! that carry an IPv4 address. Only global unicast passes by itself; the rest needs a line in `allow_addresses`. Cloud
//! metadata services hand out credentials, so they need a line of their own: a network that merely contains them does
//! not count.
//!
//! It resolves and dials nothing; the connector does.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::own_listener;

/// What an address is, when it is not an ordinary global one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClass {
    /// `0.0.0.0/8` or `::`: this host or this network.
    Unspecified,
    /// This host.
    Loopback,
    /// RFC 1918 or a unique local IPv6 address (RFC 4193).
    Private,
    /// `100.64.0.0/10`, shared by carriers and overlay networks (RFC 6598).
    Shared,
    /// Valid on one link only.
    LinkLocal,
    /// A cloud's metadata service.
    Metadata,
    /// Multicast or broadcast.
    Multicast,
    /// Documentation, benchmarking, protocol assignments, or not global unicast.
    Reserved,
    /// Where this process itself serves: see [`super::OwnListener`].
    Own,
}

impl fmt::Display for AddressClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "a shared address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud metadata address",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
            Self::Own => "this program's own API",
        })
    }
}

/// Metadata services outside the link-local range as well as in it.
/// AWS, GCP, Azure, OpenStack: 169.254.169.254; AWS over IPv6: `fd00:ec2::254`
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>); AWS container credentials:
/// 169.254.170.2 (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>); GCP over IPv6:
/// `fd20:ce::254` (<https://cloud.google.com/compute/docs/metadata/querying-metadata>); Alibaba: 100.100.100.200; Oracle:
/// 192.0.0.192; Azure's wire service: 168.63.129.16
/// (<https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16>).
const METADATA: [IpAddr; 7] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// IPv4 blocks that are not global unicast: <https://www.iana.org/assignments/iana-ipv4-special-registry>.
const V4_BLOCKS: [(Ipv4Net, AddressClass); 16] = [
    (v4(0, 0, 0, 0, 8), AddressClass::Unspecified),
    (v4(10, 0, 0, 0, 8), AddressClass::Private),
    (v4(100, 64, 0, 0, 10), AddressClass::Shared),
    (v4(127, 0, 0, 0, 8), AddressClass::Loopback),
    (v4(169, 254, 0, 0, 16), AddressClass::LinkLocal),
    (v4(172, 16, 0, 0, 12), AddressClass::Private),
    (v4(192, 0, 0, 0, 24), AddressClass::Reserved),
    (v4(192, 0, 2, 0, 24), AddressClass::Reserved),
    (v4(192, 88, 99, 0, 24), AddressClass::Reserved),
    (v4(192, 168, 0, 0, 16), AddressClass::Private),
    (v4(198, 18, 0, 0, 15), AddressClass::Reserved),
    (v4(198, 51, 100, 0, 24), AddressClass::Reserved),
    (v4(203, 0, 113, 0, 24), AddressClass::Reserved),
    (v4(224, 0, 0, 0, 4), AddressClass::Multicast),
    (v4(255, 255, 255, 255, 32), AddressClass::Multicast),
    (v4(240, 0, 0, 0, 4), AddressClass::Reserved),
];

/// IPv6 blocks with a class of their own; the rest is global inside `2000::/3` and reserved outside:
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>.
const V6_BLOCKS: [(Ipv6Net, AddressClass); 7] = [
    (v6(0xfc00, 0, 0, 7), AddressClass::Private),
    (v6(0xfe80, 0, 0, 10), AddressClass::LinkLocal),
    (v6(0xfec0, 0, 0, 10), AddressClass::Private),
    (v6(0xff00, 0, 0, 8), AddressClass::Multicast),
    (v6(0x2001, 0, 0, 23), AddressClass::Reserved),
    (v6(0x2001, 0xdb8, 0, 32), AddressClass::Reserved),
    (v6(0x3fff, 0, 0, 20), AddressClass::Reserved),
];

const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 3);

/// The address that a packet really reaches: an IPv6 form that carries an IPv4 address is unwrapped.
/// Mapped and compatible: RFC 4291, section 2.5.5; translated: RFC 2765, section 2.1; NAT64: RFC 6052, and for the local
/// prefix RFC 8215, whose /96 is one of several; 6to4: RFC 3056; Teredo: RFC 4380, section 4.
#[must_use]
pub(super) fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else {
        return address;
    };
    let tail = |bytes: &[u8]| IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]));
    let bytes = six.octets();
    match six.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => tail(&bytes[12..]),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => tail(&bytes[12..]),
        // A translator of this site: never global, and never a way around what is refused.
        [0x64, 0xff9b, 1, 0, 0, 0, ..] if classify(tail(&bytes[12..])).is_some() => tail(&bytes[12..]),
        [0x2002, ..] => tail(&bytes[2..]),
        [0x2001, 0, ..] => tail(&[!bytes[12], !bytes[13], !bytes[14], !bytes[15]]),
        _ => address,
    }
}

/// Classifies a canonical address; none for ordinary global unicast.
#[must_use]
pub(super) fn classify(address: IpAddr) -> Option<AddressClass> {
    if METADATA.contains(&address) {
        return Some(AddressClass::Metadata);
    }
    match address {
        IpAddr::V4(four) => V4_BLOCKS
            .iter()
            .find(|(block, _)| block.contains(&four))
            .map(|&(_, class)| class),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Some(AddressClass::Unspecified),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Some(AddressClass::Loopback),
        IpAddr::V6(six) => {
            let block = V6_BLOCKS
                .iter()
                .find(|(block, _)| block.contains(&six))
                .map(|&(_, class)| class);
            block.or_else(|| (!GLOBAL_UNICAST.contains(&six)).then_some(AddressClass::Reserved))
        }
    }
}

/// An address that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedAddress {
    /// The address, unwrapped.
    pub address: IpAddr,
    /// Why.
    pub class: AddressClass,
}

impl RefusedAddress {
    /// The narrowest network that would allow it.
    #[must_use]
    pub fn network(&self) -> IpNet {
        IpNet::from(self.address)
    }
}

/// Decides whether an address may be dialled.
///
/// # Errors
/// What the address is, when it is not global unicast and `allowed` does not cover it. A metadata address is covered only
/// by its own single-address network.
pub(super) fn check(address: IpAddr, allowed: &[IpNet]) -> Result<(), RefusedAddress> {
    let address = canonical(address);
    let Some(class) = classify(address) else {
        return Ok(());
    };
    let own = IpNet::from(address);
    let covered = match class {
        AddressClass::Metadata => allowed.contains(&own),
        _ => allowed.iter().any(|network| network.contains(&address)),
    };
    if covered {
        Ok(())
    } else {
        Err(RefusedAddress { address, class })
    }
}

/// The same for a port. Where this process itself serves, nothing may be dialled, whatever is allowed.
///
/// # Errors
/// As [`check`]; [`AddressClass::Own`] for an address of [`super::OwnListener`].
pub(super) fn check_port(address: IpAddr, port: u16, allowed: &[IpNet]) -> Result<(), RefusedAddress> {
    check(address, allowed)?;
    let address = canonical(address);
    if own_listener::is_own(SocketAddr::new(address, port)) {
        let class = AddressClass::Own;
        return Err(RefusedAddress { address, class });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::AddressClass::{LinkLocal, Loopback, Metadata, Multicast, Private, Reserved, Shared, Unspecified};
    use super::*;

    const TABLE: [(&str, AddressClass); 61] = [
        ("0.0.0.0", Unspecified),
        ("0.1.2.3", Unspecified),
        ("::", Unspecified),
        ("127.0.0.1", Loopback),
        ("127.255.255.254", Loopback),
        ("::1", Loopback),
        ("::ffff:127.0.0.1", Loopback),
        ("::127.0.0.1", Loopback),
        ("64:ff9b::127.0.0.1", Loopback),
        ("2002:7f00:1::", Loopback),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", Loopback),
        ("10.0.0.1", Private),
        ("172.16.0.1", Private),
        ("172.31.255.255", Private),
        ("192.168.122.1", Private),
        ("::ffff:10.0.0.1", Private),
        ("64:ff9b::a00:1", Private),
        ("2002:c0a8:7a01::1", Private),
        ("fc00::1", Private),
        ("fd12:3456::1", Private),
        ("fec0::1", Private),
        ("100.64.0.1", Shared),
        ("100.127.255.255", Shared),
        ("169.254.0.1", LinkLocal),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("169.254.169.254", Metadata),
        ("169.254.170.2", Metadata),
        ("100.100.100.200", Metadata),
        ("192.0.0.192", Metadata),
        ("168.63.129.16", Metadata),
        ("fd00:ec2::254", Metadata),
        ("fd20:ce::254", Metadata),
        ("::ffff:169.254.169.254", Metadata),
        ("64:ff9b::a9fe:a9fe", Metadata),
        ("2002:a9fe:a9fe::", Metadata),
        ("224.0.0.1", Multicast),
        ("239.255.255.255", Multicast),
        ("255.255.255.255", Multicast),
        ("ff02::1", Multicast),
        ("192.0.2.1", Reserved),
        ("192.0.0.1", Reserved),
        ("198.18.0.1", Reserved),
        ("198.51.100.7", Reserved),
        ("203.0.113.9", Reserved),
        ("240.0.0.1", Reserved),
        ("2001:db8::1", Reserved),
        ("3fff::1", Reserved),
        ("2001:20::1", Reserved),
        ("64:ff9b:1::1", Unspecified),
        ("64:ff9b:1::101:101", Reserved),
        ("64:ff9b:1::a9fe:a9fe", Metadata),
        ("64:ff9b:1:7f00:0:100::", Reserved),
        ("::ffff:0:127.0.0.1", Loopback),
        ("::ffff:0:169.254.169.254", Metadata),
        ("2001:0:4136:e378:8000:63bf:5601:5601", Metadata),
        ("2001:10::1", Reserved),
        ("2001:2::1", Reserved),
        ("5f00::1", Reserved),
        ("192.88.99.1", Reserved),
        ("100::1", Reserved),
    ];

    #[test]
    fn every_special_address_is_refused_unless_it_is_allowed() {
        for (text, class) in TABLE {
            let address: IpAddr = text.parse().unwrap();
            let refused = check(address, &[]).expect_err(text);
            assert_eq!(refused.class, class, "{text}");
            assert_eq!(check(address, &[refused.network()]), Ok(()), "{text} with its own line");
        }
    }

    #[test]
    fn global_addresses_pass() {
        for text in [
            "1.1.1.1",
            "172.32.0.1",
            "172.15.0.1",
            "100.128.0.1",
            "192.169.0.1",
            "2606:4700::1111",
            "2a01:4f8::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert_eq!(check(text.parse().unwrap(), &[]), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_allowed_network_covers_what_it_contains_but_never_metadata() {
        let allowed: Vec<IpNet> = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "fd00::/8", "::/0"]
            .map(|net| net.parse().unwrap())
            .to_vec();
        for text in [
            "10.9.8.7",
            "::ffff:10.9.8.7",
            "100.64.3.4",
            "169.254.1.1",
            "fd00::7",
            "::1",
        ] {
            assert_eq!(check(text.parse().unwrap(), &allowed), Ok(()), "{text}");
        }
        for text in [
            "192.168.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "64:ff9b::c0a8:1",
        ] {
            assert!(check(text.parse().unwrap(), &allowed).is_err(), "{text}");
        }
    }
}
