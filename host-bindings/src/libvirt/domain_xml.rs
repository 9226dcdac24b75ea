//! The definition of a new VM as libvirt reads it (<https://libvirt.org/formatdomain.html>).
//!
//! Typed in, XML out, the same XML for the same definition. Everything was checked before: this module does not judge,
//! it only writes. Reading definitions is `facts`' work, and a definition is never read into these types and written
//! back, because what they do not know would be lost.

use crate::contract::Error;

use super::capabilities::Platform;
use super::disk_tuning::DiskTuning;
use super::element::Element;
use super::hardware::{BootDevice, Hardware};
use super::metadata::Metadata;
use super::names::printable;
use super::nic_source::NicSource;
use super::nic_tuning::NicTuning;

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
    /// CD-ROMs.
    pub(super) media: Vec<DiskSource>,
    /// Its interfaces in order.
    pub(super) nics: Vec<NicDefinition>,
    /// What else it is made of.
    pub(super) hardware: Hardware,
    /// The path that what its serial line prints is kept in.
    pub(super) console_log: Option<String>,
    /// The path of what Ignition reads.
    pub(super) ignition: Option<String>,
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
    /// How it is attached beyond that.
    pub(super) tuning: DiskTuning,
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
    /// IDE, which only old machine types have.
    Ide,
    /// USB.
    Usb,
}

impl DiskBus {
    /// The bus of this name.
    ///
    /// # Errors
    /// `invalid-argument` with the name of the field.
    pub(super) fn parse(field: &str, name: &str) -> Result<Self, Error> {
        match name {
            "virtio" => Ok(Self::Virtio),
            "scsi" => Ok(Self::Scsi),
            "sata" => Ok(Self::Sata),
            "ide" => Ok(Self::Ide),
            "usb" => Ok(Self::Usb),
            "nvme" => Err(Error::invalid_argument(
                field,
                "libvirt cannot give a volume to a guest as an nvme disk: use virtio, scsi, sata, ide or usb",
            )),
            other => {
                let message = format!(
                    "`{}` is not a bus: use virtio, scsi, sata, ide or usb",
                    printable(other)
                );
                Err(Error::invalid_argument(field, message))
            }
        }
    }

    /// Its name in a definition.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Virtio => "virtio",
            Self::Scsi => "scsi",
            Self::Sata => "sata",
            Self::Ide => "ide",
            Self::Usb => "usb",
        }
    }

    /// What the names of its disks begin with; libvirt checks it.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Virtio => "vd",
            Self::Ide => "hd",
            Self::Scsi | Self::Sata | Self::Usb => "sd",
        }
    }

    /// Whether disks can be added while the VM runs (libvirt's `virDomainDiskBus` in qemu_hotplug.c).
    pub(super) const fn is_pluggable(self) -> bool {
        matches!(self, Self::Virtio | Self::Scsi | Self::Usb)
    }
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NicDefinition {
    /// What it is connected to.
    pub(super) source: NicSource,
    /// The MAC address.
    pub(super) mac: String,
    /// The device model.
    pub(super) model: String,
    /// How it is made beyond that.
    pub(super) tuning: NicTuning,
}

impl DomainDefinition {
    /// The definition as XML.
    pub(super) fn to_xml(&self) -> String {
        let Self { platform, hardware, .. } = self;
        let metadata = Element::new("metadata")
            .child(self.metadata.to_element())
            .child(self.metadata.to_kcli_element());
        let arguments = hardware.qemu_arguments.element();
        let namespace = arguments.as_ref().map(|(namespace, _)| *namespace);
        Element::new("domain")
            .attribute("type", &platform.domain_type)
            .optional_attribute("xmlns:qemu", namespace)
            .child_text("name", &self.name)
            .child_text("uuid", &self.uuid)
            .child(metadata)
            .children(
                self.description
                    .as_ref()
                    .map(|text| Element::new("description").text(text)),
            )
            .children(hardware.memory.elements(self.memory_mib, hardware.shares_memory()))
            .child(hardware.cpu.vcpu(self.cpus))
            .children(hardware.cpu.elements())
            .children(self.ignition.as_deref().map(firmware_configuration))
            .child(self.operating_system())
            .children(self.features())
            .children(hardware.cpu.element(platform, hardware.memory.numa()))
            .child(hardware.clock.element())
            .child_text("on_poweroff", "destroy")
            .child_text("on_reboot", "restart")
            .child_text("on_crash", "destroy")
            .child(self.devices())
            .children(arguments.map(|(_, element)| element))
            .to_string()
    }

    fn operating_system(&self) -> Element {
        let Self { platform, hardware, .. } = self;
        let os_type = Element::new("type")
            .attribute("arch", &platform.architecture)
            .optional_attribute("machine", platform.machine.as_deref())
            .text("hvm");
        Element::new("os")
            .optional_attribute("firmware", hardware.firmware.attribute(platform))
            .child(os_type)
            .children(hardware.firmware.elements(platform))
            .children(hardware.boot.elements())
    }

    fn features(&self) -> Option<Element> {
        let Self { platform, hardware, .. } = self;
        // Without ACPI a guest cannot be asked to stop.
        let basic: &[&'static str] = match platform.architecture.as_str() {
            "aarch64" => &["acpi"],
            _ if platform.is_x86() => &["acpi", "apic"],
            _ => &[],
        };
        let features: Vec<Element> = basic
            .iter()
            .map(|name| Element::new(name))
            .chain(hardware.features.elements())
            .chain(hardware.firmware.feature(platform))
            .chain(hardware.devices.feature())
            .collect();
        (!features.is_empty()).then(|| Element::new("features").children(features))
    }

    fn devices(&self) -> Element {
        let Self { platform, hardware, .. } = self;
        let is_kvm_or_qemu = platform.domain_type != "test";
        let emulator = platform
            .emulator
            .as_ref()
            .map(|path| Element::new("emulator").text(path));
        Element::new("devices")
            .children(emulator)
            .children(self.disk_elements())
            .children(self.pci_express_ports())
            .children(self.needs_scsi().then(|| {
                Element::new("controller")
                    .attribute("type", "scsi")
                    .attribute("model", "virtio-scsi")
            }))
            .children(
                self.nics
                    .iter()
                    .enumerate()
                    .map(|(index, nic)| nic.element().children(hardware.boot.order_of(BootDevice::Nic(index)))),
            )
            .children(hardware.shares.iter().map(super::hardware::Share::element))
            .children(hardware.pci_devices.iter().map(|device| device.element()))
            .children(is_kvm_or_qemu.then(|| self.basic_devices()).into_iter().flatten())
            .children(hardware.devices.elements(platform))
            .children(hardware.memory.balloon())
    }

    /// What every VM of KVM and QEMU has: a serial line, the guest agent's channel, random numbers (without which young
    /// guests wait for entropy), a screen.
    fn basic_devices(&self) -> Vec<Element> {
        let Self { platform, hardware, .. } = self;
        let agent = Element::new("channel").attribute("type", "unix").child(
            Element::new("target")
                .attribute("type", "virtio")
                .attribute("name", "org.qemu.guest_agent.0"),
        );
        hardware
            .serial
            .elements(self.console_log.as_deref())
            .into_iter()
            .chain([agent])
            .chain(hardware.devices.rng())
            .chain(hardware.display.elements(platform))
            .collect()
    }

    fn needs_scsi(&self) -> bool {
        self.seed.is_some() || !self.media.is_empty() || self.disks.iter().any(|disk| disk.bus == DiskBus::Scsi)
    }

    fn pci_express_ports(&self) -> Vec<Element> {
        if !self.platform.has_pci_express() {
            return Vec::new();
        }
        let virtio_disks = self.disks.iter().filter(|disk| disk.bus == DiskBus::Virtio).count();
        // SCSI, serial ports for the guest agent, balloon, random numbers.
        let others = 4;
        let optional = self.hardware.shares.len() + self.hardware.pci_devices.len();
        let ports = self.nics.len() + virtio_disks + others + optional + SPARE_PCI_EXPRESS_PORTS;
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
        let boot = &self.hardware.boot;
        let mut taken = Vec::new();
        let mut elements: Vec<Element> = Vec::new();
        for (index, disk) in self.disks.iter().enumerate() {
            let element = disk.element(&next_name(disk.bus, &mut taken));
            elements.push(element.children(boot.order_of(BootDevice::Disk(index))));
        }
        // Debian's cloud kernels have no driver for SATA, so a seed there would never be found.
        let mut drive = |source: &DiskSource| {
            let drive = DiskDefinition {
                source: source.clone(),
                bus: DiskBus::Scsi,
                tuning: DiskTuning::default(),
            };
            drive.drive_element(&next_name(DiskBus::Scsi, &mut taken))
        };
        for (index, source) in self.media.iter().enumerate() {
            let order = boot.order_of(BootDevice::Media).filter(|_| index == 0);
            elements.push(drive(source).children(order));
        }
        elements.extend(self.seed.iter().map(drive));
        elements
    }
}

/// The first name of the bus that is not taken; takes it.
fn next_name(bus: DiskBus, taken: &mut Vec<String>) -> String {
    let names = (0..=taken.len()).map(|index| device_name(bus.prefix(), index));
    let name = names.into_iter().find(|name| !taken.contains(name)).unwrap_or_default();
    taken.push(name.clone());
    name
}

impl DiskSource {
    /// The `<source>` element.
    pub(super) fn element(&self) -> Element {
        Element::new("source").attribute(if self.is_block_device { "dev" } else { "file" }, &self.path)
    }
}

impl DiskDefinition {
    /// The disk as a hard disk, by its name in the guest.
    pub(super) fn element(&self, target: &str) -> Element {
        self.device("disk", target, Some("unmap"))
            .children(self.tuning.elements())
    }

    /// The disk as a CD-ROM drive with a disc in it.
    pub(super) fn drive_element(&self, target: &str) -> Element {
        self.device("cdrom", target, None).child(Element::new("readonly"))
    }

    fn device(&self, device: &str, target: &str, discard: Option<&'static str>) -> Element {
        let kind = if self.source.is_block_device { "block" } else { "file" };
        let driver = Element::new("driver")
            .attribute("name", "qemu")
            .attribute("type", &self.source.format);
        let target = Element::new("target")
            .attribute("dev", target)
            .attribute("bus", self.bus.name());
        Element::new("disk")
            .attribute("type", kind)
            .attribute("device", device)
            .child(self.tuning.driver(driver, discard))
            .child(self.source.element())
            .child(self.tuning.target(target))
    }
}

impl NicDefinition {
    /// The interface.
    pub(super) fn element(&self) -> Element {
        Element::new("interface")
            .attribute("type", self.source.kind())
            .child(Element::new("mac").attribute("address", &self.mac))
            .children(self.source.element())
            .child(Element::new("model").attribute("type", &self.model))
            .children(self.tuning.elements())
    }
}

/// A file in QEMU's firmware configuration, where Ignition looks for it
/// (<https://coreos.github.io/ignition/supported-platforms/>, `qemu`).
fn firmware_configuration(path: &str) -> Element {
    let entry = Element::new("entry")
        .attribute("name", "opt/com.coreos/config")
        .attribute("file", path);
    Element::new("sysinfo").attribute("type", "fwcfg").child(entry)
}

/// The name of a disk within the guest as libvirt counts them: `vda` … `vdz`, `vdaa`.
pub(super) fn device_name(prefix: &str, index: usize) -> String {
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
