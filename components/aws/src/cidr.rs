//! Address ranges: whether one lies in another, whether two overlap.

use std::net::IpAddr;

/// A range of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    is_ipv6: bool,
    /// The first address as a number; IPv4 in the low 32 bits.
    first: u128,
    /// The bits that all addresses share.
    prefix: u32,
    bits: u32,
}

impl Cidr {
    /// The range of one address.
    pub(crate) fn of(address: IpAddr) -> Self {
        let (is_ipv6, first, bits) = match address {
            IpAddr::V4(address) => (false, u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (true, u128::from(address), 128),
        };
        Self {
            is_ipv6,
            first,
            prefix: bits,
            bits,
        }
    }

    /// Reads `192.0.2.0/24`; none when it is no range, or has bits beyond its prefix.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address = Self::of(address.parse().ok()?);
        let prefix = prefix.parse().ok().filter(|prefix| *prefix <= address.bits)?;
        let range = Self { prefix, ..address };
        (range.first & range.host_mask() == 0).then_some(range)
    }

    /// The bits that differ between its addresses.
    fn host_mask(self) -> u128 {
        match self.bits - self.prefix {
            128 => u128::MAX,
            host_bits => (1 << host_bits) - 1,
        }
    }

    /// Whether it is a range of IPv6.
    pub(crate) fn is_ipv6(self) -> bool {
        self.is_ipv6
    }

    /// Whether the other range lies in it.
    pub(crate) fn contains(self, other: Self) -> bool {
        self.is_ipv6 == other.is_ipv6 && self.prefix <= other.prefix && other.first & !self.host_mask() == self.first
    }

    /// Whether the two share an address.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Its second address, where a VPC's router is
    /// (<https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>); none in a range of one.
    pub(crate) fn second(self) -> Option<IpAddr> {
        let second = self.first + u128::from(self.prefix < self.bits);
        (second != self.first).then(|| match self.is_ipv6 {
            true => IpAddr::V6(second.into()),
            false => IpAddr::V4(u32::try_from(second).unwrap_or(u32::MAX).into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Cidr {
        Cidr::parse(text).expect("a range")
    }

    #[test]
    fn ranges_contain_and_overlap_by_their_prefixes() {
        let outer = range("10.0.0.0/16");
        for (other, contains, overlaps) in [
            ("10.0.1.0/24", true, true),
            ("10.0.0.0/16", true, true),
            ("10.0.0.0/8", false, true),
            ("10.1.0.0/24", false, false),
            ("::/0", false, false),
        ] {
            assert_eq!(
                (outer.contains(range(other)), outer.overlaps(range(other))),
                (contains, overlaps),
                "{other}"
            );
        }
        assert!(range("0.0.0.0/0").contains(outer) && range("::/0").contains(range("2001:db8::/64")));
    }

    #[test]
    fn what_is_no_range_is_none() {
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.1/24",
            "10.0.0.0/33",
            "x/8",
            "10.0.0.0/-1",
            "10.0.0/8",
        ] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_router_is_the_second_address() {
        assert_eq!(range("10.0.1.0/24").second(), "10.0.1.1".parse().ok());
        assert_eq!(range("2001:db8::/64").second(), "2001:db8::1".parse().ok());
        assert_eq!(range("10.0.1.7/32").second(), None);
    }
}
