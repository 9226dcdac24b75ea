//! Ranges of addresses in CIDR form.

use std::net::IpAddr;

/// A range: an address and how many of its bits all have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

impl Cidr {
    /// Reads `192.0.2.0/24`; none when it is anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let prefix: u8 = prefix.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// Whether an address is within the range.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
            IpAddr::V6(v6) => v6.to_bits(),
        };
        let difference = bits(self.address) ^ bits(address);
        self.address.is_ipv4() == address.is_ipv4() && difference.leading_zeros() >= u32::from(self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_its_addresses_and_no_others() {
        let contains = |cidr: &str, address: &str| {
            let cidr = Cidr::parse(cidr).expect("a range");
            cidr.contains(address.parse().expect("an address"))
        };
        assert!(contains("192.0.2.0/24", "192.0.2.255"));
        assert!(!contains("192.0.2.0/24", "192.0.3.0"));
        assert!(contains("0.0.0.0/0", "203.0.113.1"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(contains("192.0.2.7/32", "192.0.2.7"));
        for text in ["", "192.0.2.0", "192.0.2.0/33", "x/1", "::/129"] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }
}
