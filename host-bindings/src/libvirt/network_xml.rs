//! The definition of a new network as libvirt reads it (<https://libvirt.org/formatnetwork.html>).

use super::element::Element;
use super::metadata::Metadata;
use super::network_entries::{DhcpHost, DnsHost, Range};
use super::network_request::{Mode, NetworkRequest, Subnet};

impl NetworkRequest {
    /// The definition as XML.
    pub(super) fn to_xml(&self) -> String {
        let options = &self.options;
        let mtu = options
            .mtu
            .map(|mtu| Element::new("mtu").attribute("size", mtu.to_string()));
        let domain = self.domain.as_ref().map(|domain| {
            let local = options.local_domain.unwrap_or(false).then_some("yes");
            Element::new("domain")
                .attribute("name", domain)
                .optional_attribute("localOnly", local)
        });
        let is_open_vswitch = self.mode == Mode::OpenVswitch;
        let vlan = options.vlan.map(|vlan| {
            let tag = Element::new("tag").attribute("id", vlan.to_string());
            Element::new("vlan").child(tag)
        });
        Element::new("network")
            .child_text("name", &self.name)
            .children(self.metadata())
            .children(self.forward())
            .children(self.bridge())
            .children(mtu)
            .children(is_open_vswitch.then(|| Element::new("virtualport").attribute("type", "openvswitch")))
            .children(vlan)
            .children(domain)
            .children(self.dns())
            .children(self.subnets.iter().map(|subnet| self.subnet(subnet)))
            .to_string()
    }

    fn metadata(&self) -> Option<Element> {
        let metadata = Metadata {
            ours: true,
            tags: self.metadata.clone(),
            ..Metadata::default()
        };
        (!self.metadata.is_empty()).then(|| {
            Element::new("metadata")
                .child(metadata.to_element())
                .child(metadata.to_kcli_element())
        })
    }

    fn forward(&self) -> Option<Element> {
        let mode = match &self.mode {
            Mode::Nat => "nat",
            Mode::Route => "route",
            Mode::Open => "open",
            Mode::Isolated => return None,
            Mode::Bridge | Mode::OpenVswitch => "bridge",
            Mode::Macvtap(mode) => mode,
        };
        let device = self.options.device.as_deref();
        let forward = Element::new("forward").attribute("mode", mode);
        let nat = (self.options.nat_ipv6 == Some(true)).then(|| Element::new("nat").attribute("ipv6", "yes"));
        let forward = match self.mode {
            Mode::Macvtap(_) => {
                forward.children(device.map(|device| Element::new("interface").attribute("dev", device)))
            }
            _ => forward.optional_attribute("dev", device),
        };
        Some(forward.children(nat))
    }

    fn bridge(&self) -> Option<Element> {
        let name = self.options.bridge.as_deref();
        if self.mode.has_addresses() {
            // Spanning tree would keep each new guest waiting; there is nothing that it could find.
            let bridge = Element::new("bridge").optional_attribute("name", name);
            return Some(bridge.attribute("stp", "off").attribute("delay", "0"));
        }
        name.map(|name| Element::new("bridge").attribute("name", name))
    }

    fn dns(&self) -> Option<Element> {
        let options = &self.options;
        let hosts = options.dns_hosts.iter().flatten().map(DnsHost::to_element);
        let forwarders = options.dns_forwarders.iter().flatten();
        let forwarders = forwarders.map(|address| Element::new("forwarder").attribute("addr", address.to_string()));
        let children: Vec<Element> = forwarders.chain(hosts).collect();
        let is_off = options.dns == Some(false);
        (is_off || !children.is_empty()).then(|| {
            Element::new("dns")
                .optional_attribute("enable", is_off.then_some("no"))
                .children(children)
        })
    }

    fn subnet(&self, subnet: &Subnet) -> Element {
        let family = if subnet.range.addr().is_ipv4() { "ipv4" } else { "ipv6" };
        Element::new("ip")
            .attribute("family", family)
            .attribute("address", subnet.gateway.to_string())
            .attribute("prefix", subnet.range.prefix_len().to_string())
            .children(self.dhcp.then(|| self.dhcp(subnet)))
    }

    fn dhcp(&self, subnet: &Subnet) -> Element {
        let options = &self.options;
        let ranges = match &options.ranges {
            Some(ranges) => ranges.clone(),
            None => vec![subnet.default_range()],
        };
        let ranges = ranges.iter().filter(|range| subnet.range.contains(&range.first));
        let hosts = options.hosts.iter().flatten();
        let hosts = hosts.filter(|host| subnet.range.contains(&host.address));
        Element::new("dhcp")
            .children(ranges.map(Range::to_element))
            .children(hosts.map(DhcpHost::to_element))
    }
}
