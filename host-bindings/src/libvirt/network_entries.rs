//! The lines of a network's lists: DHCP ranges, guests with a fixed lease, names.

use std::fmt;
use std::net::IpAddr;

use crate::contract::Error;

use super::element::Element;
use super::names::{check_hostname, normal_mac, printable};
use super::network_request::parse_address;

/// Addresses from one to another, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// The first.
    pub(super) first: IpAddr,
    /// The last.
    pub(super) last: IpAddr,
}

impl fmt::Display for Range {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.first, self.last)
    }
}

impl Range {
    /// As libvirt reads it.
    pub(super) fn to_element(&self) -> Element {
        Element::new("range")
            .attribute("start", self.first.to_string())
            .attribute("end", self.last.to_string())
    }
}

/// A guest with a fixed lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DhcpHost {
    /// The MAC address of its interface; none where only its name tells, as libvirt wants it for IPv6.
    pub(super) mac: Option<String>,
    /// Its address.
    pub(super) address: IpAddr,
    /// Its name.
    pub(super) name: Option<String>,
}

impl DhcpHost {
    /// As libvirt reads it. Hosts of IPv6 are known by their name (formatnetwork.html, "host").
    pub(super) fn to_element(&self) -> Element {
        let mac = self.mac.as_deref().filter(|_| self.address.is_ipv4());
        Element::new("host")
            .optional_attribute("mac", mac)
            .optional_attribute("name", self.name.as_deref())
            .attribute("ip", self.address.to_string())
    }
}

/// Names of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DnsHost {
    /// The address.
    pub(super) address: IpAddr,
    /// Its names, at least one.
    pub(super) names: Vec<String>,
}

impl DnsHost {
    /// As libvirt reads it.
    pub(super) fn to_element(&self) -> Element {
        let names = self.names.iter().map(|name| Element::new("hostname").text(name));
        Element::new("host")
            .attribute("ip", self.address.to_string())
            .children(names)
    }
}

/// `10.1.0.10-10.1.0.99`.
pub(super) fn parse_range(text: &str) -> Result<Range, Error> {
    const FIELD: &str = "dhcp_ranges";
    let parts = text.split_once('-');
    let (first, last) = parts.ok_or_else(|| malformed(FIELD, text, "10.1.0.10-10.1.0.99"))?;
    let (first, last) = (parse_address(FIELD, first.trim())?, parse_address(FIELD, last.trim())?);
    if first.is_ipv4() != last.is_ipv4() || first > last {
        let message = format!(
            "`{}` does not lead from a lower address to a higher one",
            printable(text)
        );
        return Err(Error::invalid_argument(FIELD, message));
    }
    Ok(Range { first, last })
}

/// `52:54:00:12:34:56=10.1.0.7` and, with the guest's name, `52:54:00:12:34:56=10.1.0.7=web`; for IPv6 `=fd00::7=web`.
pub(super) fn parse_dhcp_host(text: &str) -> Result<DhcpHost, Error> {
    const FIELD: &str = "dhcp_hosts";
    let mut parts = text.split('=').map(str::trim);
    let (Some(mac), Some(address), name, None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(malformed(FIELD, text, "52:54:00:12:34:56=10.1.0.7=web"));
    };
    let in_field = |error: Error| Error::invalid_argument(FIELD, error.message);
    let address = parse_address(FIELD, address)?;
    let mac = Some(mac)
        .filter(|mac| !mac.is_empty())
        .map(normal_mac)
        .transpose()
        .map_err(in_field)?;
    let name = name.filter(|name| !name.is_empty());
    name.map_or(Ok(()), check_hostname).map_err(in_field)?;
    if address.is_ipv4() && mac.is_none() {
        return Err(malformed(FIELD, text, "52:54:00:12:34:56=10.1.0.7=web"));
    }
    if address.is_ipv6() && name.is_none() {
        return Err(malformed(FIELD, text, "=fd00:1::7=web"));
    }
    Ok(DhcpHost {
        mac,
        address,
        name: name.map(str::to_owned),
    })
}

/// `10.1.0.7=web,web.lab.example`.
pub(super) fn parse_dns_host(text: &str) -> Result<DnsHost, Error> {
    const FIELD: &str = "dns_hosts";
    let parts = text.split_once('=');
    let (address, names) = parts.ok_or_else(|| malformed(FIELD, text, "10.1.0.7=web,web.lab.example"))?;
    let names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    for name in &names {
        check_hostname(name).map_err(|error| Error::invalid_argument(FIELD, error.message))?;
    }
    Ok(DnsHost {
        address: parse_address(FIELD, address.trim())?,
        names,
    })
}

fn malformed(field: &str, text: &str, example: &str) -> Error {
    Error::invalid_argument(field, format!("`{}` is not of the form `{example}`", printable(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ErrorKind;

    #[test]
    fn lines_read_as_documented() {
        assert_eq!(
            parse_range("10.1.0.10 - 10.1.0.99").unwrap().to_string(),
            "10.1.0.10-10.1.0.99"
        );
        let host = parse_dhcp_host("52-54-00-AB-00-01=10.1.0.7=web").unwrap();
        assert_eq!(
            host.to_element().to_string(),
            "<host mac='52:54:00:ab:00:01' name='web' ip='10.1.0.7'/>\n"
        );
        let host = parse_dhcp_host("=fd00::7=web").unwrap();
        assert_eq!(host.to_element().to_string(), "<host name='web' ip='fd00::7'/>\n");
        let host = parse_dns_host("10.1.0.7=web, web.lab.example").unwrap();
        assert_eq!(host.names, ["web", "web.lab.example"]);
    }

    #[test]
    fn malformed_lines_are_refused_by_their_option() {
        for bad in [
            "",
            "10.1.0.9",
            "10.1.0.9-10.1.0.1",
            "10.1.0.1-fd00::1",
            "x-y",
            "10.1.0.1-10.1.0.2-10.1.0.3",
        ] {
            let error = parse_range(bad).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidArgument("dhcp_ranges".into()), "{bad}");
        }
        for bad in [
            "",
            "52:54:00:00:00:01",
            "=10.1.0.7",
            "52:54:00:00:00:01=fd00::1",
            "53:54:00:00:00:01=10.1.0.7",
            "52:54:00:00:00:01=10.1.0.7=a b",
            "52:54:00:00:00:01=10.1.0.7=a=b",
        ] {
            let error = parse_dhcp_host(bad).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidArgument("dhcp_hosts".into()), "{bad}");
        }
        for bad in ["", "10.1.0.7", "10.1.0.7=", "10.1.0.7=a,,b", "x=a", "10.1.0.7=<a>"] {
            let error = parse_dns_host(bad).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidArgument("dns_hosts".into()), "{bad}");
        }
    }
}
