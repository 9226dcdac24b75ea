//! A network to create: the spec checked, with addresses that fit together.
//!
//! libvirt's own words and limits: <https://libvirt.org/formatnetwork.html>.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::contract::{Error, NetworkSpec, OptionEntry, Tag};

use super::names::{check_hostname, check_name, check_text, printable};
use super::network_entries::{DhcpHost, DnsHost, Range, parse_dhcp_host, parse_dns_host, parse_range};
use super::option_reader::OptionReader;

/// The most addresses of a DHCP range (libvirt's virSocketAddrGetRange: 65535).
const RANGE_ADDRESSES_MAX: u128 = 65_535;

/// How a network reaches the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Behind the host's address.
    Nat,
    /// Through the host, with the guests' own addresses.
    Route,
    /// As `route`, and libvirt sets no firewall rules.
    Open,
    /// Not at all.
    Isolated,
    /// On a bridge that the host has.
    Bridge,
    /// On an Open vSwitch bridge that the host has.
    OpenVswitch,
    /// Directly on an interface of the host.
    Macvtap(String),
}

impl Mode {
    /// The modes by the contract's words.
    pub(super) fn from_word(word: &str, macvtap: Option<&str>) -> Result<Self, Error> {
        Ok(match word {
            "nat" => Self::Nat,
            "route" => Self::Route,
            "open" => Self::Open,
            "isolated" => Self::Isolated,
            "bridge" => Self::Bridge,
            "ovs" => Self::OpenVswitch,
            "macvtap" => Self::Macvtap(macvtap.unwrap_or("bridge").to_owned()),
            other => {
                let message = format!(
                    "`{}` is no mode of a network: use `nat`, `route`, `open`, `isolated`, `bridge`, `ovs` or `macvtap`",
                    printable(other)
                );
                return Err(Error::invalid_argument("mode", message));
            }
        })
    }

    /// Whether libvirt gives the network addresses, a bridge and a name server of its own.
    pub(super) const fn has_addresses(&self) -> bool {
        matches!(self, Self::Nat | Self::Route | Self::Open | Self::Isolated)
    }
}

/// One address range of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subnet {
    /// The range.
    pub(super) range: IpNet,
    /// The host's address in it.
    pub(super) gateway: IpAddr,
}

/// A network to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NetworkRequest {
    /// Its name.
    pub(super) name: String,
    /// How it reaches the outside.
    pub(super) mode: Mode,
    /// Its ranges; empty lets `network_changes` find a free one.
    pub(super) subnets: Vec<Subnet>,
    /// Whether it hands out addresses.
    pub(super) dhcp: bool,
    /// Its DNS domain.
    pub(super) domain: Option<String>,
    /// The caller's tags.
    pub(super) metadata: Vec<Tag>,
    /// What only libvirt has.
    pub(super) options: NetworkOptions,
}

/// The options of a network, also of an update: none leaves things as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NetworkOptions {
    /// The bridge: a new one's name, or that of the host.
    pub(super) bridge: Option<String>,
    /// The host's interface that traffic leaves by.
    pub(super) device: Option<String>,
    /// How macvtap connects.
    pub(super) macvtap_mode: Option<String>,
    /// The ranges that addresses are handed out of.
    pub(super) ranges: Option<Vec<Range>>,
    /// Guests with a fixed lease.
    pub(super) hosts: Option<Vec<DhcpHost>>,
    /// Whether libvirt runs a name server.
    pub(super) dns: Option<bool>,
    /// Names that it answers.
    pub(super) dns_hosts: Option<Vec<DnsHost>>,
    /// Where it forwards other questions.
    pub(super) dns_forwarders: Option<Vec<IpAddr>>,
    /// Whether questions about the network's own domain are never forwarded.
    pub(super) local_domain: Option<bool>,
    /// The largest packet in bytes.
    pub(super) mtu: Option<i32>,
    /// The VLAN of an Open vSwitch network.
    pub(super) vlan: Option<i32>,
    /// Whether IPv6 is translated too.
    pub(super) nat_ipv6: Option<bool>,
    /// Whether it starts with its host.
    pub(super) autostart: Option<bool>,
    /// The host's address in the IPv4 range.
    pub(super) gateway: Option<IpAddr>,
}

impl NetworkOptions {
    /// Checks options; what is not among them is refused.
    ///
    /// # Errors
    /// `invalid-argument` with the option's name.
    pub(super) fn from_entries(entries: &[OptionEntry]) -> Result<Self, Error> {
        let mut options = OptionReader::new(entries.to_vec())?;
        let interface =
            |name: &'static str, text: Option<String>| text.map(|text| check_interface(name, &text)).transpose();
        let checked = Self {
            bridge: interface("bridge", options.text("bridge")?)?,
            device: interface("device", options.text("device")?)?,
            macvtap_mode: options
                .text("macvtap_mode")?
                .map(|mode| check_macvtap_mode(&mode))
                .transpose()?,
            ranges: parse_list(options.given_list("dhcp_ranges")?, parse_range)?,
            hosts: parse_list(options.given_list("dhcp_hosts")?, parse_dhcp_host)?,
            dns: options.flag("dns")?,
            dns_hosts: parse_list(options.given_list("dns_hosts")?, parse_dns_host)?,
            dns_forwarders: parse_list(options.given_list("dns_forwarders")?, |text| {
                parse_address("dns_forwarders", text)
            })?,
            local_domain: options.flag("local_domain")?,
            // Linux's limits for Ethernet: 68 is IPv4's least (RFC 791), 65535 a packet's most.
            mtu: options.integer("mtu", 68, 65_535)?,
            vlan: options.integer("vlan", 1, 4094)?,
            nat_ipv6: options.flag("nat_ipv6")?,
            autostart: options.flag("autostart")?,
            gateway: options
                .text("gateway")?
                .map(|text| parse_address("gateway", &text))
                .transpose()?,
        };
        options.finish("network")?;
        Ok(checked)
    }
}

impl NetworkRequest {
    /// Checks a spec; every field and option is used or refused.
    ///
    /// # Errors
    /// `invalid-argument` with the field's or the option's name.
    pub(super) fn from_spec(spec: &NetworkSpec) -> Result<Self, Error> {
        check_name("name", &spec.name)?;
        let options = NetworkOptions::from_entries(&spec.options)?;
        let mode = Mode::from_word(spec.mode.as_deref().unwrap_or("nat"), options.macvtap_mode.as_deref())?;
        let domain = spec.domain.as_deref().filter(|domain| !domain.is_empty());
        if let Some(domain) = domain {
            check_hostname(domain).map_err(|error| Error::invalid_argument("domain", error.message))?;
        }
        for tag in &spec.metadata {
            check_text("metadata", &tag.key)?;
            check_text("metadata", &tag.value)?;
        }
        let request = Self {
            name: spec.name.clone(),
            subnets: subnets(&spec.cidrs, options.gateway)?,
            dhcp: spec.dhcp,
            domain: domain.map(str::to_owned),
            metadata: spec.metadata.clone(),
            mode,
            options,
        };
        request.check_mode()?;
        request.check_addresses()?;
        Ok(request)
    }

    /// What a mode cannot have, and what it needs.
    fn check_mode(&self) -> Result<(), Error> {
        let options = &self.options;
        let refuse = |field: &str, message: &str| Err(Error::invalid_argument(field, message));
        if !self.mode.has_addresses() {
            let given = [
                ("cidrs", !self.subnets.is_empty()),
                ("dhcp", self.dhcp),
                ("domain", self.domain.is_some()),
                ("dhcp_ranges", options.ranges.is_some()),
                ("dhcp_hosts", options.hosts.is_some()),
                ("dns", options.dns.is_some()),
                ("dns_hosts", options.dns_hosts.is_some()),
                ("dns_forwarders", options.dns_forwarders.is_some()),
                ("local_domain", options.local_domain.is_some()),
                ("gateway", options.gateway.is_some()),
            ];
            if let Some((field, _)) = given.iter().find(|(_, is_given)| *is_given) {
                return refuse(
                    field,
                    "a network on a bridge or an interface of the host gets its addresses and names from outside: \
                     leave this out, and say that it hands out no addresses",
                );
            }
        }
        let needs_bridge = matches!(self.mode, Mode::Bridge | Mode::OpenVswitch);
        let is_macvtap = matches!(self.mode, Mode::Macvtap(_));
        if needs_bridge && options.bridge.is_none() {
            return refuse(
                "bridge",
                "a network of this mode needs the option `bridge`: the host's bridge",
            );
        }
        if is_macvtap && options.device.is_none() {
            return refuse(
                "device",
                "a macvtap network needs the option `device`: the host's interface",
            );
        }
        if is_macvtap && options.bridge.is_some() {
            return refuse("bridge", "a macvtap network has no bridge");
        }
        if options.device.is_some() && !(is_macvtap || matches!(self.mode, Mode::Nat | Mode::Route)) {
            return refuse(
                "device",
                "only networks of mode `nat`, `route` or `macvtap` leave by a device",
            );
        }
        if options.macvtap_mode.is_some() && !is_macvtap {
            return refuse("macvtap_mode", "only networks of mode `macvtap` have it");
        }
        if options.vlan.is_some() && !matches!(self.mode, Mode::OpenVswitch | Mode::Macvtap(_)) {
            return refuse("vlan", "only networks of mode `ovs` or `macvtap` can have a VLAN");
        }
        if options.nat_ipv6.is_some() && self.mode != Mode::Nat {
            return refuse("nat_ipv6", "only networks of mode `nat` translate addresses");
        }
        // libvirt's formatnetwork.html, "mtu": only for networks whose bridge libvirt makes.
        if options.mtu.is_some() && !self.mode.has_addresses() {
            return refuse("mtu", "libvirt sets it only on bridges that it makes");
        }
        Ok(())
    }

    fn check_addresses(&self) -> Result<(), Error> {
        let options = &self.options;
        let refuse = |field: &str, message: String| Err(Error::invalid_argument(field, message));
        let holds = |address: IpAddr| self.subnets.iter().any(|subnet| subnet.range.contains(&address));
        if !self.dhcp && (options.ranges.is_some() || options.hosts.is_some()) {
            let field = if options.ranges.is_some() {
                "dhcp_ranges"
            } else {
                "dhcp_hosts"
            };
            return refuse(field, "the network is to hand out no addresses".to_owned());
        }
        for range in options.ranges.iter().flatten() {
            if !(holds(range.first) && holds(range.last)) {
                return refuse("dhcp_ranges", format!("`{range}` is not within the network's `cidrs`"));
            }
        }
        for host in options.hosts.iter().flatten() {
            if !holds(host.address) {
                return refuse(
                    "dhcp_hosts",
                    format!("`{}` is not within the network's `cidrs`", host.address),
                );
            }
        }
        if let Some(gateway) = options.gateway
            && !self.subnets.iter().any(|subnet| subnet.gateway == gateway)
        {
            return refuse("gateway", format!("`{gateway}` is not within the network's `cidrs`"));
        }
        if options.dns == Some(false) && (options.dns_hosts.is_some() || options.dns_forwarders.is_some()) {
            return refuse("dns", "names cannot be served without a name server".to_owned());
        }
        if options.local_domain.is_some() && self.domain.is_none() {
            return refuse("local_domain", "the network has no `domain`".to_owned());
        }
        Ok(())
    }
}

/// The ranges of `cidrs`, with the host's address in each.
///
/// # Errors
/// `invalid-argument` with `cidrs` or `gateway`.
pub(super) fn subnets(cidrs: &[String], gateway: Option<IpAddr>) -> Result<Vec<Subnet>, Error> {
    let mut subnets: Vec<Subnet> = Vec::with_capacity(cidrs.len());
    for cidr in cidrs {
        let range = parse_cidr(cidr)?;
        if subnets
            .iter()
            .any(|subnet| subnet.range.addr().is_ipv4() == range.addr().is_ipv4())
        {
            let message = "a network has at most one range for IPv4 and one for IPv6";
            return Err(Error::invalid_argument("cidrs", message));
        }
        let wanted = gateway.filter(|gateway| range.contains(gateway));
        let gateway = wanted.unwrap_or_else(|| nth_address(&range, 1));
        if gateway == range.network() || (range.addr().is_ipv4() && gateway == range.broadcast()) {
            let message = format!("`{gateway}` is the first or the last address of `{range}`, which no host can have");
            return Err(Error::invalid_argument("gateway", message));
        }
        subnets.push(Subnet { range, gateway });
    }
    Ok(subnets)
}

fn parse_cidr(text: &str) -> Result<IpNet, Error> {
    let refuse = |message: String| Err(Error::invalid_argument("cidrs", message));
    let Ok(net) = text.parse::<IpNet>() else {
        return refuse(format!(
            "`{}` is not a range in CIDR form: write `10.1.0.0/24` or `fd00:1::/64`",
            printable(text)
        ));
    };
    if net.trunc() != net {
        return refuse(format!(
            "`{net}` has bits set after its prefix: did you mean `{}`?",
            net.trunc()
        ));
    }
    let address = net.addr();
    let unusable = address.is_loopback() || address.is_multicast() || address.is_unspecified();
    if unusable {
        return refuse(format!("`{net}` cannot be used by hosts"));
    }
    let bits = net.max_prefix_len() - net.prefix_len();
    // The network, the host, a guest and the broadcast address.
    if bits < 2 {
        return refuse(format!("`{net}` is too small: it needs room for the host and a guest"));
    }
    Ok(net)
}

/// The n-th address of a range, counted from its first.
fn nth_address(range: &IpNet, number: u128) -> IpAddr {
    match range.network() {
        IpAddr::V4(first) => {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            IpAddr::V4(Ipv4Addr::from_bits(first.to_bits().saturating_add(number)))
        }
        IpAddr::V6(first) => IpAddr::V6(Ipv6Addr::from_bits(first.to_bits().saturating_add(number))),
    }
}

impl Subnet {
    /// The range that addresses are handed out of when none is given: everything after the host, as far as libvirt goes.
    /// Where the host's address is inside the rest, the longer side of it.
    pub(super) fn default_range(&self) -> Range {
        let bits = u32::from(self.range.max_prefix_len() - self.range.prefix_len());
        let last = 1_u128.checked_shl(bits).map_or(u128::MAX, |count| count - 1);
        // IPv6 has no broadcast address.
        let last = if self.range.addr().is_ipv4() { last - 1 } else { last };
        let offset = |address: IpAddr| match (address, self.range.network()) {
            (IpAddr::V4(address), IpAddr::V4(first)) => u128::from(address.to_bits() - first.to_bits()),
            (IpAddr::V6(address), IpAddr::V6(first)) => address.to_bits() - first.to_bits(),
            _ => 1,
        };
        let gateway = offset(self.gateway);
        let (from, to) = if last - gateway.min(last) >= gateway.saturating_sub(1) {
            (gateway + 1, last)
        } else {
            (1, gateway - 1)
        };
        let to = to.min(from + RANGE_ADDRESSES_MAX - 1);
        Range {
            first: nth_address(&self.range, from),
            last: nth_address(&self.range, to),
        }
    }
}

fn parse_list<T>(
    texts: Option<Vec<String>>,
    parse: impl Fn(&str) -> Result<T, Error>,
) -> Result<Option<Vec<T>>, Error> {
    texts
        .map(|texts| texts.iter().map(|text| parse(text)).collect())
        .transpose()
}

/// An address; `field` is where it stands.
pub(super) fn parse_address(field: &str, text: &str) -> Result<IpAddr, Error> {
    text.parse()
        .map_err(|_| Error::invalid_argument(field, format!("`{}` is not an IP address", printable(text))))
}

/// The name of an interface (Linux: `IFNAMSIZ` in if.h, and `dev_valid_name`).
fn check_interface(field: &str, name: &str) -> Result<String, Error> {
    let is_name = (1..=15).contains(&name.len())
        && !matches!(name, "." | "..")
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'%'));
    if is_name {
        return Ok(name.to_owned());
    }
    let message = format!(
        "`{}` cannot be the name of an interface: at most 15 characters",
        printable(name)
    );
    Err(Error::invalid_argument(field, message))
}

fn check_macvtap_mode(mode: &str) -> Result<String, Error> {
    if matches!(mode, "bridge" | "private" | "vepa" | "passthrough") {
        return Ok(mode.to_owned());
    }
    let message = "macvtap connects as `bridge`, `private`, `vepa` or `passthrough`";
    Err(Error::invalid_argument("macvtap_mode", message))
}

#[cfg(test)]
#[path = "network_request_tests.rs"]
mod tests;
