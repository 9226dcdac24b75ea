//! PCI devices of the host for the guest alone.
//!
//! A device can be given away only together with every other device of its IOMMU group: within a group devices reach each
//! other's memory. Bridges stay with the host (<https://docs.kernel.org/driver-api/vfio.html>). libvirt would find out
//! when the VM starts; we ask before anything is made.

use virt::connect::Connect;
use virt::nodedev::NodeDevice;

use crate::contract::{Error, ErrorKind, OptionSchema};
use crate::libvirt::edit::child;
use crate::libvirt::element::Element;
use crate::libvirt::error::{Fault, conflict, unreadable};
use crate::libvirt::ffi::Owned;
use crate::libvirt::names::printable;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::list;

use super::Allowed;

const OPTION: &str = "pci_devices";
/// The class of bridges between PCI buses (PCI Code and ID Assignment Specification, class 06h, subclass 04h).
const BRIDGE_CLASS: &str = "0x0604";

/// The place of a device on the host's buses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::libvirt) struct PciAddress {
    domain: u32,
    bus: u32,
    slot: u32,
    function: u32,
}

pub(super) fn schemas() -> Vec<OptionSchema> {
    vec![list(
        OPTION,
        "devices of the host for the vm alone, as `lspci` shows them: `0000:3b:00.0`; the host needs an IOMMU, and the \
         connection's option `allow_pci_devices` must allow it",
    )]
}

pub(super) fn read(options: &mut OptionReader, allowed: &Allowed) -> Result<Vec<PciAddress>, Error> {
    let mut addresses = Vec::new();
    for text in options.list(OPTION)? {
        let address = PciAddress::parse(&text).filter(|address| !addresses.contains(address));
        addresses.push(address.ok_or_else(|| {
            let message = format!(
                "`{}` is not a device like `0000:3b:00.0`, or is given twice",
                printable(&text)
            );
            Error::invalid_argument(OPTION, message)
        })?);
    }
    if !addresses.is_empty() && !allowed.pci_devices {
        let message = "devices of the host may not be given to vms on this connection: its operator can set the connection's \
                       option `allow_pci_devices`";
        return Err(Error::new(ErrorKind::Denied, message));
    }
    Ok(addresses)
}

impl PciAddress {
    /// Reads `0000:3b:00.0`, with or without the domain.
    fn parse(text: &str) -> Option<Self> {
        let (rest, function) = text.rsplit_once('.')?;
        let (rest, slot) = rest.rsplit_once(':')?;
        let (domain, bus) = rest.split_once(':').unwrap_or(("0", rest));
        let hex = |text: &str, max: u32| {
            let is_hex = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_hex
                .then(|| u32::from_str_radix(text, 16).ok())
                .flatten()
                .filter(|value| *value <= max)
        };
        Some(Self {
            domain: hex(domain, 0xffff)?,
            bus: hex(bus, 0xff)?,
            slot: hex(slot, 0x1f)?,
            function: hex(function, 7)?,
        })
    }

    /// libvirt's name of the device.
    fn node_device(self) -> String {
        let Self {
            domain,
            bus,
            slot,
            function,
        } = self;
        format!("pci_{domain:04x}_{bus:02x}_{slot:02x}_{function:x}")
    }

    /// The device in the guest; libvirt takes it from the host's driver and gives it back.
    pub(in crate::libvirt) fn element(self) -> Element {
        let address = Element::new("address")
            .attribute("domain", format!("0x{:04x}", self.domain))
            .attribute("bus", format!("0x{:02x}", self.bus))
            .attribute("slot", format!("0x{:02x}", self.slot))
            .attribute("function", format!("0x{:x}", self.function));
        Element::new("hostdev")
            .attribute("mode", "subsystem")
            .attribute("type", "pci")
            .attribute("managed", "yes")
            .child(Element::new("source").child(address))
    }
}

impl std::fmt::Display for PciAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            domain,
            bus,
            slot,
            function,
        } = self;
        write!(formatter, "{domain:04x}:{bus:02x}:{slot:02x}.{function:x}")
    }
}

/// What libvirt says about a device (<https://libvirt.org/formatnode.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PciFacts {
    is_bridge: bool,
    group: Option<Vec<PciAddress>>,
}

impl PciFacts {
    fn from_xml(xml: &str) -> Option<Self> {
        let document = roxmltree::Document::parse(xml).ok()?;
        let capability = document
            .root_element()
            .children()
            .find(|node| node.has_tag_name("capability") && node.attribute("type") == Some("pci"))?;
        let class = child(capability, "class")
            .and_then(|node| node.text())
            .unwrap_or_default();
        let member = |node: roxmltree::Node<'_, '_>| {
            let number = |name| {
                let digits = node.attribute(name)?.strip_prefix("0x")?;
                u32::from_str_radix(digits, 16).ok()
            };
            Some(PciAddress {
                domain: number("domain")?,
                bus: number("bus")?,
                slot: number("slot")?,
                function: number("function")?,
            })
        };
        let members = |group: roxmltree::Node<'_, '_>| {
            let addresses = group.children().filter(|node| node.has_tag_name("address"));
            addresses.filter_map(member).collect()
        };
        Some(Self {
            is_bridge: class.starts_with(BRIDGE_CLASS),
            group: child(capability, "iommuGroup").map(members),
        })
    }
}

/// Refuses devices that cannot be given away alone.
pub(super) fn check_groups(connect: &Connect, devices: &[PciAddress]) -> Result<(), Fault> {
    check(devices, |address| {
        let name = address.node_device();
        let device = NodeDevice::lookup_by_name(connect, &name).map(Owned::new);
        let Ok(device) = device else { return Ok(None) };
        let xml = device.get_xml_desc(0).ok().and_then(|xml| PciFacts::from_xml(&xml));
        xml.map(Some).ok_or_else(|| unreadable("device", &address.to_string()))
    })
}

fn check(devices: &[PciAddress], read: impl Fn(PciAddress) -> Result<Option<PciFacts>, Fault>) -> Result<(), Fault> {
    for device in devices {
        let Some(facts) = read(*device)? else {
            let message = format!("the host has no PCI device `{device}`: `lspci -D` lists them");
            return Err(Error::invalid_argument(OPTION, message).into());
        };
        if facts.is_bridge {
            let message = format!("`{device}` is a bridge between buses, which stays with the host");
            return Err(Error::invalid_argument(OPTION, message).into());
        }
        let Some(group) = facts.group else {
            return Err(conflict(format!(
                "`{device}` cannot be given to a vm: the host has no IOMMU in use; enable it in the host's firmware and on its \
                 kernel's command line (`intel_iommu=on`)"
            )));
        };
        let mut missing = Vec::new();
        for member in group.into_iter().filter(|member| !devices.contains(member)) {
            if !read(member)?.is_some_and(|facts| facts.is_bridge) {
                missing.push(member.to_string());
            }
        }
        if !missing.is_empty() {
            return Err(conflict(format!(
                "`{device}` shares an IOMMU group with {}: give the vm all of them, or none",
                missing.join(", ")
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(class: &str, group: &[&str]) -> PciFacts {
        let addresses: String = group
            .iter()
            .map(|text| {
                let PciAddress {
                    domain,
                    bus,
                    slot,
                    function,
                } = PciAddress::parse(text).unwrap();
                format!(
                    "<address domain='0x{domain:04x}' bus='0x{bus:02x}' slot='0x{slot:02x}' function='0x{function:x}'/>"
                )
            })
            .collect();
        let group = if group.is_empty() {
            String::new()
        } else {
            format!("<iommuGroup number='7'>{addresses}</iommuGroup>")
        };
        let xml = format!(
            "<device><name>pci_0000_3b_00_0</name><capability type='pci'><class>{class}</class><bus>59</bus>{group}</capability></device>"
        );
        PciFacts::from_xml(&xml).unwrap()
    }

    fn check_on_host(wanted: &[&str]) -> Result<(), Fault> {
        let group = ["00:01.0", "3b:00.0", "3b:00.1"];
        let wanted: Vec<PciAddress> = wanted.iter().map(|text| PciAddress::parse(text).unwrap()).collect();
        check(&wanted, |address| {
            Ok(match address.to_string().as_str() {
                "0000:00:01.0" => Some(device("0x060400", &group)),
                "0000:3b:00.0" | "0000:3b:00.1" => Some(device("0x020000", &group)),
                "0000:04:00.0" => Some(device("0x030000", &[])),
                _ => None,
            })
        })
    }

    #[test]
    fn a_group_is_given_whole_and_bridges_stay_with_the_host() {
        check_on_host(&["3b:00.0", "3b:00.1"]).unwrap();
        let kind = |wanted: &[&str]| check_on_host(wanted).unwrap_err().error;
        assert!(
            kind(&["3b:00.0"]).message.contains("IOMMU group with 0000:3b:00.1:"),
            "{}",
            kind(&["3b:00.0"])
        );
        assert_eq!(kind(&["3b:00.0"]).kind, ErrorKind::Conflict);
        assert_eq!(kind(&["04:00.0"]).kind, ErrorKind::Conflict);
        assert_eq!(kind(&["00:01.0"]).kind.name(), "invalid-argument");
        assert_eq!(kind(&["05:00.0"]).kind.name(), "invalid-argument");
    }

    #[test]
    fn addresses_read_as_lspci_shows_them() {
        for text in ["0000:3b:00.0", "10000:e1:00.0"] {
            assert_eq!(
                PciAddress::parse(text).map(|address| address.to_string()).as_deref() == Some(text),
                text.len() == 12
            );
        }
        for bad in [
            "",
            "3b",
            "3b:00",
            "3b:00.8",
            "3b:20.0",
            "x:00.0",
            "3b:00.0.0",
            "+1:00.0",
        ] {
            assert_eq!(PciAddress::parse(bad), None, "{bad}");
        }
    }
}
