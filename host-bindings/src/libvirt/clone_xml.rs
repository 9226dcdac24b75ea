//! The definition of a copy: the original's with a new identity. What is not understood is copied as it is.

use super::element::Element;
use super::metadata::{self, KCLI_NAMESPACE, Metadata, NAMESPACE, NicMetadata};
use super::names::random_mac;
use super::snapshot_plan::{disks, target};
use super::tree::Tree;

/// What is new about a copy.
pub(super) struct Identity {
    /// Its name.
    pub(super) name: String,
    /// Its UUID.
    pub(super) uuid: String,
    /// Where each disk is now, by its name in the guest: path and format. A disk that is not here is left out, a medium is
    /// kept.
    pub(super) disks: Vec<CopiedDisk>,
    /// What is to be known about it; its interfaces are filled in.
    pub(super) metadata: Metadata,
}

/// A disk of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CopiedDisk {
    /// Its name in the guest.
    pub(super) target: String,
    /// Its path.
    pub(super) path: String,
    /// Its format.
    pub(super) format: String,
    /// Whether it is a device of the host and not a file.
    pub(super) is_block_device: bool,
}

/// Turns the original's inactive definition into the copy's; answers the new MAC address of each old one.
pub(super) fn rewrite(definition: &mut Tree, mut identity: Identity) -> Vec<(String, String)> {
    set_text(definition, "name", &identity.name);
    set_text(definition, "uuid", &identity.uuid);
    // The hypervisor makes a new one.
    if definition.child("genid").is_some() {
        definition.set_child("genid", Some(Tree::of(&Element::new("genid"))));
    }
    if let Some(nvram) = definition.child_mut("os").and_then(|os| os.child_mut("nvram")) {
        // Without a path libvirt makes variables of the copy's own from the template.
        nvram.clear();
        for attribute in ["type", "format"] {
            nvram.set_attribute(attribute, None);
        }
    }
    if definition.child("os").and_then(|os| os.attribute("firmware")) == Some("efi")
        && let Some(os) = definition.child_mut("os")
    {
        // The firmware is chosen again, with its template.
        os.retain(|child| !matches!(child.name(), "loader" | "nvram"));
    }
    let macs = rewrite_devices(definition, &identity.disks);
    identity.metadata.nics = macs
        .iter()
        .map(|(_, mac)| NicMetadata {
            mac: Some(mac.clone()),
            address: None,
        })
        .collect();
    set_our_metadata(definition, &identity.metadata);
    replace_metadata(definition, KCLI_NAMESPACE, &identity.metadata.to_kcli_element());
    macs
}

fn set_text(tree: &mut Tree, name: &'static str, text: &str) {
    tree.set_child(name, Some(Tree::of(&Element::new(name).text(text))));
}

fn rewrite_devices(definition: &mut Tree, copies: &[CopiedDisk]) -> Vec<(String, String)> {
    let mut macs = Vec::new();
    let Some(devices) = definition.child_mut("devices") else {
        return macs;
    };
    devices.retain(|device| {
        let is_disk = device.name() == "disk" && matches!(device.attribute("device"), None | Some("disk" | "lun"));
        let is_shared = device.child("shareable").is_some() || device.child("readonly").is_some();
        let is_copied = || copies.iter().any(|copy| target(device) == Some(copy.target.as_str()));
        !is_disk || is_shared || is_copied()
    });
    for device in devices.children_mut() {
        match device.name() {
            "disk" => {
                let copy = copies.iter().find(|copy| target(device) == Some(copy.target.as_str()));
                if let Some(copy) = copy {
                    point_to(device, copy);
                }
            }
            "interface" => {
                let new = random_mac();
                if let Some(mac) = device.child_mut("mac") {
                    let old = mac.attribute("address").unwrap_or_default().to_ascii_lowercase();
                    mac.set_attribute("address", Some(&new));
                    macs.push((old, new));
                } else {
                    device.push(Tree::of(&Element::new("mac").attribute("address", &new)));
                    macs.push((String::new(), new));
                }
                device.set_child("target", None);
            }
            "serial" | "console" | "channel" => detach_line(device),
            "graphics" if device.attribute("autoport") == Some("no") => {
                device.set_attribute("autoport", Some("yes"));
                device.set_attribute("port", None);
            }
            _ => {}
        }
    }
    macs
}

/// A line of the original leads to its own socket, port or file, which the copy cannot have: libvirt chooses a socket again,
/// and what went elsewhere goes to a terminal.
fn detach_line(device: &mut Tree) {
    device.set_child("log", None);
    match device.attribute("type") {
        Some("unix") => {
            if let Some(source) = device.child_mut("source") {
                source.set_attribute("path", None);
            }
        }
        Some("file" | "tcp" | "udp") => {
            device.set_attribute("type", Some("pty"));
            device.retain(|child| !matches!(child.name(), "source" | "protocol"));
        }
        _ => {}
    }
}

/// Lets a disk lead to another file.
pub(super) fn point_to(disk: &mut Tree, copy: &CopiedDisk) {
    let (kind, attribute) = if copy.is_block_device {
        ("block", "dev")
    } else {
        ("file", "file")
    };
    disk.set_attribute("type", Some(kind));
    let source = Element::new("source").attribute(attribute, &copy.path);
    disk.set_child("source", Some(Tree::of(&source)));
    // What is under it libvirt reads from the file.
    disk.set_child("backingStore", None);
    match disk.child_mut("driver") {
        Some(driver) => driver.set_attribute("type", Some(&copy.format)),
        None => {
            let driver = Element::new("driver")
                .attribute("name", "qemu")
                .attribute("type", &copy.format);
            disk.push(Tree::of(&driver));
        }
    }
}

/// Puts our element in the place of the one that is there; kcli's and other tools' elements stay.
pub(super) fn set_our_metadata(definition: &mut Tree, metadata: &Metadata) {
    replace_metadata(definition, NAMESPACE, &metadata.to_element());
}

/// Puts an element in the place of those of its namespace.
fn replace_metadata(definition: &mut Tree, namespace: &str, element: &Element) {
    if definition.child("metadata").is_none() {
        definition.push(Tree::of(&Element::new("metadata")));
    }
    let is_of_namespace = |element: &Tree| {
        let mut attributes = element.attributes();
        attributes.any(|(name, value)| name.starts_with("xmlns") && value == namespace)
    };
    if let Some(place) = definition.child_mut("metadata") {
        place.retain(|element| !is_of_namespace(element));
        place.push(Tree::of(element));
    }
}

/// What is to be known about a copy of a VM of which this is known.
pub(super) fn metadata_of_copy(original: &Metadata) -> Metadata {
    Metadata {
        ours: true,
        created_at: metadata::now(),
        idempotency_key: None,
        nics: Vec::new(),
        volumes: Vec::new(),
        ..original.clone()
    }
}

/// The disks of a definition that hold the guest's data: those that it alone can write.
pub(super) fn own_disks(definition: &Tree) -> impl Iterator<Item = &Tree> {
    disks(definition).into_iter().filter(|disk| {
        let is_disk = matches!(disk.attribute("device"), None | Some("disk"));
        is_disk && disk.child("readonly").is_none() && disk.child("shareable").is_none()
    })
}

#[cfg(test)]
#[path = "clone_xml_tests.rs"]
mod tests;
