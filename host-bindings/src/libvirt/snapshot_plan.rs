//! How a snapshot is to be taken: inside the disks' own files or beside them, and its document for libvirt
//! (<https://libvirt.org/formatsnapshot.html>, <https://libvirt.org/kbase/snapshots.html>).
//!
//! A snapshot inside the files is one unit with them, so it is taken whenever that can be: while the VM is stopped, or with
//! its memory, and all its disks are qcow2. Otherwise each disk gets an overlay, and what was there is not written any more.
//! The two kinds do not mix: reverting to one inside a file that an overlay covers fails.

use crate::contract::{Error, ErrorKind, SnapshotSpec};

use super::element::Element;
use super::error::{Fault, conflict};
use super::tree::Tree;

/// The VM's state, as far as it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VmState {
    /// Whether the VM runs, paused or not.
    pub(super) active: bool,
    /// Whether it has snapshots inside its disks.
    pub(super) has_internal: bool,
    /// Whether it has snapshots beside its disks.
    pub(super) has_external: bool,
}

/// A snapshot to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The document.
    pub(super) xml: String,
    /// Whether it is beside the disks.
    pub(super) external: bool,
    /// The files that libvirt makes for it.
    pub(super) files: Vec<String>,
}

/// A disk that can be written.
struct Disk<'a> {
    target: &'a str,
    path: Option<&'a str>,
    is_qcow2: bool,
    is_file: bool,
}

/// Plans a snapshot of a VM with this definition.
///
/// # Errors
/// `invalid-argument` for wishes that exclude each other; `conflict` or `unsupported` for what this VM's disks do not allow.
pub(super) fn plan(vm: &str, definition: &Tree, spec: &SnapshotSpec, state: VmState) -> Result<Plan, Fault> {
    check_wishes(vm, spec, state)?;
    let all = disks(definition);
    let writable: Vec<Disk<'_>> = all.iter().filter_map(writable).collect();
    if let Some(shared) = all.iter().find(|disk| disk.child("shareable").is_some()) {
        return Err(conflict(format!(
            "disk `{}` of vm `{vm}` is shared with other vms, whose writes a snapshot cannot hold: detach it first",
            target(shared).unwrap_or_default()
        )));
    }
    let wants_internal = !state.active || spec.with_memory;
    let fits = writable.iter().all(|disk| disk.is_qcow2 && disk.is_file) && !has_firmware_variables(definition);
    let external = state.has_external || !(wants_internal && fits);
    if external && state.has_internal {
        return Err(conflict(format!(
            "vm `{vm}` has snapshots inside its disks, with which one beside them does not mix: stop the vm, take it with the \
             memory, or delete the others"
        )));
    }
    let stem = |disk: &Disk<'_>| -> Option<String> {
        let (directory, _) = disk.path?.rsplit_once('/')?;
        Some(format!("{directory}/{vm}_{}.{}", disk.target, spec.name))
    };
    let mut files = Vec::new();
    let mut elements = Vec::new();
    for disk in &all {
        let Some(name) = target(disk) else {
            continue;
        };
        let element = Element::new("disk").attribute("name", name);
        let found = writable.iter().find(|writable| writable.target == name);
        elements.push(match found {
            None => element.attribute("snapshot", "no"),
            Some(_) if !external => element.attribute("snapshot", "internal"),
            Some(writable) => {
                let path = stem(writable)
                    .filter(|_| writable.is_file)
                    .ok_or_else(|| not_a_file(vm, name))?;
                let path = format!("{path}.img");
                files.push(path.clone());
                element
                    .attribute("snapshot", "external")
                    .child(Element::new("driver").attribute("type", "qcow2"))
                    .child(Element::new("source").attribute("file", path))
            }
        });
    }
    let memory = match (external, spec.with_memory) {
        (true, true) => {
            let first = writable.iter().find_map(stem);
            let path = first
                .ok_or_else(|| conflict(format!("vm `{vm}` has no disk beside which its memory could be kept")))?;
            let path = format!("{path}.mem");
            files.push(path.clone());
            Some(
                Element::new("memory")
                    .attribute("snapshot", "external")
                    .attribute("file", path),
            )
        }
        _ => None,
    };
    let description = spec.description.as_deref().filter(|text| !text.is_empty());
    let xml = Element::new("domainsnapshot")
        .child_text("name", &spec.name)
        .children(description.map(|text| Element::new("description").text(text)))
        .children(memory)
        .child(Element::new("disks").children(elements))
        .to_string();
    Ok(Plan { xml, external, files })
}

fn check_wishes(vm: &str, spec: &SnapshotSpec, state: VmState) -> Result<(), Fault> {
    if spec.with_memory && spec.quiesce {
        let message = "a snapshot with the memory holds what the guest has not written yet: leave `quiesce` out";
        return Err(Error::invalid_argument("quiesce", message).into());
    }
    if spec.with_memory && !state.active {
        return Err(conflict(format!(
            "vm `{vm}` does not run, so there is no memory to save: start it first"
        )));
    }
    if spec.quiesce && !state.active {
        return Err(conflict(format!(
            "vm `{vm}` does not run, so there is nobody to hold writes: leave `quiesce` out"
        )));
    }
    Ok(())
}

fn not_a_file(vm: &str, disk: &str) -> Fault {
    let message = format!(
        "disk `{disk}` of vm `{vm}` is not a file, so libvirt cannot put an overlay beside it; a snapshot needs disks in a pool of \
         type `dir` or `nfs`"
    );
    Error::new(ErrorKind::Unsupported("create-snapshot".to_owned()), message).into()
}

/// The disks of a definition, of every kind of device.
pub(super) fn disks(definition: &Tree) -> Vec<&Tree> {
    let devices = definition.child("devices").into_iter().flat_map(Tree::children);
    devices.filter(|device| device.name() == "disk").collect()
}

/// A disk's name in the guest.
pub(super) fn target(disk: &Tree) -> Option<&str> {
    disk.child("target")?.attribute("dev")
}

fn writable<'a>(disk: &&'a Tree) -> Option<Disk<'a>> {
    let is_disk = matches!(disk.attribute("device"), None | Some("disk" | "lun"));
    let source = disk.child("source");
    (is_disk && disk.child("readonly").is_none()).then_some(Disk {
        target: target(disk)?,
        path: source.and_then(|source| source.attribute("file")),
        is_qcow2: disk.child("driver").and_then(|driver| driver.attribute("type")) == Some("qcow2"),
        is_file: disk.attribute("type") == Some("file"),
    })
}

/// Firmware variables in a raw file cannot hold a snapshot (libvirt's kbase/snapshots.html, "internal snapshots").
fn has_firmware_variables(definition: &Tree) -> bool {
    let Some(os) = definition.child("os") else {
        return false;
    };
    let is_flash = os
        .child("loader")
        .is_some_and(|loader| loader.attribute("type") == Some("pflash"));
    let is_efi = os.attribute("firmware") == Some("efi");
    let is_qcow2 = os
        .child("nvram")
        .is_some_and(|nvram| nvram.attribute("format") == Some("qcow2"));
    (is_flash || is_efi) && !is_qcow2
}

#[cfg(test)]
#[path = "snapshot_plan_tests.rs"]
mod tests;
