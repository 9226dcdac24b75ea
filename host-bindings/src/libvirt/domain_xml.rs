//! The definition of a new VM as libvirt reads it (<https://libvirt.org/formatdomain.html>).
//!
//! Typed in, XML out, the same XML for the same definition. Everything was checked before: this module does not judge,
//! it only writes. Reading definitions is `facts`' work, and a definition is never read into these types and written
//! back, because what they do not know would be lost.

use super::capabilities::{CpuModel, Platform};
use super::element::Element;
use super::metadata::Metadata;

/// PCI Express ports that stay free for devices that are added while the VM runs. Only such ports accept them, and they
/// cannot be added later (<https://libvirt.org/pci-hotplug.html>).
const SPARE_PCI_EXPRESS_PORTS: usize = 8;

/// A VM to define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DomainDefinition {
    /// Its UUID, chosen by us so that it is known before anything exists.
    pub(super) uuid: String,
    /// Its name.
    pub(super) name: String,
    /// Free text.
    pub(super) description: Option<String>,
    /// What we keep about it.
    pub(super) metadata: Metadata,
    /// Type, architecture, machine type, CPU model.
    pub(super) platform: Platform,
    /// Virtual CPUs.
    pub(super) cpus: u32,
    /// Memory in MiB.
    pub(super) memory_mib: u32,
    /// Its disks in boot order.
    pub(super) disks: Vec<DiskDefinition>,
    /// The seed, shown to the guest as a CD-ROM.
    pub(super) seed: Option<DiskSource>,
    /// Its interfaces in order.
    pub(super) nics: Vec<NicDefinition>,
}

/// Where a disk's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DiskSource {
    /// The path on the host.
    pub(super) path: String,
    /// Whether it is a block device instead of a file.
    pub(super) is_block_device: bool,
    /// Its format.
    pub(super) format: String,
}

/// A hard disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DiskDefinition {
    /// Where its bytes are.
    pub(super) source: DiskSource,
    /// How the guest reaches it.
    pub(super) bus: DiskBus,
}

/// How a guest reaches a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum DiskBus {
    /// virtio-blk.
    #[default]
    Virtio,
    /// SCSI on a virtio-scsi controller.
    Scsi,
    /// SATA.
    Sata,
}

impl DiskBus {
    /// The bus of this name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "virtio" => Some(Self::Virtio),
            "scsi" => Some(Self::Scsi),
            "sata" => Some(Self::Sata),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Virtio => "virtio",
            Self::Scsi => "scsi",
            Self::Sata => "sata",
        }
    }
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NicDefinition {
    /// The libvirt network.
    pub(super) network: String,
    /// The MAC address.
    pub(super) mac: String,
    /// The device model.
    pub(super) model: String,
}

impl DomainDefinition {
    /// The definition as XML.
    pub(super) fn to_xml(&self) -> String {
        let platform = &self.platform;
        let metadata = Element::new("metadata")
            .child(self.metadata.to_element())
            .child(self.metadata.to_kcli_element());
        Element::new("domain")
            .attribute("type", &platform.domain_type)
            .child_text("name", &self.name)
            .child_text("uuid", &self.uuid)
            .child(metadata)
            .children(
                self.description
                    .as_ref()
                    .map(|text| Element::new("description").text(text)),
            )
            .child(
                Element::new("memory")
                    .attribute("unit", "MiB")
                    .text(self.memory_mib.to_string()),
            )
            .child_text("vcpu", self.cpus.to_string())
            .child(self.operating_system())
            .children(self.features())
            .children(cpu(&platform.cpu))
            .child(Element::new("clock").attribute("offset", "utc"))
            .child_text("on_poweroff", "destroy")
            .child_text("on_reboot", "restart")
            .child_text("on_crash", "destroy")
            .child(self.devices())
            .to_string()
    }

    fn is_x86(&self) -> bool {
        matches!(self.platform.architecture.as_str(), "x86_64" | "i686")
    }

    fn operating_system(&self) -> Element {
        // 64-bit ARM images boot by UEFI only; libvirt finds the host's firmware by itself.
        let firmware = (self.platform.architecture == "aarch64").then_some("efi");
        let os_type = Element::new("type")
            .attribute("arch", &self.platform.architecture)
            .optional_attribute("machine", self.platform.machine.as_deref())
            .text("hvm");
        let boot = Element::new("boot").attribute("dev", "hd");
        Element::new("os")
            .optional_attribute("firmware", firmware)
            .child(os_type)
            .child(boot)
    }

    /// Without ACPI a guest cannot be asked to stop.
    fn features(&self) -> Option<Element> {
        let acpi = Element::new("features").child(Element::new("acpi"));
        match self.platform.architecture.as_str() {
            "aarch64" => Some(acpi),
            _ if self.is_x86() => Some(acpi.child(Element::new("apic"))),
            _ => None,
        }
    }

    fn devices(&self) -> Element {
        let is_kvm_or_qemu = self.platform.domain_type != "test";
        Element::new("devices")
            .children(self.disk_elements())
            .children(self.pci_express_ports())
            .children(self.needs_scsi().then(|| {
                Element::new("controller")
                    .attribute("type", "scsi")
                    .attribute("model", "virtio-scsi")
            }))
            .children(self.nics.iter().map(NicDefinition::element))
            .children(is_kvm_or_qemu.then(consoles).into_iter().flatten())
            .children((is_kvm_or_qemu && self.is_x86()).then(display).into_iter().flatten())
    }

    fn needs_scsi(&self) -> bool {
        self.seed.is_some() || self.disks.iter().any(|disk| disk.bus == DiskBus::Scsi)
    }

    fn pci_express_ports(&self) -> Vec<Element> {
        let machine = self.platform.machine.as_deref().unwrap_or_default();
        if !(machine.contains("q35") || machine.starts_with("virt")) {
            return Vec::new();
        }
        let virtio_disks = self.disks.iter().filter(|disk| disk.bus == DiskBus::Virtio).count();
        // SCSI, serial ports for the guest agent, balloon, random numbers.
        let others = 4;
        let ports = self.nics.len() + virtio_disks + others + SPARE_PCI_EXPRESS_PORTS;
        // Index 0 is the root, which libvirt adds.
        let port = |index: usize| {
            let controller = Element::new("controller")
                .attribute("type", "pci")
                .attribute("index", index.to_string());
            controller.attribute("model", "pcie-root-port")
        };
        (1..=ports).map(port).collect()
    }

    fn disk_elements(&self) -> Vec<Element> {
        let mut virtio = (0..).map(|index| device_name("vd", index));
        let mut scsi = (0..).map(|index| device_name("sd", index));
        let mut elements: Vec<Element> = self
            .disks
            .iter()
            .filter_map(|disk| {
                let target = if disk.bus == DiskBus::Virtio {
                    virtio.next()
                } else {
                    scsi.next()
                }?;
                Some(disk_element("disk", &disk.source, &target, disk.bus))
            })
            .collect();
        // Debian's cloud kernels have no driver for SATA, so a seed there would never be found.
        let seed = self.seed.as_ref().zip(scsi.next());
        elements.extend(
            seed.map(|(seed, target)| {
                disk_element("cdrom", seed, &target, DiskBus::Scsi).child(Element::new("readonly"))
            }),
        );
        elements
    }
}

fn disk_element(device: &str, source: &DiskSource, target: &str, bus: DiskBus) -> Element {
    let (kind, location) = if source.is_block_device {
        ("block", "dev")
    } else {
        ("file", "file")
    };
    let discard = (device == "disk").then_some("unmap");
    Element::new("disk")
        .attribute("type", kind)
        .attribute("device", device)
        .child(
            Element::new("driver")
                .attribute("name", "qemu")
                .attribute("type", &source.format)
                .optional_attribute("discard", discard),
        )
        .child(Element::new("source").attribute(location, &source.path))
        .child(
            Element::new("target")
                .attribute("dev", target)
                .attribute("bus", bus.name()),
        )
}

impl NicDefinition {
    fn element(&self) -> Element {
        Element::new("interface")
            .attribute("type", "network")
            .child(Element::new("mac").attribute("address", &self.mac))
            .child(Element::new("source").attribute("network", &self.network))
            .child(Element::new("model").attribute("type", &self.model))
    }
}

fn cpu(model: &CpuModel) -> Option<Element> {
    match model {
        CpuModel::MachineDefault => None,
        CpuModel::Mode(mode) => Some(Element::new("cpu").attribute("mode", *mode)),
        CpuModel::Named(name) => Some(
            Element::new("cpu")
                .attribute("mode", "custom")
                .attribute("match", "exact")
                .attribute("check", "none")
                .child(Element::new("model").attribute("fallback", "forbid").text(name)),
        ),
    }
}

/// A serial console, the guest agent's channel, and random numbers, without which young guests wait for entropy.
fn consoles() -> Vec<Element> {
    vec![
        Element::new("serial").attribute("type", "pty"),
        Element::new("console").attribute("type", "pty"),
        Element::new("channel").attribute("type", "unix").child(
            Element::new("target")
                .attribute("type", "virtio")
                .attribute("name", "org.qemu.guest_agent.0"),
        ),
        Element::new("rng").attribute("model", "virtio").child(
            Element::new("backend")
                .attribute("model", "random")
                .text("/dev/urandom"),
        ),
    ]
}

/// A screen that no network address reaches: only libvirt hands it out.
fn display() -> Vec<Element> {
    vec![
        Element::new("graphics")
            .attribute("type", "vnc")
            .child(Element::new("listen").attribute("type", "none")),
        Element::new("video").child(Element::new("model").attribute("type", "vga")),
    ]
}

/// The name of a disk within the guest as libvirt counts them: `vda` … `vdz`, `vdaa`.
fn device_name(prefix: &str, index: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        letters.push(char::from(b'a' + u8::try_from((rest - 1) % 26).unwrap_or_default()));
        rest = (rest - 1) / 26;
    }
    prefix.chars().chain(letters.into_iter().rev()).collect()
}

#[cfg(test)]
#[path = "domain_xml_tests.rs"]
mod tests;
