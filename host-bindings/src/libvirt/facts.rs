//! Reads what we need from libvirt's XML documents into facts, and ignores the rest.
//!
//! Pure functions over text; a document that is not XML gives `None`, and the caller says which call brought it. Formats:
//! <https://libvirt.org/formatdomain.html>, `formatnetwork.html`, `formatstorage.html`. Nothing here is ever written back.

use roxmltree::{Document, Node};

use super::metadata::{self, Metadata};

/// A VM's definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DomainFacts {
    /// Free text.
    pub(super) description: Option<String>,
    /// Its disks in the order of the document, which is the boot order.
    pub(super) disks: Vec<DiskFacts>,
    /// Its interfaces.
    pub(super) nics: Vec<NicFacts>,
    /// Ours when there is one, otherwise kcli's.
    pub(super) metadata: Metadata,
}

/// A disk of a VM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DiskFacts {
    /// Its name in the guest, `vda`.
    pub(super) target: String,
    /// `disk`, `cdrom`, `floppy` or `lun`.
    pub(super) device: String,
    /// The path of its file or device.
    pub(super) path: Option<String>,
    /// The pool and volume, when it is defined by them instead of a path.
    pub(super) volume: Option<(String, String)>,
    /// Its format.
    pub(super) format: Option<String>,
    /// Its bus.
    pub(super) bus: Option<String>,
    /// Whether other VMs may hold it too.
    pub(super) shareable: bool,
    /// Every path under it, when the document tells (it does for running VMs).
    pub(super) backing_paths: Vec<String>,
}

/// An interface of a VM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NicFacts {
    /// `network`, `bridge`, `direct`, `user`.
    pub(super) kind: String,
    /// Its MAC address in lower case.
    pub(super) mac: Option<String>,
    /// The network, bridge or host interface.
    pub(super) network: Option<String>,
    /// The device model.
    pub(super) model: Option<String>,
}

/// A network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NetworkFacts {
    /// `nat`, `route`, `open`, `bridge`; `isolated` when it forwards nothing.
    pub(super) mode: String,
    /// Its address ranges.
    pub(super) cidrs: Vec<String>,
    /// Whether it hands out addresses.
    pub(super) dhcp: bool,
    /// Its DNS domain.
    pub(super) domain: Option<String>,
    /// The host's bridge.
    pub(super) bridge: Option<String>,
    /// kcli's and our tags.
    pub(super) metadata: Metadata,
}

/// A pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PoolFacts {
    /// `dir`, `logical`, `netfs` and so on.
    pub(super) kind: String,
    /// Where its volumes are.
    pub(super) path: Option<String>,
}

/// A volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct VolumeFacts {
    /// Its name.
    pub(super) name: String,
    /// `file`, `block`, `dir`, `network`.
    pub(super) kind: String,
    /// Its path.
    pub(super) path: String,
    /// Its format; none for block devices.
    pub(super) format: Option<String>,
    /// Its size as a guest sees it.
    pub(super) capacity_bytes: u64,
    /// The path of the volume under it.
    pub(super) backing_path: Option<String>,
    /// When it was last written, RFC 3339; images are written once.
    pub(super) modified_at: Option<String>,
}

impl DomainFacts {
    /// The facts of a `<domain>` document.
    pub(super) fn from_xml(xml: &str) -> Option<Self> {
        let document = Document::parse(xml).ok()?;
        let domain = document.root_element();
        let devices = child(domain, "devices");
        let of_kind = |kind: &'static str| {
            devices
                .into_iter()
                .flat_map(|node| node.children())
                .filter(move |node| node.has_tag_name(kind))
        };
        Some(Self {
            description: child_text(domain, "description"),
            disks: of_kind("disk").map(DiskFacts::from_node).collect(),
            nics: of_kind("interface").map(NicFacts::from_node).collect(),
            metadata: metadata_of(domain),
        })
    }
}

impl DiskFacts {
    fn from_node(node: Node<'_, '_>) -> Self {
        let target = child(node, "target");
        let source = child(node, "source");
        let driver = child(node, "driver");
        let volume = source.and_then(|source| attribute(source, "pool").zip(attribute(source, "volume")));
        let mut backing_paths = Vec::new();
        let mut level = child(node, "backingStore");
        while let Some(store) = level {
            backing_paths.extend(child(store, "source").and_then(source_path));
            level = child(store, "backingStore");
        }
        Self {
            target: target.and_then(|target| attribute(target, "dev")).unwrap_or_default(),
            device: attribute(node, "device").unwrap_or_else(|| "disk".to_owned()),
            path: source.and_then(source_path),
            volume,
            format: driver.and_then(|driver| attribute(driver, "type")),
            bus: target.and_then(|target| attribute(target, "bus")),
            shareable: child(node, "shareable").is_some(),
            backing_paths,
        }
    }
}

impl NicFacts {
    fn from_node(node: Node<'_, '_>) -> Self {
        let source = child(node, "source");
        let network = ["network", "bridge", "dev"]
            .into_iter()
            .find_map(|name| source.and_then(|node| attribute(node, name)));
        Self {
            kind: attribute(node, "type").unwrap_or_default(),
            mac: child(node, "mac")
                .and_then(|mac| attribute(mac, "address"))
                .map(|mac| mac.to_ascii_lowercase()),
            network,
            model: child(node, "model").and_then(|model| attribute(model, "type")),
        }
    }
}

impl NetworkFacts {
    /// The facts of a `<network>` document.
    pub(super) fn from_xml(xml: &str) -> Option<Self> {
        let document = Document::parse(xml).ok()?;
        let network = document.root_element();
        let addresses = || network.children().filter(|node| node.has_tag_name("ip"));
        let mode = match child(network, "forward") {
            Some(forward) => attribute(forward, "mode").unwrap_or_else(|| "nat".to_owned()),
            None => "isolated".to_owned(),
        };
        Some(Self {
            mode,
            cidrs: addresses().filter_map(cidr).collect(),
            dhcp: addresses().any(|address| child(address, "dhcp").is_some()),
            domain: child(network, "domain").and_then(|domain| attribute(domain, "name")),
            bridge: child(network, "bridge").and_then(|bridge| attribute(bridge, "name")),
            metadata: metadata_of(network),
        })
    }
}

impl PoolFacts {
    /// The facts of a `<pool>` document.
    pub(super) fn from_xml(xml: &str) -> Option<Self> {
        let document = Document::parse(xml).ok()?;
        let pool = document.root_element();
        let path = child(pool, "target").and_then(|target| child_text(target, "path"));
        Some(Self {
            kind: attribute(pool, "type").unwrap_or_default(),
            path,
        })
    }
}

impl VolumeFacts {
    /// The facts of a `<volume>` document.
    pub(super) fn from_xml(xml: &str) -> Option<Self> {
        let document = Document::parse(xml).ok()?;
        let volume = document.root_element();
        let target = child(volume, "target");
        let modified = target
            .and_then(|target| child(target, "timestamps"))
            .and_then(|times| child_text(times, "mtime"));
        let seconds = modified
            .as_deref()
            .and_then(|text| text.split('.').next()?.parse().ok());
        Some(Self {
            name: child_text(volume, "name").unwrap_or_default(),
            kind: attribute(volume, "type").unwrap_or_else(|| "file".to_owned()),
            path: target.and_then(|target| child_text(target, "path")).unwrap_or_default(),
            format: target
                .and_then(|target| child(target, "format"))
                .and_then(|format| attribute(format, "type")),
            // libvirt always prints bytes.
            capacity_bytes: child_text(volume, "capacity")
                .and_then(|text| text.parse().ok())
                .unwrap_or_default(),
            backing_path: child(volume, "backingStore").and_then(|backing| child_text(backing, "path")),
            modified_at: seconds.and_then(metadata::time_of_seconds),
        })
    }
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn child_text(node: Node<'_, '_>, name: &str) -> Option<String> {
    Some(child(node, name)?.text()?.to_owned())
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::to_owned)
}

fn source_path(source: Node<'_, '_>) -> Option<String> {
    ["file", "dev", "dir", "name"]
        .into_iter()
        .find_map(|name| attribute(source, name))
}

fn metadata_of(node: Node<'_, '_>) -> Metadata {
    let of_namespace = |namespace| {
        let elements = child(node, "metadata")?;
        elements
            .children()
            .find(|element| element.tag_name().namespace() == Some(namespace))
            .map(Metadata::from_node)
    };
    of_namespace(metadata::NAMESPACE)
        .or_else(|| of_namespace(metadata::KCLI_NAMESPACE))
        .unwrap_or_default()
}

/// The range of an `<ip>` element, which gives a host address with a netmask or a prefix length.
fn cidr(address: Node<'_, '_>) -> Option<String> {
    let ip: std::net::IpAddr = address.attribute("address")?.parse().ok()?;
    let network = if let Some(prefix) = address.attribute("prefix") {
        ipnet::IpNet::new(ip, prefix.parse().ok()?).ok()?
    } else if let Some(netmask) = address.attribute("netmask") {
        ipnet::IpNet::with_netmask(ip, netmask.parse().ok()?).ok()?
    } else {
        return None;
    };
    Some(network.trunc().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = "<domain type='kvm' id='3'><name>web</name><description>text</description>\
        <metadata><kvirt:info xmlns:kvirt='kvirt'><kvirt:image>kcli-image</kvirt:image></kvirt:info>\
        <stockade:vm xmlns:stockade='urn:stockade:vm:1'><stockade:image>our-image</stockade:image></stockade:vm></metadata>\
        <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/p/web_0.img' index='1'/>\
        <backingStore type='file'><format type='qcow2'/><source file='/p/base'/><backingStore type='file'><source file='/p/root'/>\
        <backingStore/></backingStore></backingStore><target dev='vda' bus='virtio'/></disk>\
        <disk type='file' device='cdrom'><target dev='sda' bus='scsi'/><readonly/></disk>\
        <disk type='volume' device='disk'><source pool='default' volume='v'/><target dev='vdb' bus='virtio'/></disk>\
        <interface type='network'><mac address='52:54:00:AA:00:01'/><source network='default' bridge='virbr0'/><model type='virtio'/>\
        </interface><interface type='user'/></devices></domain>";

    #[test]
    fn a_definition_gives_its_disks_nics_and_our_metadata_before_kclis() {
        let facts = DomainFacts::from_xml(DOMAIN).unwrap();
        assert_eq!(
            (facts.description.as_deref(), facts.metadata.image.as_deref()),
            (Some("text"), Some("our-image"))
        );
        let first = DiskFacts {
            target: "vda".into(),
            device: "disk".into(),
            path: Some("/p/web_0.img".into()),
            format: Some("qcow2".into()),
            bus: Some("virtio".into()),
            shareable: false,
            backing_paths: vec!["/p/base".into(), "/p/root".into()],
            volume: None,
        };
        assert_eq!(facts.disks[0], first);
        assert_eq!((facts.disks[1].device.as_str(), &facts.disks[1].path), ("cdrom", &None));
        assert_eq!(facts.disks[2].volume, Some(("default".into(), "v".into())));
        let nic = NicFacts {
            kind: "network".into(),
            mac: Some("52:54:00:aa:00:01".into()),
            network: Some("default".into()),
            model: Some("virtio".into()),
        };
        assert_eq!(
            facts.nics,
            [
                nic,
                NicFacts {
                    kind: "user".into(),
                    ..NicFacts::default()
                }
            ]
        );
    }

    #[test]
    fn a_network_gives_its_ranges_as_prefixes() {
        let xml = "<network><name>n</name><forward mode='nat'/><bridge name='virbr0'/><domain name='lab.example'/>\
            <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='a' end='b'/></dhcp></ip>\
            <ip family='ipv6' address='2001:db8::1' prefix='64'/></network>";
        let expected = NetworkFacts {
            mode: "nat".into(),
            cidrs: vec!["192.168.122.0/24".into(), "2001:db8::/64".into()],
            dhcp: true,
            domain: Some("lab.example".into()),
            bridge: Some("virbr0".into()),
            metadata: Metadata::default(),
        };
        assert_eq!(NetworkFacts::from_xml(xml).unwrap(), expected);
        let isolated = NetworkFacts::from_xml("<network><name>n</name></network>").unwrap();
        assert_eq!((isolated.mode.as_str(), isolated.dhcp), ("isolated", false));
    }

    #[test]
    fn a_volume_gives_its_size_format_and_backing() {
        let xml = "<volume type='file'><name>web_0.img</name><capacity unit='bytes'>1073741824</capacity>\
            <target><path>/p/web_0.img</path><format type='qcow2'/><timestamps><mtime>1770000000.5</mtime></timestamps></target>\
            <backingStore><path>/p/base</path><format type='qcow2'/></backingStore></volume>";
        let expected = VolumeFacts {
            name: "web_0.img".into(),
            kind: "file".into(),
            path: "/p/web_0.img".into(),
            format: Some("qcow2".into()),
            capacity_bytes: 1 << 30,
            backing_path: Some("/p/base".into()),
            modified_at: Some("2026-02-02T02:40:00Z".into()),
        };
        assert_eq!(VolumeFacts::from_xml(xml).unwrap(), expected);
    }

    #[test]
    fn what_is_not_xml_gives_nothing() {
        assert!(DomainFacts::from_xml("").is_none() && NetworkFacts::from_xml("<network").is_none());
        assert!(PoolFacts::from_xml("\0").is_none() && VolumeFacts::from_xml("no").is_none());
    }
}
